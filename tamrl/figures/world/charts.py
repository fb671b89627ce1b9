"""Maps by latitude and time: zonal means and Hovmoeller diagrams; the looks that all charts share."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures import hover
from tamrl.figures.colours import MAPS, OWN, plotly_scale, rgba
from tamrl.figures.style import HEAD_PX, INK, MUTED, SMALL_PX, Theme, style, unit_label
from tamrl.maps.aggregate import TOTAL_UNIT
from tamrl.schema import FLUX_UNIT

UNIT, TOTAL = unit_label(FLUX_UNIT), unit_label(TOTAL_UNIT)
MONTHS = ("J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "hexagon", "cross", "x")
#: Rows of a Hovmoeller diagram at most: finer than a screen shows is only a larger payload.
_ROWS = 180


@dataclass(frozen=True)
class MapsLook:
    """How one set of maps is drawn: by colour, dash and symbol, so that no reader depends on hue."""

    label: str
    colour: str
    dash: str
    symbol: str
    width: float = 2.0


def looks(labels: Mapping[str, str], theme: Theme, chosen: str | None = None) -> dict[str, MapsLook]:
    """Return how each set of maps on offer is drawn: the same in every figure.

    Args:
        labels: key -> label, in the order on offer.
        theme: light or dark.
        chosen: key of the one that is drawn thicker.
    """
    count = len(_DASHES)
    return {
        key: MapsLook(
            label, MAPS[theme][i % count], _DASHES[i % count], _SYMBOLS[i % count], 3.0 if key == chosen else 1.8
        )
        for i, (key, label) in enumerate(labels.items())
    }


def rounded(values: np.ndarray | pd.Series) -> np.ndarray:
    """Return values with four significant digits: what a figure shows, at half the payload."""
    values = np.asarray(values, float)
    size = np.where((values != 0) & np.isfinite(values), np.abs(values), 1)
    scale = 10.0 ** (3 - np.floor(np.log10(size)))
    return np.round(values * scale) / scale


def wrapped(text: str, width: int = 24) -> str:
    """Return a label in lines of at most so many characters, as plotly reads them."""
    return "<br>".join(textwrap.wrap(text, width)) or text


def zonal(
    curves: Mapping[str, pd.DataFrame], drawn: Mapping[str, MapsLook], column: str, title: str, theme: Theme
) -> go.Figure:
    """Return means or totals of latitudes, north at the top, with the mean spread of the cells as a band about means.

    Args:
        curves: key -> DataFrame(lat) of ``value`` and, where known, ``sd`` [gC m-2 d-1], and ``total``; the chosen maps
            last.
        drawn: key -> look.
        column: ``value`` or ``total``.
        title: of the axis, with the unit.
        theme: light or dark.
    """
    figure, unit = go.Figure(), title.rpartition("[")[2].rstrip("]")
    for key, table in curves.items():
        look, known = drawn[key], table.dropna(subset=["value"])
        lat = rounded(known.index)
        if column == "value" and "sd" in known and len(known):
            low, high = rounded(known["value"] - known["sd"]), rounded(known["value"] + known["sd"])
            figure.add_trace(_band_of_latitudes(low, high, lat, rgba(look.colour, 0.14), key))
        figure.add_trace(
            go.Scatter(
                x=rounded(known[column]),
                y=lat,
                mode="lines",
                name=look.label,
                legendgroup=key,
                line=dict(color=look.colour, dash=look.dash, width=look.width),
                hovertemplate=hover.told("Latitude %{y:.1f}°", hover.value(unit, "x", ".3~g"), look.label),
            )
        )
    style(figure, theme, 460, hold=f"zonal-{column}")
    figure.update_layout(legend_traceorder="reversed")
    bands = [
        t["value"] + side * t["sd"] for t in curves.values() if column == "value" and "sd" in t for side in (-1, 1)
    ]
    figure.update_xaxes(title_text=title, range=_about([table[column] for table in curves.values()], bands))
    figure.update_yaxes(**_latitudes(list(curves.values())))
    return figure


def _band_of_latitudes(low: np.ndarray, high: np.ndarray, lat: np.ndarray, colour: str, key: str) -> go.Scatter:
    """Return the area between two curves over latitude."""
    return go.Scatter(
        x=np.concatenate([low, high[::-1]]),
        y=np.concatenate([lat, lat[::-1]]),
        fill="toself",
        fillcolor=colour,
        line_width=0,
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=key,
    )


def _about(lines: list[pd.Series], bands: list[pd.Series]) -> list[float] | None:
    """Return a range about lines and the bands about them; a band much wider than the lines is cut off.

    A band that reaches beyond the lines by more than they span would flatten them.
    """
    every = pd.concat(lines).dropna()
    if every.empty:
        return None
    low, high = min(float(every.min()), 0.0), max(float(every.max()), 0.0)
    span = high - low or 1.0
    pad = 0.35 * span
    ends = [low - pad if low < 0 else low - pad / 8, high + pad if high > 0 else high + pad / 8]
    around = pd.concat([every, *bands]).dropna()
    least, most = float(around.min()), float(around.max())
    if low - span <= least:
        ends[0] = min(ends[0], least - pad / 8)
    if most <= high + span:
        ends[1] = max(ends[1], most + pad / 8)
    return ends


def _latitudes(tables: list[pd.DataFrame]) -> dict[str, Any]:
    """Return an axis of latitudes over what has land."""
    known = [np.asarray(t.dropna(subset=["value"]).index, float) for t in tables]
    every = np.concatenate(known) if known else np.array([])
    ends = [float(every.min()) - 2, float(every.max()) + 2] if every.size else [-90, 90]
    ticks = list(range(-90, 91, 30))
    return dict(range=ends, tickvals=ticks, ticktext=[latitude(t) for t in ticks])


def latitude(value: float) -> str:
    """Return a latitude as ``30° N``."""
    return "0°" if not value else f"{abs(value):g}° {'N' if value > 0 else 'S'}"


def hovmoeller(
    table: xr.DataArray,
    flux: str,
    limits: tuple[float, float],
    title: str,
    theme: Theme,
    bar: bool = True,
    palette: str = OWN,
) -> go.Figure:
    """Return latitude against month, January to December.

    Args:
        table: (month, lat) zonal means.
        flux: name of the flux, which decides the colours.
        limits: ends of the colour scale; of NEE they are centred on zero.
        title: what is drawn.
        theme: light or dark.
        bar: whether the colour bar is drawn.
        palette: of the fluxes, see ``tamrl.figures.colours.field_scale``.
    """
    step = -(-table.sizes["lat"] // _ROWS)
    shown = table.coarsen(lat=step, boundary="trim").mean().transpose("lat", "month")
    figure = go.Figure(
        go.Heatmap(
            x=list(range(1, 13)),
            y=rounded(shown["lat"].values),
            z=np.round(shown.values.astype(float), 2),
            zmin=limits[0],
            zmax=limits[1],
            colorscale=plotly_scale(flux, theme == "dark", palette),
            showscale=bar,
            hoverongaps=False,
            colorbar=dict(
                title=dict(text=_bar_title(flux), side="top", font_size=SMALL_PX),
                thickness=10,
                len=0.95,
                outlinewidth=0,
                tickfont=dict(size=SMALL_PX, color=MUTED[theme]),
            ),
            hovertemplate=hover.told("Month %{x:d}, latitude %{y:.1f}°", hover.value(of="z")),
        )
    )
    style(figure, theme, 400, hold=f"hovmoeller-{title}-{flux}")
    figure.update_layout(title=dict(text=title, font=dict(size=HEAD_PX, color=INK[theme]), x=0, xanchor="left", y=0.98))
    figure.update_xaxes(tickvals=list(range(1, 13)), ticktext=list(MONTHS), showgrid=False)
    known = shown.to_series().dropna().reset_index().rename(columns={shown.name or 0: "value"})
    figure.update_yaxes(showgrid=False, **_latitudes([known.set_index("lat")]))
    return figure


def _bar_title(flux: str) -> str:
    """Return the title of a colour bar: the flux and its unit, and of NEE what its sign means."""
    return f"{flux} [{UNIT}]" + ("<br>− uptake, + release" if flux == "NEE" else "")


def limits_of(tables: list[xr.DataArray], flux: str) -> tuple[float, float]:
    """Return one colour range for several Hovmoeller tables: the last percent cut off, NEE centred on zero."""
    values = np.concatenate([t.values[np.isfinite(t.values)].ravel() for t in tables])
    if not values.size:
        return (-1.0, 1.0) if flux == "NEE" else (0.0, 1.0)
    if flux == "NEE":
        end = float(np.quantile(np.abs(values), 0.99)) or 1.0
        return -end, end
    return min(0.0, float(np.quantile(values, 0.01))), float(np.quantile(values, 0.99)) or 1.0
