"""The Figure download: a row of charts as one picture for a slide, with title, legend, source and the SIMULATED mark.

The picture is made in the browser by the plotly.js that draws the charts, so the server needs none, and what is saved
is what is seen, zoom included. Charts and legends tell this module of themselves as they are drawn; the footer below
them gathers what was told since the last one.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from tamrl.app.shared import theme
from tamrl.figures.style import GROUND, INK, MARK, MUTED

_ROW = "tamrl_figure_row"
_HTML = (
    '<span class="figure">Figure <button type="button" data-kind="png" aria-label="Save the figure as PNG">PNG</button>'
    '<button type="button" data-kind="svg" aria-label="Save the figure as SVG">SVG</button></span>'
    '<span class="note" role="status"></span>'
)


def begin() -> None:
    """Forget charts and legends that no footer stands below."""
    st.session_state[_ROW] = {"charts": {}, "legend": {}}


def _row() -> dict[str, dict[Any, Any]]:
    if _ROW not in st.session_state:
        begin()
    return st.session_state[_ROW]


def add_chart(key: str, title: str) -> None:
    """Tell of a chart that was drawn under ``key``, and of its title in the picture."""
    _row()["charts"][key] = title


def add_legend(items: Iterable[tuple[str, str, str]]) -> None:
    """Tell of a legend beside the charts: character, its colour, label."""
    _row()["legend"] |= dict.fromkeys(tuple(item) for item in items)


@lru_cache(maxsize=1)
def _parts() -> tuple[str, str]:
    folder = Path(__file__).parent
    css, js = ((folder / f"figure_download.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return css, js


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    css, js = _parts()
    return st.components.v2.component("tamrl_figure_download", html=_HTML, css=css, js=js)


def button(name: str, file: str, source: str, simulated: bool) -> None:
    """Draw the buttons that save the charts since the last footer as PNG and SVG; nothing where there was none.

    Args:
        name: key of the element.
        file: name of the files, without suffix.
        source: the source line.
        simulated: whether the data were made by a model; then the picture says so.
    """
    row = _row()
    begin()
    if not row["charts"]:
        return
    shade = theme.current()
    # The ink of the page where a legend inherits it.
    legend = [[glyph, INK[shade] if colour == "inherit" else colour, label] for glyph, colour, label in row["legend"]]
    data = {
        "charts": list(row["charts"].items()),
        "legend": legend,
        "file": file,
        "source": source,
        "simulated": simulated,
        "paper": GROUND[shade],
        "ink": INK[shade],
        "muted": MUTED[shade],
        "mark": MARK[shade],
    }
    _component()(key=f"figure-file-{name}", data=data, width="content")
