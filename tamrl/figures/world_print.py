"""The world page's map for print: fields, outlines, colour bar, title and source as one PNG."""

import io
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from tamrl.figures.world_map import Scale, bounds, number, palette, steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: South of it there is no land but Antarctica.
_SOUTH, _NORTH = -60, 85
_DPI = 300
_OUTLINES = Path(__file__).resolve().parents[2] / "static" / "countries.geojson"


@dataclass(frozen=True, eq=False)
class Panel:
    """One map of a picture.

    Attributes:
        title: what it shows.
        field: values (lat, lon).
        doubtful: where the model should not be believed, (lat, lon) bool, or None.
    """

    title: str
    field: xr.DataArray
    doubtful: xr.DataArray | None = None


def draw(panels: list[Panel], scale: Scale, period: str, source: str) -> bytes:
    """Return a PNG of one map or of several, one below the other, with one colour bar.

    Args:
        panels: the maps.
        scale: colours and range, shared by all.
        period: part of time, for the title.
        source: source line.
    """
    # Figure by hand: pyplot keeps what it draws, and is not made for threads.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tall = 3.3 * len(panels) + 1.2
    figure = Figure(figsize=(8, tall), dpi=_DPI, facecolor="white", layout=None)
    high = 3.0 / tall
    for i, panel in enumerate(panels):
        axes = figure.add_axes((0.02, 1 - (0.6 + 3.3 * i) / tall - high, 0.96, high))
        _panel(axes, panel, scale)
    figure.text(0.02, 1 - 0.2 / tall, f"{scale.label}, {period}", fontsize=11, weight="bold", va="center")
    _bar(figure.add_axes((0.25, 0.62 / tall, 0.5, 0.11 / tall)), scale)
    lines = "\n".join(textwrap.wrap(f"Source: {source}", 190)[:3])
    figure.text(0.02, 0.04 / tall, lines, fontsize=5, color="#555555", va="bottom")
    out = io.BytesIO()
    FigureCanvasAgg(figure).print_png(out)
    return out.getvalue()


def _panel(axes: "Axes", panel: Panel, scale: Scale) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    west, south, east, north = bounds(panel.field)
    values = panel.field.transpose("lat", "lon").values[::-1]
    colours = np.concatenate([np.zeros((1, 4), np.uint8), np.pad(palette(scale.colours), ((0, 0), (0, 1)),
                                                                constant_values=255)])  # fmt: skip
    rings = _rings()
    axes.set_facecolor("#eef2f3")
    axes.add_collection(PolyCollection(rings, facecolors="#d9d8d2", edgecolors="none", zorder=0))
    image = colours[steps(values, scale.low, scale.high)]
    axes.imshow(image, extent=(west, east, south, north), interpolation="nearest", zorder=1, aspect="auto")
    if panel.doubtful is not None:
        shown = panel.doubtful.transpose("lat", "lon")
        hatch = axes.contourf(
            shown["lon"], shown["lat"], shown.astype(float), levels=[0.5, 1.5], colors="none", hatches=["//////"],
            zorder=2,
        )  # fmt: skip
        hatch.set(edgecolor="#23302a", linewidth=0, hatch_linewidth=0.5)
        axes.text(
            0.01, 0.03, "Hatched: far from every training tower, do not believe the model", fontsize=6,
            transform=axes.transAxes, zorder=4,
        )  # fmt: skip
    axes.add_collection(LineCollection(rings, colors="#23302a", linewidths=0.25, alpha=0.7, zorder=3))
    axes.set(xlim=(-180, 180), ylim=(_SOUTH, _NORTH), xticks=[], yticks=[])
    axes.set_title(panel.title, fontsize=8, loc="left", pad=3)
    for side in axes.spines.values():
        side.set(linewidth=0.4, color="#999999")


def _bar(axes: "Axes", scale: Scale) -> None:
    """Draw the colour bar with pointed ends."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colours = LinearSegmentedColormap.from_list("field", list(scale.colours), N=254)
    mapped = ScalarMappable(Normalize(scale.low, scale.high), colours)
    bar = Colorbar(axes, mapped, orientation="horizontal", extend="both")
    ticks = np.linspace(scale.low, scale.high, 5)
    bar.set_ticks(ticks, labels=[number(t, scale.high - scale.low) for t in ticks])
    axes.tick_params(labelsize=7, length=2)
    bar.outline.set_linewidth(0.4)
    axes.set_title(scale.title, fontsize=8, pad=3)


def _rings() -> list[np.ndarray]:
    """Return the outlines of countries, each (n, 2) longitude and latitude."""
    found = []
    for feature in json.loads(_OUTLINES.read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        shapes = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        found += [np.array(ring, float) for shape in shapes for ring in shape]
    return found
