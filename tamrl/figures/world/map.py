"""Fields of the world page as small pictures, the colours that they wear, and the colour bar that explains them.

One pixel is one cell: rows from north to south, columns from west to east, as the page's map draws latitude and
longitude. A picture has a palette of 255 colours, so that the map reads values back from it, to 1/254 of the range.
"""

import base64
import html
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import xarray as xr

from tamrl.figures.colours import CIVIDIS, OWN, PURPLE_ORANGE, PURPLE_RED, field_scale, on_dark, rgb
from tamrl.figures.style import INK, PAPER, Theme, unit_label
from tamrl.globe.contract import SD, edges
from tamrl.schema import FLUX_UNIT, variable

#: Palette of a picture: place 0 is transparent, 1 and 255 are the ends of the range and what lies beyond them.
STEPS = 255
#: Most bytes of a picture: as text in a message to the browser it is a third larger, 0.29 MB.
MOST_BYTES = 220_000
#: Percentiles of the colour range, where the reader names none.
TAILS = (2.0, 98.0)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How values become colours.

    Attributes:
        colours: from low to high, ``#rrggbb``.
        low: value of the first colour.
        high: value of the last colour.
        label: what is shown, in words.
        unit: CF unit.
        ends: what values at the lower and at the upper end mean, in words; empty where the title says it.
        palette: that the colours are taken from, see ``colours_of``.
    """

    colours: tuple[str, ...]
    low: float
    high: float
    label: str
    unit: str
    ends: tuple[str, str] = ("", "")
    palette: str = OWN

    @property
    def title(self) -> str:
        """Return label and unit."""
        unit = unit_label(self.unit)
        return f"{self.label} [{unit}]" if unit else self.label


def colours_of(
    name: str, difference: bool = False, theme: Theme = "light", palette: str = OWN
) -> tuple[tuple[str, ...], bool]:
    """Return the colours of a variable from low to high, and whether they part at zero.

    Of NEE uptake is green and release is brown. Every difference is orange where the first is larger and purple where
    it is smaller, whatever the flux: more GPP is uptake and more NEE is release, so green and brown would mean the
    opposite from one flux to the next. On a dark ground what is large is bright, see ``field_scale``.

    Args:
        name: GPP, RECO, NEE, ``<flux>_sd`` or ``extrapolation``.
        difference: whether a difference of two maps is drawn.
        theme: light or dark.
        palette: of the fluxes, see ``field_scale``; differences, spreads and the index have colours of their own.
    """
    dark = theme == "dark"
    if difference:
        return on_dark(PURPLE_ORANGE) if dark else PURPLE_ORANGE, True
    if name.endswith(SD):
        return CIVIDIS, False
    if name == "extrapolation":
        return PURPLE_RED[::-1] if dark else PURPLE_RED, False
    return field_scale(name, dark, palette), name == "NEE"


def ends_of(name: str, first: str | None = None) -> tuple[str, str]:
    """Return what the lower and the upper end of a scale mean, in words.

    Args:
        name: GPP, RECO, NEE, ``<flux>_sd`` or ``extrapolation``.
        first: name of the maps that others are subtracted from, None where none are.
    """
    if first is not None:
        return f"{first} lower", f"{first} higher"
    return ("uptake", "release") if name == "NEE" else ("", "")


def label_of(name: str, difference: bool = False) -> str:
    """Return what a layer shows, in words."""
    flux = name.removesuffix(SD)
    label = "Dissimilarity index" if name == "extrapolation" else variable(flux).long_name
    if name.endswith(SD):
        label = f"{flux}, standard deviation"
    return f"{label}, difference" if difference else label


def unit_of(name: str) -> str:
    """Return the CF unit of a layer."""
    return "1" if name == "extrapolation" else FLUX_UNIT


def palette(colours: tuple[str, ...]) -> np.ndarray:
    """Return the 255 colours of a scale, (255, 3) uint8, interpolated between those named."""
    named = np.array([rgb(c)[:3] for c in colours], float)
    place = np.linspace(0, len(colours) - 1, STEPS)
    mixed = [np.interp(place, np.arange(len(colours)), named[:, i]) for i in range(3)]
    return np.round(np.stack(mixed, axis=1)).astype(np.uint8)


def steps(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the place in the palette of each value: 1 at ``low`` and below, 255 at ``high`` and above, 0 missing."""
    place = np.clip((np.nan_to_num(values) - low) / (high - low), 0, 1) * (STEPS - 1)
    return np.where(np.isfinite(values), np.round(place) + 1, 0).astype(np.uint8)


def png(places: np.ndarray, colours: np.ndarray) -> bytes:
    """Return a PNG with a palette (ISO/IEC 15948); place 0 is transparent.

    Args:
        places: (rows, columns) uint8, the first row on top.
        colours: (n, 3) uint8, of the places 1 to n.
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows, columns = places.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    # Each row begins with its filter; 0 leaves it as it is, best for palettes.
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), places.astype(np.uint8)], axis=1)
    content = (
        (b"IHDR", header),
        (b"PLTE", b"\0\0\0" + colours.tobytes()),
        (b"tRNS", b"\0"),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, part) for kind, part in content)


def picture(field: xr.DataArray, scale: Scale) -> bytes:
    """Return a field (lat, lon ascending) as PNG, north on top."""
    values = field.transpose("lat", "lon").values[::-1]
    return png(steps(values, scale.low, scale.high), palette(scale.colours))


def small_picture(field: xr.DataArray, scale: Scale, most: int = MOST_BYTES) -> tuple[bytes, list[float]]:
    """Return a field as PNG of a bounded size, and its west, south, east and north in degrees.

    A field whose picture is larger is shown as means of two by two cells, of four by four, and so on.

    Args:
        field: values (lat, lon), ascending.
        scale: colours and range.
        most: largest number of bytes.
    """
    content = picture(field, scale)
    while len(content) > most:
        field = field.coarsen(lat=2, lon=2, boundary="trim").mean()
        content = picture(field, scale)
    return content, bounds(field)


def mask_picture(doubtful: xr.DataArray) -> bytes:
    """Return where a condition (lat, lon) holds as PNG, black there and transparent elsewhere."""
    return png(doubtful.transpose("lat", "lon").values[::-1].astype(np.uint8), np.zeros((1, 3), np.uint8))


def data_url(content: bytes) -> str:
    """Return a PNG as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def bounds(field: xr.DataArray) -> list[float]:
    """Return west, south, east and north of a field's cells, degrees.

    Rows of a picture are equally high: cells around a pole reach as far beyond it as they are cut off there.
    """
    south, north = _ends(field["lat"].values)
    west, east = _ends(field["lon"].values)
    return [west, south, east, north]


def _ends(centres: np.ndarray) -> tuple[float, float]:
    # Without the limit at the poles that the edges of latitudes have.
    found = edges(centres, "lon")
    return float(found[0]), float(found[-1])


def in_words(field: xr.DataArray, unit: str) -> str:
    """Return what a field shows in words, for readers who do not see it: its mean, its extremes and where they lie.

    Args:
        field: values (lat, lon).
        unit: CF unit.
    """
    values = field.transpose("lat", "lon").values
    known = np.isfinite(values)
    if not known.any():
        return "no value anywhere"
    span = float(values[known].max() - values[known].min())
    weight = np.broadcast_to(np.cos(np.deg2rad(field["lat"].values))[:, None], values.shape)[known]
    said = [f"mean {number(float(np.average(values[known], weights=weight)), span)} {unit_label(unit)}".rstrip()]
    for word, find in (("lowest", np.nanargmin), ("highest", np.nanargmax)):
        row, column = np.unravel_index(find(values), values.shape)
        lat, lon = float(field["lat"][row]), float(field["lon"][column])
        where = f"{abs(lat):.0f}° {'S' if lat < 0 else 'N'}, {abs(lon):.0f}° {'W' if lon < 0 else 'E'}"
        said.append(f"{word} {number(float(values[row, column]), span)} at {where}")
    return ", ".join(said)


def number(value: float, span: float) -> str:
    """Return a value with the digits that a range of the width ``span`` needs."""
    digits = int(np.clip(np.ceil(1.5 - np.log10(span)), 0, 6)) if span > 0 else 2
    text = f"{value:.{digits}f}"
    return "0" if not text.strip("-0.") else text.replace("-", "\N{MINUS SIGN}")


def colour_bar(scale: Scale, theme: Theme) -> str:
    """Return the colour bar as HTML: title with unit, five values, and pointed ends for what lies beyond the range."""
    first, last = scale.colours[0], scale.colours[-1]
    values = np.linspace(scale.low, scale.high, 5)
    marks = "".join(f"<span>{number(v, scale.high - scale.low)}</span>" for v in values)
    edge = f"filter:drop-shadow(0 0 .5px {INK[theme]})"
    point = "width:.8rem;height:100%;flex:none;clip-path:polygon({});background:{}"
    title = html.escape(scale.title)
    low, high = (number(v, scale.high - scale.low) for v in (scale.low, scale.high))
    ends = [f"{value} ({end})" if end else value for value, end in zip((low, high), scale.ends, strict=True)]
    said = html.escape(f"{scale.title}: colours from {ends[0]} to {ends[1]}; pointed ends stand for values beyond")
    left, right = (html.escape(end) for end in scale.ends)
    words = f"<span>\N{LEFTWARDS ARROW} {left}</span><span>{right} \N{RIGHTWARDS ARROW}</span>" if left or right else ""
    return (
        f'<div role="img" aria-label="{said}" style="font-size:var(--tamrl-small);max-width:34rem;'
        'font-variant-numeric:tabular-nums">'
        f'<div style="margin-bottom:.2rem">{title}</div><div style="display:flex;height:.7rem;{edge}">'
        f'<i style="{point.format("0 50%,100% 0,100% 100%", first)}"></i>'
        f'<i style="flex:1;background:linear-gradient(90deg,{",".join(scale.colours)})"></i>'
        f'<i style="{point.format("0 0,100% 50%,0 100%", last)}"></i></div>'
        f'<div style="display:flex;justify-content:space-between;padding:.1rem .8rem 0">{marks}</div>'
        + (f'<div style="display:flex;justify-content:space-between;padding:0 .8rem">{words}</div>' if words else "")
        + "</div>"
    )


def map_colours(theme: Theme) -> dict[str, str]:
    """Return the colours of everything on the map but the field."""
    dark = theme == "dark"
    return {
        "sea": "#1c2831" if dark else "#e9eff1",
        "land": "#424a46" if dark else "#d9d8d2",
        "border": "rgba(230,233,227,.38)" if dark else "rgba(35,48,42,.42)",
        "veil": "rgba(40,46,43,.72)" if dark else "rgba(240,239,234,.72)",
        "hatch": "rgba(230,233,227,.5)" if dark else "rgba(35,48,42,.5)",
        "tower": "#ffffff",
        "edge": "rgba(20,26,23,.85)" if not dark else "rgba(0,0,0,.9)",
        "mark": "#ffd23f",
        "paper": PAPER[theme],
    }
