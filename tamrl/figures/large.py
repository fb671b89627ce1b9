"""Any figure of the project as it stands in a large window: type, lines and markers grown together."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

#: What is a length in px wherever it stands.
_LENGTHS = {
    "thickness",
    "linewidth",
    "gridwidth",
    "zerolinewidth",
    "ticklen",
    "itemwidth",
    "xshift",
    "yshift",
    "standoff",
    "xpad",
    "ypad",
}
#: What is one in these parts alone: elsewhere it has the unit of an axis.
_LENGTHS_OF = {"line": {"width"}, "marker": {"size", "sizemin"}, "margin": {"l", "r", "t", "b"}, "error_x": {"width"}}
_LENGTHS_OF["error_y"] = _LENGTHS_OF["error_x"]
#: Type that plotly sets itself where a figure does not [px].
_HOVER_PX = 13


def enlarged(figure: go.Figure, factor: float) -> go.Figure:
    """Return a copy of a figure in which every length in px is ``factor`` times as large.

    Args:
        figure: styled by ``style``; left as it is.
        factor: 1 for a copy as it is.
    """
    parts = figure.to_plotly_json()
    layout = _grown(parts["layout"], "layout", factor)
    if layout.get("height"):
        layout["height"] = round(layout["height"] * factor)
    made = go.Figure(data=[_grown(trace, "trace", factor) for trace in parts["data"]], layout=layout)
    if made.layout.hoverlabel.font.size is None:
        made.update_layout(hoverlabel_font_size=round(_HOVER_PX * factor))
    return made


def _grown(part: dict[str, Any], name: str, factor: float) -> dict[str, Any]:
    """Return a part of a figure with its lengths grown."""
    lengths = {"size"} if name.endswith("font") else _LENGTHS_OF.get(name, set())
    return {key: _value(key, value, key in lengths or key in _LENGTHS, factor) for key, value in part.items()}


def _value(name: str, value: Any, length: bool, factor: float) -> Any:
    if isinstance(value, dict):
        return _grown(value, name, factor)
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        return [_grown(item, name, factor) for item in value]
    if not length or value is None or isinstance(value, bool | str):
        return value
    return (np.asarray(value, dtype=float) * factor).tolist() if np.ndim(value) else value * factor
