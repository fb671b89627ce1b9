"""Scales and shifts of the forward model at several towers, as a heat map."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tamrl.figures import hover
from tamrl.figures.colours import BLUE_RED, on_dark
from tamrl.figures.style import INK, SMALL_PX, TEXT_PX, Theme, style

#: The four parts of a modulation, as they are written.
PARTS = {
    "gamma_in": "γ − 1 of the input embedding",
    "beta_in": "β of the input embedding",
    "gamma_out": "γ − 1 of the recurrent output",
    "beta_out": "β of the recurrent output",
}
#: Height of a row [px], and what stands around the rows of one part.
_ROW, _AROUND = 17, 66
#: Share of values that lie inside the colours: single units must not grey out the others.
_INSIDE = 99


def heat_map(parts: dict[str, np.ndarray], rows: Sequence[str], theme: Theme) -> go.Figure:
    """Return the modulation of several places, one row a place and one column a hidden unit.

    The units of each part are in the order of their values in the first row, so that rows like it run from one colour
    to the other as it does.

    Args:
        parts: (N, units) of each of ``PARTS``.
        rows: names of N places.
        theme: light or dark.
    """
    figure = make_subplots(
        rows=2,
        cols=2,
        subplot_titles=[PARTS[name] for name in ("gamma_in", "beta_in", "gamma_out", "beta_out")],
        vertical_spacing=_AROUND / (2 * (_ROW * len(rows) + _AROUND)),
        horizontal_spacing=0.11,
        shared_yaxes=True,
    )
    for i, name in enumerate(PARTS):
        values = parts[name]
        order = np.argsort(values[0], kind="stable")
        figure.add_trace(
            go.Heatmap(
                z=values[:, order],
                y=list(rows),
                coloraxis="coloraxis" if name.startswith("gamma") else "coloraxis2",
                customdata=np.broadcast_to(order, values.shape),
                hovertemplate=hover.told("%{y}, unit %{customdata}", hover.value("", "z"), PARTS[name]),
                xgap=0,
                ygap=1,
            ),
            row=i // 2 + 1,
            col=i % 2 + 1,
        )
    style(figure, theme, 2 * (_ROW * len(rows) + _AROUND), hold="modulation")
    for axis, kind, at in (("coloraxis", "gamma", 0.445), ("coloraxis2", "beta", 1.0)):
        both = np.concatenate([np.abs(v).ravel() for name, v in parts.items() if name.startswith(kind)])
        figure.update_layout({axis: _colours(float(np.percentile(both, _INSIDE)) or 1.0, at, theme)})
    figure.update_annotations(font=dict(size=TEXT_PX, color=INK[theme]))
    figure.update_xaxes(showticklabels=False, ticks="", showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="hidden units, in the order of the first row", row=2)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _colours(end: float, at: float, theme: Theme) -> dict[str, Any]:
    """Return colours from -end to end, with their bar at a place of the figure's width (0-1)."""
    colours = on_dark(BLUE_RED) if theme == "dark" else BLUE_RED
    scale = [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]
    bar = dict(x=at, xanchor="left", thickness=9, len=0.9, outlinewidth=0, tickfont_size=SMALL_PX)
    return dict(colorscale=scale, cmin=-end, cmax=end, colorbar=bar)
