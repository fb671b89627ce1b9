"""The world page's map for slides and print: fields, outlines, signs, colour bar, title and source in one picture."""

import io
import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr

from tamrl.bundled import outlines
from tamrl.figures.world.map import Scale, bounds, number, palette, steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: West, south, east and north of the whole Earth; east goes beyond 180 where a box lies across the date line.
Box = tuple[float, float, float, float]
EARTH: Box = (-180.0, -90.0, 180.0, 90.0)
#: South of it there is no land but Antarctica: where no part is chosen, it is left out.
_SOUTH, _NORTH = -60, 85
#: With one map 8 by 4.5 inches, the shape of a slide: 2400 by 1350 pixels.
_DPI, _WIDTH, _HIGH, _AROUND = 300, 8.0, 3.3, 1.2
_MARK, _INK, _ORANGE = "#ffd23f", "#23302a", "#b85c00"


@dataclass(frozen=True, eq=False)
class Panel:
    """One map of a picture.

    Attributes:
        title: what it shows.
        field: values (lat, lon).
        doubtful: where the model extrapolates, (lat, lon) bool, or None.
    """

    title: str
    field: xr.DataArray
    doubtful: xr.DataArray | None = None


@dataclass(frozen=True)
class Signs:
    """What lies on the maps of a picture.

    Attributes:
        cell: latitude, longitude, height and width of the picked cell, degrees; None for none.
        towers: longitude and latitude of each tower.
        hatched: what the hatch means, in words.
    """

    cell: tuple[float, float, float, float] | None = None
    towers: tuple[tuple[float, float], ...] = ()
    hatched: str = "outside the area of applicability"


def draw(
    panels: list[Panel],
    scale: Scale,
    period: str,
    source: str,
    box: Box = EARTH,
    signs: Signs | None = None,
    simulated: bool = False,
    kind: Literal["png", "svg"] = "png",
) -> bytes:
    """Return a picture of one map or of several, one below the other, with one colour bar.

    Args:
        panels: the maps.
        scale: colours and range, shared by all.
        period: part of time, for the title.
        source: source line.
        box: west, south, east and north of what is shown.
        signs: what lies on the maps.
        simulated: whether the data were made by a model; then the picture says so.
        kind: ``png``, 300 dots an inch, or ``svg``, whose texts stay texts.
    """
    # Figure by hand: pyplot keeps what it draws, and is not made for threads.
    from matplotlib.figure import Figure

    signs = signs or Signs()
    tall = _HIGH * len(panels) + _AROUND
    figure = Figure(figsize=(_WIDTH, tall), dpi=_DPI, facecolor="white", layout=None)
    high = (_HIGH - 0.3) / tall
    for i, panel in enumerate(panels):
        axes = figure.add_axes((0.02, 1 - (0.6 + _HIGH * i) / tall - high, 0.96, high))
        _panel(axes, panel, scale, box, signs)
    figure.text(0.02, 1 - 0.2 / tall, f"{scale.label}, {period}", fontsize=11, weight="bold", va="center")
    if simulated:
        figure.text(
            0.98, 1 - 0.2 / tall, "SIMULATED", fontsize=11, weight="bold", va="center", ha="right", color=_ORANGE
        )
    _bar(figure.add_axes((0.25, 0.6 / tall, 0.5, 0.11 / tall)), scale)
    lines = textwrap.wrap(f"Source: {source}", 170)
    said = [_meaning(panels, signs, box), "\n".join([*lines[:2], *([f"{lines[2]} …"] if len(lines) > 2 else [])])]
    figure.text(0.02, 0.05 / tall, "\n".join(filter(None, said)), fontsize=5.5, color="#444444", va="bottom")
    return _written(figure, kind)


def _written(figure: "Figure", kind: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out = io.BytesIO()
    if kind == "png":
        FigureCanvasAgg(figure).print_png(out)
    else:
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "tamrl", "font.family": "sans-serif"}):
            FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})
    return out.getvalue()


def _meaning(panels: list[Panel], signs: Signs, box: Box) -> str:
    """Return what the signs on the maps mean, in a line; a hatch that no cell of the box wears is not told."""
    hatched = any(panel.doubtful is not None and _holds(panel.doubtful, box) for panel in panels)
    said = [
        f"Hatched: {signs.hatched}" if hatched else "",
        "circles: towers" if signs.towers else "",
        "yellow frame: picked cell" if signs.cell else "",
        "grey land: no value",
    ]
    text = "; ".join(filter(None, said))
    return f"{text[0].upper()}{text[1:]}."


def _holds(doubtful: xr.DataArray, box: Box) -> bool:
    """Return whether a cell with its centre in the box is doubtful."""
    west, south, east, north = box
    lat, lon = doubtful["lat"], doubtful["lon"]
    inside = (lon >= west) & (lon <= east) | (lon + 360 <= east)
    return bool(doubtful.where(inside & (lat >= south) & (lat <= north), False).any())


def _panel(axes: "Axes", panel: Panel, scale: Scale, box: Box, signs: Signs) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    west, south, east, north = box
    axes.set_facecolor("#eef2f3")
    for turn in (0.0, 360.0) if east > 180 else (0.0,):
        rings = [ring + np.array([turn, 0]) for ring in outline_rings()]
        axes.add_collection(PolyCollection(rings, facecolors="#d9d8d2", edgecolors="none", zorder=0))
        _field(axes, panel, scale, turn)
        axes.add_collection(LineCollection(rings, colors=_INK, linewidths=0.25, alpha=0.7, zorder=3))
        _signs(axes, signs, turn)
    ends = (_SOUTH, _NORTH) if box == EARTH else (south, north)
    axes.set(xlim=(west, east), ylim=ends, xticks=[], yticks=[])
    # Degrees of latitude and longitude are equally long, as on the page; a tall box leaves room at its sides.
    axes.set_aspect("auto" if box == EARTH else "equal", adjustable="box", anchor="C")
    axes.set_title(panel.title, fontsize=8, loc="left", pad=3)
    for side in axes.spines.values():
        side.set(linewidth=0.4, color="#999999")


def _field(axes: "Axes", panel: Panel, scale: Scale, turn: float) -> None:
    """Draw the values, and the hatch where the model extrapolates."""
    west, south, east, north = bounds(panel.field)
    values = panel.field.transpose("lat", "lon").values[::-1]
    colours = np.concatenate(
        [np.zeros((1, 4), np.uint8), np.pad(palette(scale.colours), ((0, 0), (0, 1)), constant_values=255)]
    )
    image = colours[steps(values, scale.low, scale.high)]
    extent = (west + turn, east + turn, south, north)
    axes.imshow(image, extent=extent, interpolation="nearest", zorder=1, aspect="auto")
    if panel.doubtful is None:
        return
    shown = panel.doubtful.transpose("lat", "lon")
    if min(shown.shape) < 2 or not bool(shown.any()):
        return
    hatch = axes.contourf(
        shown["lon"] + turn,
        shown["lat"],
        shown.astype(float),
        levels=[0.5, 1.5],
        colors="none",
        hatches=["//////"],
        zorder=2,
    )
    hatch.set(edgecolor=_INK, linewidth=0, hatch_linewidth=0.5)


def _signs(axes: "Axes", signs: Signs, turn: float) -> None:
    """Draw the towers and the picked cell."""
    from matplotlib.patches import Rectangle

    if signs.towers:
        lon, lat = np.array(signs.towers, float).T
        axes.scatter(lon + turn, lat, s=5, facecolor="white", edgecolor=_INK, linewidth=0.5, zorder=4)
    if signs.cell is None:
        return
    lat, lon, high, wide = signs.cell
    high, wide = max(high, 1.0), max(wide, 1.0)  # a cell of a tenth of a degree would not be seen
    corner = (lon + turn - wide / 2, lat - high / 2)
    for colour, width in ((_INK, 2.0), (_MARK, 1.0)):
        axes.add_patch(Rectangle(corner, wide, high, fill=False, edgecolor=colour, linewidth=width, zorder=5))


def _bar(axes: "Axes", scale: Scale) -> None:
    """Draw the colour bar with pointed ends."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colours = LinearSegmentedColormap.from_list("field", list(scale.colours), N=254)
    mapped = ScalarMappable(Normalize(scale.low, scale.high), colours)
    bar = Colorbar(axes, mapped, orientation="horizontal", extend="both")
    ticks = np.linspace(scale.low, scale.high, 5).tolist()
    bar.set_ticks(ticks, labels=[number(t, scale.high - scale.low) for t in ticks])
    axes.tick_params(labelsize=7, length=2)
    bar.outline.set_linewidth(0.4)
    axes.set_title(scale.title, fontsize=8, pad=3)
    for place, end, align in zip((-0.07, 1.07), scale.ends, ("right", "left"), strict=True):
        axes.text(place, 0.5, end, fontsize=7, va="center", ha=align, transform=axes.transAxes)


def outline_rings() -> list[np.ndarray]:
    """Return the outlines of countries, each (n, 2) longitude and latitude."""
    found = []
    for feature in json.loads(outlines().read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        shapes = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        found += [np.array(ring, float) for shape in shapes for ring in shape]
    return found
