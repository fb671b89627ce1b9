"""The mean seasonal cycle of the drivers that the decoder tells from a task embedding, beside the real one."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tamrl.figures import hover
from tamrl.figures.colours import ROLE, rgba
from tamrl.figures.style import INK, SMALL_PX, Theme, style
from tamrl.figures.towers.fingerprint import MONTH_NAMES

#: Panels of a row.
COLUMNS = 5
_ROW = 185


def cycles(
    real: np.ndarray, decoded: np.ndarray, titles: Sequence[str], theme: Theme, columns: int = COLUMNS
) -> go.Figure:
    """Return a panel a driver: the cycle of the tower, and what the members' decoders tell, mean and range.

    Args:
        real: (12, D) in the unit of each driver, NaN where missing.
        decoded: (K, 12, D) likewise.
        titles: D names with units.
        theme: light or dark.
        columns: panels beside each other.
    """
    count = len(titles)
    rows = -(-count // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=list(titles),
        vertical_spacing=0.32 / max(rows, 2),
        horizontal_spacing=0.045,
    )
    for i in range(count):
        for trace in _lines(real[:, i], decoded[..., i], _unit(titles[i]), theme):
            figure.add_trace(trace, row=i // columns + 1, col=i % columns + 1)
    style(figure, theme, rows * _ROW + 30, hold="decoded")
    figure.update_annotations(font=dict(size=SMALL_PX, color=INK[theme]))
    figure.update_xaxes(tickvals=[1, 4, 7, 10], ticktext=[MONTH_NAMES[m - 1] for m in (1, 4, 7, 10)])
    figure.update_layout(hovermode="closest", showlegend=False)
    return figure


def _unit(title: str) -> str:
    """Return the unit at the end of a title, empty where there is none."""
    return title.rpartition(" [")[2].rstrip("]") if title.endswith("]") else ""


def _lines(real: np.ndarray, decoded: np.ndarray, unit: str, theme: Theme) -> list[go.Scatter]:
    """Return the range of the members (K, 12), their mean, and the real cycle (12,)."""
    months, low, high = np.arange(1, 13), decoded.min(0), decoded.max(0)
    traces = [
        go.Scatter(
            x=[*months, *months[::-1]],
            y=[*high, *low[::-1]],
            fill="toself",
            mode="lines",
            line=dict(width=0),
            fillcolor=rgba(ROLE[theme]["adapted"], 0.22),
            hoverinfo="skip",
        )
    ]
    for values, name, role in ((decoded.mean(0), "decoded", "adapted"), (real, "real", "observed")):
        dash = "dot" if name == "decoded" else "solid"
        traces.append(
            go.Scatter(
                x=months,
                y=values,
                mode="lines",
                name=name,
                line=dict(color=ROLE[theme][role], width=2.1, dash=dash),
                customdata=MONTH_NAMES,
                hovertemplate=hover.told("%{customdata}", hover.value(unit, digits=".3~g"), name.capitalize()),
            )
        )
    return traces
