"""From tower NEE to the net land sink: the way as bars, and where on Earth our sink comes from."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures import hover
from tamrl.figures.colours import DRIVER, FLUX, OWN, plotly_scale, rgba
from tamrl.figures.style import GRID, INK, MUTED, PAPER, SMALL_PX, Theme, style, unit_label
from tamrl.figures.world.charts import rounded, wrapped
from tamrl.maps.aggregate import TOTAL_UNIT

TOTAL = unit_label(TOTAL_UNIT)
#: Hatch of each kind of bar, so that no reader depends on hue.
_HATCH = {"ours": "", "published": "", "remainder": "/", "total": "."}
#: Share of the cells whose contributions the colours reach to.
_REACH = 99.0


def waterfall(table: pd.DataFrame, theme: Theme) -> go.Figure:
    """Return the way from our NEE to the net land sink, one bar a row from top to bottom, its number beside its name.

    Args:
        table: of ``tamrl.maps.land_sink.bridge``.
        theme: light or dark.
    """
    colours = {"ours": FLUX[theme]["NEE"], "published": DRIVER[theme], "remainder": MUTED[theme], "total": INK[theme]}
    said = [_said(row) for row in table.itertuples()]
    names = [f"{wrapped(label, 34)}<br>{text}" for label, text in zip(table["label"], said, strict=True)]
    figure = go.Figure()
    _connect(figure, table, names, theme)
    for kind, part in table.groupby("kind", sort=False):
        at = [names[i] for i in part.index]
        whence = [" · ".join(filter(None, pair)) for pair in zip(part["years"], part["citation"], strict=True)]
        about = list(zip(part["label"], (said[i] for i in part.index), whence, strict=True))
        known = part["plus_minus"].notna()
        bar = dict(type="data", array=rounded(part["plus_minus"].fillna(0)), visible=bool(known.any()))
        figure.add_trace(
            go.Bar(
                y=at,
                x=rounded(part["end"] - part["start"]),
                base=rounded(part["start"]),
                orientation="h",
                showlegend=False,
                customdata=about,
                # Overlaid: plotly would otherwise draw the hatch alone, in the colour of the paper.
                marker=dict(
                    color=rgba(colours[kind], 0.85),
                    pattern=dict(shape=_HATCH[kind], fgcolor=PAPER[theme], fillmode="overlay"),
                ),
                error_x=bar | dict(thickness=1.5, width=4, color=MUTED[theme]),
                hovertemplate=hover.told("%{customdata[0]}", f"%{{customdata[1]}} {TOTAL}<br>%{{customdata[2]}}"),
            )
        )
    style(figure, theme, 70 + 40 * len(table), hold="land-sink")
    figure.update_layout(barmode="overlay", bargap=0.3, margin_t=14)
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text=f"To the atmosphere [{TOTAL}]")
    return figure


def _said(row: Any) -> str:
    """Return the number of a bar in words: steps with their sign, levels without."""
    value = f"{row.value:.2f}" if row.kind in ("ours", "total") else f"{row.value:+.2f}"
    more = f" ± {row.plus_minus:g}" if np.isfinite(row.plus_minus) else ""
    return f"{value}{more}".replace("-", "\N{MINUS SIGN}")


def _connect(figure: go.Figure, table: pd.DataFrame, names: list[str], theme: Theme) -> None:
    """Draw a line from the end of each bar to the next."""
    for i in range(len(table) - 1):
        level = float(table["end"].iloc[i])
        figure.add_trace(
            go.Scatter(
                y=[names[i], names[i + 1]],
                x=[level, level],
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
                line=dict(color=GRID[theme], width=1.5),
            )
        )


def where(found: xr.DataArray, label: str, flux: str, theme: Theme, palette: str = OWN) -> go.Figure:
    """Return a map of what each block of cells adds to the total.

    Args:
        found: of ``tamrl.maps.land_sink.contributions``, TgC yr-1.
        label: the set of maps.
        flux: name of the flux.
        theme: light or dark.
        palette: of the fluxes, see ``tamrl.figures.colours.field_scale``.
    """
    values = found.values
    known = np.abs(values[np.isfinite(values)])
    limit = float(np.percentile(known, _REACH)) if known.size else 1.0
    unit = unit_label("TgC yr-1")
    figure = go.Figure(
        go.Heatmap(
            x=found["lon"].values,
            y=found["lat"].values,
            z=rounded(values),
            zmin=-limit,
            zmax=limit,
            zmid=0,
            colorscale=plotly_scale("NEE", theme == "dark", palette),
            hoverongaps=False,
            colorbar=dict(
                title=dict(text=f"{flux}<br>[{unit}]", side="top", font_size=SMALL_PX),
                thickness=10,
                len=0.95,
                outlinewidth=0,
                tickfont=dict(size=SMALL_PX, color=MUTED[theme]),
            ),
            hovertemplate=hover.told(hover.CELL, f"{flux} {hover.value(unit, 'z')}", label),
        )
    )
    style(figure, theme, 380, hold=f"land-sink-where-{flux}")
    figure.update_layout(margin_t=14)
    figure.update_xaxes(showgrid=False, zeroline=False, constrain="domain", ticksuffix="°", nticks=7)
    figure.update_yaxes(showgrid=False, zeroline=False, scaleanchor="x", constrain="domain", ticksuffix="°", nticks=7)
    figure.update_yaxes(range=[-60, 85])
    return figure
