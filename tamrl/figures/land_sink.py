"""From tower NEE to the net land sink: the way as bars, and where on Earth our sink comes from."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures.colours import FLUX, plotly_scale, rgba
from tamrl.figures.style import GRID, INK, MUTED, PAPER, Theme, style, unit_label
from tamrl.figures.world_charts import rounded, wrapped
from tamrl.summaries import TOTAL_UNIT

TOTAL = unit_label(TOTAL_UNIT)
#: Hatch of each kind of bar, so that no reader depends on hue.
_HATCH = {"ours": "", "published": "", "remainder": "/", "total": "."}
#: Share of the cells whose contributions the colours reach to.
_REACH = 99.0


def waterfall(table: pd.DataFrame, theme: Theme) -> go.Figure:
    """Return the way from our NEE to the net land sink, one bar a row from left to right.

    Args:
        table: of ``tamrl.sink.bridge``.
        theme: light or dark.
    """
    names = [wrapped(label, 14) for label in table["label"]]
    colours = {
        "ours": FLUX[theme]["NEE"], "published": FLUX[theme]["RECO"], "remainder": MUTED[theme], "total": INK[theme],
    }  # fmt: skip
    figure = go.Figure()
    for kind, part in table.groupby("kind", sort=False):
        at = [names[i] for i in part.index]
        known = part["plus_minus"].notna().to_numpy()
        said = [f"{v:+.2f}" if kind in ("published", "remainder") else f"{v:.2f}" for v in part["value"]]
        more = [f" ± {p:g}" if np.isfinite(p) else "" for p in part["plus_minus"]]
        about = [" · ".join(filter(None, pair)) for pair in zip(part["years"], part["citation"], strict=True)]
        text = [f"{s}{m}".replace("-", "\N{MINUS SIGN}") for s, m in zip(said, more, strict=True)]
        figure.add_trace(
            go.Bar(
                x=at, y=rounded(part["end"] - part["start"]), base=rounded(part["start"]), text=text,
                textposition="outside", cliponaxis=False, showlegend=False, textfont=dict(size=11, color=INK[theme]),
                marker=dict(color=rgba(colours[kind], 0.85), pattern=dict(shape=_HATCH[kind], fgcolor=PAPER[theme])),
                customdata=about, hovertemplate=f"%{{x}}<br>%{{text}} {TOTAL}<br>%{{customdata}}<extra></extra>",
            )
        )  # fmt: skip
        if known.any():
            figure.add_trace(
                go.Scatter(
                    x=[n for n, k in zip(at, known, strict=True) if k], y=rounded(part["end"][known]), mode="markers",
                    marker=dict(size=1, color=INK[theme]), hoverinfo="skip", showlegend=False,
                    error_y=dict(type="data", array=rounded(part["plus_minus"][known]), thickness=1.5, width=4,
                                 color=INK[theme]),
                )
            )  # fmt: skip
    _connect(figure, table, names, theme)
    style(figure, theme, 430, hold="land-sink")
    low, high = min(table[["start", "end"]].min().min(), 0), max(table[["start", "end"]].max().max(), 0)
    room = 0.12 * (high - low or 1)
    figure.update_layout(barmode="overlay", bargap=0.3, margin_t=20)
    figure.update_xaxes(categoryorder="array", categoryarray=names, showgrid=False, tickangle=0)
    figure.update_yaxes(title_text=f"Net flux to the atmosphere [{TOTAL}]", range=[low - room, high + room])
    return figure


def _connect(figure: go.Figure, table: pd.DataFrame, names: list[str], theme: Theme) -> None:
    """Draw a line from the end of each bar to the next."""
    for i in range(len(table) - 1):
        level = float(table["end"].iloc[i])
        figure.add_trace(
            go.Scatter(
                x=[names[i], names[i + 1]], y=[level, level], mode="lines", hoverinfo="skip", showlegend=False,
                line=dict(color=GRID[theme], width=1.5),
            )
        )  # fmt: skip


def where(found: xr.DataArray, label: str, flux: str, theme: Theme) -> go.Figure:
    """Return a map of what each block of cells adds to the total.

    Args:
        found: of ``tamrl.sink.contributions``, TgC yr-1.
        label: the set of maps.
        flux: name of the flux.
        theme: light or dark.
    """
    values = found.values
    known = np.abs(values[np.isfinite(values)])
    limit = float(np.percentile(known, _REACH)) if known.size else 1.0
    unit = unit_label("TgC yr-1")
    figure = go.Figure(
        go.Heatmap(
            x=found["lon"].values, y=found["lat"].values, z=rounded(values), zmin=-limit, zmax=limit, zmid=0,
            colorscale=plotly_scale("NEE"), hoverongaps=False,
            colorbar=dict(title=dict(text=unit, side="top", font_size=11), thickness=10, len=0.95, outlinewidth=0,
                          tickfont=dict(size=10, color=MUTED[theme])),
            hovertemplate=f"%{{y:.0f}}° N, %{{x:.0f}}° E: {flux} %{{z:.2f}} {unit}<extra>{label}</extra>",
        )
    )  # fmt: skip
    style(figure, theme, 380, hold=f"land-sink-where-{flux}")
    figure.update_layout(margin_t=14)
    figure.update_xaxes(showgrid=False, zeroline=False, constrain="domain", ticksuffix="°", nticks=7)
    figure.update_yaxes(showgrid=False, zeroline=False, scaleanchor="x", constrain="domain", ticksuffix="°", nticks=7)
    figure.update_yaxes(range=[-60, 85])
    return figure
