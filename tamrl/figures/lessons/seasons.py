"""Mean seasonal cycles of several series at one tower, for lessons 2 and 3."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from tamrl.figures import hover
from tamrl.figures.colours import ROLE
from tamrl.figures.style import Theme, number, style, unit_label
from tamrl.schema import FLUX_UNIT, IGBP

#: How each line is drawn: name in the legend, colour by ``ROLE``, dash and width. Told apart without colours, too.
LINES = {
    "observed": ("Observed", "observed", "solid", 2.6),
    "predicted": ("Predicted, tower not seen", "zero-shot", "dot", 2.2),
    "plain": ("Plain network", "zero-shot", "dot", 2.0),
    "encoder": ("Encoder", "zero-shot", "dash", 2.0),
    "mine": ("Your γ and β", "support", "solid", 2.8),
    "adapted": ("30 labelled days", "adapted", "longdash", 2.2),
}


def seasons(table: pd.DataFrame, flux: str, theme: Theme, height: int = 320, top: float | None = None) -> go.Figure:
    """Return mean seasonal cycles as lines.

    Args:
        table: DataFrame(day) of some of ``LINES`` [gC m-2 d-1].
        flux: name of the flux.
        theme: light or dark.
        height: of the figure [px].
        top: end of the axis, so that figures can be compared and a slider does not move it.
    """
    figure = go.Figure()
    for name in (name for name in LINES if name in table):
        label, role, dash, width = LINES[name]
        line = dict(width=width, dash=dash, color=ROLE[theme][role])
        said = hover.value()
        figure.add_trace(
            go.Scatter(x=table.index, y=table[name], mode="lines", name=label, line=line, hovertemplate=said)
        )
    style(figure, theme, height, hold=f"lesson-season-{flux}")
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(
        range=[1, 366],
        tickvals=[1, 91, 182, 274],
        ticktext=["Jan", "Apr", "Jul", "Oct"],
        title_text="Month",
        unifiedhovertitle_text=hover.DAY_OF_YEAR,
        zeroline=False,
    )
    figure.update_yaxes(title_text=f"{flux} [{unit_label(FLUX_UNIT)}]")
    if top is not None:
        figure.update_yaxes(range=[min(0.0, float(table.min().min())) - 0.5, top])
    return figure


def strip(scores: pd.DataFrame, chosen: Mapping[str, str], floor: float, theme: Theme) -> go.Figure:
    """Return the R2 of all held-out towers, one row a land-cover class, with some towers marked.

    Args:
        scores: DataFrame(site) with ``r2`` and ``igbp``.
        chosen: site -> text beside its point.
        floor: lower end of the axis; what lies below is drawn there.
        theme: light or dark.
    """
    order = scores.groupby("igbp")["r2"].median().sort_values().index
    others = scores[~scores.index.isin(list(chosen))]
    # The value of the table: one below the axis is drawn at its end.
    said = hover.told("%{customdata[0]} (%{customdata[2]})", "R² %{customdata[1]:.2f}")
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=others["r2"].clip(floor, 1),
            y=others["igbp"],
            mode="markers",
            name="One tower",
            customdata=_about(others),
            hovertemplate=said,
            marker=dict(size=8, color=ROLE[theme]["zero-shot"], opacity=0.55),
        )
    )
    picked = scores.loc[[site for site in chosen if site in scores.index]]
    figure.add_trace(
        go.Scatter(
            x=picked["r2"].clip(floor, 1),
            y=picked["igbp"],
            mode="markers+text",
            name="Chosen",
            text=[chosen[site] for site in picked.index],
            textposition="top center",
            customdata=_about(picked),
            hovertemplate=said,
            marker=dict(size=13, symbol="diamond", color=ROLE[theme]["adapted"]),
        )
    )
    style(figure, theme, 90 + 26 * len(order), hold="lesson-strip")
    figure.update_layout(margin_b=44)
    least = number(floor, 0)
    figure.update_xaxes(title_text=f"R² of daily GPP (below {least} drawn at {least})", range=[floor - 0.05, 1.03])
    figure.update_yaxes(title_text="Land cover (IGBP)", categoryorder="array", categoryarray=list(order))
    return figure


def _about(scores: pd.DataFrame) -> list[tuple[str, float, str]]:
    """Return code, R2 and land cover of towers, for hovers."""
    cover = scores["igbp"].map(IGBP).fillna(scores["igbp"])
    return list(zip(scores.index, scores["r2"], cover, strict=True))
