"""Charts of totals: the globe beside published ones, and by region."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tamrl.figures import hover
from tamrl.figures.colours import rgba
from tamrl.figures.style import GRID, HEAD_PX, INK, MUTED, PAPER, SMALL_PX, Theme, style
from tamrl.figures.world.charts import TOTAL, MapsLook, rounded, wrapped
from tamrl.maps.global_totals import Published


def totals(
    ours: Mapping[str, pd.DataFrame], published: list[Published], drawn: Mapping[str, MapsLook], theme: Theme
) -> go.Figure:
    """Return our totals above the published ones, a panel a flux; bars are what is known of their uncertainty.

    Args:
        ours: flux -> DataFrame(key) of ``mean`` and ``sd`` (missing where it is not known) [PgC yr-1].
        published: totals of any flux.
        drawn: key -> look.
        theme: light or dark.
    """
    figure = make_subplots(
        rows=1, cols=len(ours), shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=list(ours)
    )
    keys = list(dict.fromkeys(key for table in ours.values() for key in table.index))
    names = {key: wrapped(drawn[key].label) for key in keys}
    rows = [*names.values(), *dict.fromkeys(_line_of(p) for p in published if p.flux in ours)]
    for column, (flux, table) in enumerate(ours.items(), start=1):
        for key, row in table.iterrows():
            figure.add_trace(_own(row, flux, names[key], drawn[key]), row=1, col=column)
        for p in published:
            if p.flux == flux:
                figure.add_trace(_published(p, _line_of(p), theme), row=1, col=column)
    style(figure, theme, 96 + 36 * max(len(rows), 3), hold="totals")
    figure.update_annotations(font=dict(size=HEAD_PX, color=INK[theme]))
    figure.update_yaxes(categoryorder="array", categoryarray=rows[::-1], showgrid=False, range=[-0.7, len(rows) - 0.3])
    if keys and len(rows) > len(keys):
        figure.add_hline(y=len(rows) - len(keys) - 0.5, line=dict(color=GRID[theme], width=1.5))
    for column, (flux, table) in enumerate(ours.items(), start=1):
        ends = _ends(table, [p for p in published if p.flux == flux])
        figure.update_xaxes(title_text=f"{flux}<br>[{TOTAL}]", range=ends, nticks=_ticks(*ends), col=column)
    # Small: on a phone the numbers of three panels stand side by side.
    figure.update_xaxes(tickangle=0, tickfont_size=SMALL_PX - 1)
    return figure


def _ends(table: pd.DataFrame, published: list[Published]) -> tuple[float, float]:
    """Return the ends of the axis of a flux, with room for its markers and bars."""
    spread = table["sd"].fillna(0)
    values = [*(table["mean"] - spread), *(table["mean"] + spread), *(end for p in published for end in p.ends)]
    known = [float(value) for value in values if np.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = 0.08 * ((high - low) or 1.0)
    return low - room, high + room


def _ticks(low: float, high: float) -> int:
    """Return the fewest ticks to ask plotly for so that it draws two or more: a phone has room for few.

    plotly takes the next step of 1, 2 or 5 times a power of ten that is at least the length over the number.
    """
    for asked in range(3, 6):
        rough = (high - low) / asked
        base = 10.0 ** math.floor(math.log10(rough))
        step = base * next(part for part in (2, 5, 10) if part >= rough / base)
        if math.floor(high / step) - math.ceil(low / step) >= 1:
            break
    return asked


def _line_of(p: Published) -> str:
    return f"{p.product}<br>{p.years[0]}\N{EN DASH}{p.years[1]}"


def _own(row: pd.Series, flux: str, name: str, look: MapsLook) -> go.Scatter:
    known = np.isfinite(row["sd"])
    said = f"{row['mean']:.1f}" + (f" ± {row['sd']:.1f}" if known else "")
    bar = dict(type="data", array=[row["sd"] if known else 0], visible=bool(known), thickness=2, width=5)
    return go.Scatter(
        x=[row["mean"]],
        y=[name],
        mode="markers",
        showlegend=False,
        error_x=bar | {"color": look.colour},
        marker=dict(symbol=look.symbol, size=12, color=look.colour),
        hovertemplate=hover.told(flux, f"{said} {TOTAL}", look.label),
    )


def _published(p: Published, name: str, theme: Theme) -> go.Scatter:
    low, high = p.ends
    whence = ", from its GPP and NEE" if p.derived else ""
    said = hover.told(p.flux, f"{p.text} {TOTAL}{whence}<br>{p.citation}", p.product)
    if p.mean is None:
        return go.Scatter(
            x=[low, high],
            y=[name, name],
            mode="lines+markers",
            showlegend=False,
            hovertemplate=said,
            line=dict(color=MUTED[theme], width=2),
            marker=dict(symbol="line-ns-open", size=11, color=MUTED[theme]),
        )
    bar = dict(type="data", array=[high - p.mean], visible=bool(p.plus_minus), thickness=2, width=5, color=MUTED[theme])
    return go.Scatter(
        x=[p.mean],
        y=[name],
        mode="markers",
        showlegend=False,
        hovertemplate=said,
        error_x=bar,
        marker=dict(symbol="circle", size=10, color=PAPER[theme], line=dict(color=MUTED[theme], width=2)),
    )


def regional(table: pd.DataFrame, drawn: Mapping[str, MapsLook], flux: str, theme: Theme) -> go.Figure:
    """Return the totals of regions, one line each, a marker for each set of maps.

    Args:
        table: DataFrame(region) with one column [PgC yr-1] a key, from top to bottom.
        drawn: key -> look.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    # Plotly draws the bars of a group from below.
    for key in table.columns[::-1]:
        look = drawn[key]
        figure.add_trace(
            go.Bar(
                x=rounded(table[key]),
                y=list(table.index),
                orientation="h",
                name=look.label,
                marker=dict(color=rgba(look.colour, 0.85), cornerradius=3),
                hovertemplate=f"%{{y}}: %{{x:.2f}} {TOTAL}<extra>{look.label}</extra>",
            )
        )
    style(figure, theme, 90 + (12 + 13 * len(table.columns)) * max(len(table), 3), hold=f"regional-{flux}")
    figure.update_layout(barmode="group", bargap=0.28, bargroupgap=0.06, showlegend=len(table.columns) > 1)
    figure.update_layout(legend_traceorder="reversed")
    figure.update_yaxes(categoryorder="array", categoryarray=list(table.index)[::-1], showgrid=False, zeroline=False)
    figure.update_xaxes(title_text=f"{flux} [{TOTAL}]")
    return figure
