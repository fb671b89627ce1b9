"""How much larger than designed all is drawn in a large window: type, and with it figures, maps and tables.

A page is designed for windows of up to 2160 x 900 px. In a larger one its type grows by eighths (``theme.js``), so that
a line has as many letters and a figure as much of the page on a screen of 3840 x 2160 as on one of 1920 x 1080.
Whatever has its size in px grows by the same factor, which the browser tells.
"""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from tamrl.figures.large import enlarged

#: Key of the component that tells the factor, see ``theme.js``.
KEY = "tamrl_theme"
_LARGEST = 2.0
#: Widths of columns that streamlit has names for [px].
_NAMED_PX = {"small": 75, "medium": 200, "large": 400}


def scale() -> float:
    """Return the factor, 1 to 2; 1 until the browser has told."""
    told = st.session_state.get(KEY) or {}
    return min(max(float(told.get("scale") or 1), 1.0), _LARGEST)


def px(length: float) -> int:
    """Return a length [px] as it is drawn in this window."""
    return round(length * scale())


def figure(drawn: go.Figure) -> go.Figure:
    """Return a figure as it is drawn in this window: itself, or a larger copy."""
    return drawn if scale() == 1 else enlarged(drawn, scale())


def table(frame: Any, **settings: Any) -> Any:
    """Draw a table, as ``st.dataframe`` does, its heights and the widths of its columns [px] as large as its type."""
    return _drawn("dataframe", frame, settings)


def editor(frame: Any, **settings: Any) -> Any:
    """Draw a table that can be edited, as ``st.data_editor`` does, as large as ``table``; return what it holds."""
    return _drawn("data_editor", frame, settings)


def _drawn(element: str, frame: Any, settings: dict[str, Any]) -> Any:
    if scale() == 1:
        return getattr(st, element)(frame, **settings)
    sizes = {name: px(settings[name]) for name in ("height", "row_height") if isinstance(settings.get(name), int)}
    columns = {name: _column(column) for name, column in (settings.get("column_config") or {}).items()}
    settings |= sizes | ({"column_config": columns} if columns else {})
    # A table reads how large type is when it is made: in a place of its own it is made anew.
    return getattr(st.container(), element)(frame, **settings)


def _column(column: Any) -> Any:
    """Return how a column is drawn, as wide as its type is large."""
    width = column.get("width") if isinstance(column, dict) else None
    width = _NAMED_PX.get(str(width), width)
    return {**column, "width": px(width)} if isinstance(width, int) else column
