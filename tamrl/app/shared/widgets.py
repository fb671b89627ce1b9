"""Widgets that every page draws: choices that the address keeps, charts, legends, remarks."""

import html
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from tamrl.app.shared import figure_download, sizes, state
from tamrl.figures import style


def choice(name: str, options: Sequence[Any], default: Any) -> Any:
    """Return the choice ``name`` where it is available, else forget it and return the default."""
    value = state.get(name, default)
    if value not in options:
        state.leave_out(name)
        value = default if default in options else next(iter(options), None)
    return value


def pick(
    label: str, name: str, options: Sequence[Any], default: Any, text: Callable[[Any], Any], hidden: bool = False
) -> Any:
    """Draw a row of buttons for the choice ``name`` and return it."""
    value = choice(name, options, default)
    shown = st.segmented_control(
        label,
        options,
        format_func=text,
        required=True,
        label_visibility="collapsed" if hidden else "visible",
        **state.bind(name, value),
    )
    return value if shown is None else shown


def select(
    label: str, name: str, options: Sequence[Any], default: Any, text: Callable[[Any], Any], tip: str = ""
) -> Any:
    """Draw a select box for the choice ``name`` and return it."""
    value = choice(name, options, default)
    return st.selectbox(label, options, format_func=text, help=tip or None, **state.bind(name, value))


def button(label: str, key: str, **settings: Any) -> bool:
    """Draw a button and return whether it was pressed.

    The press is kept until the page acts on it: the button's own value is lost where a run starts again before that.
    """
    pressed = f"tamrl_pressed_{key}"
    st.button(label, key=key, on_click=st.session_state.__setitem__, args=(pressed, True), **settings)
    return st.session_state.pop(pressed, False)


def legend(items: Iterable[tuple[str, str, str]], alt: str) -> None:
    """Draw one legend for a map or a row of figures; the picture of the row has it too.

    Args:
        items: character, its colour, label.
        alt: what the items are.
    """
    items = list(items)
    figure_download.add_legend(items)
    spans = "".join(
        f'<span role="listitem"><b aria-hidden="true" style="color:{colour}">{glyph}</b>{html.escape(label)}</span>'
        for glyph, colour, label in items
    )
    st.html(f'<div class="tamrl-legend" role="list" aria-label="{html.escape(alt)}">{spans}</div>')


def chart(
    column: st.delta_generator.DeltaGenerator, name: str, figure: go.Figure, alt: str, title: str = "", **settings: Any
) -> None:
    """Draw one chart of a row; ``footer`` stands below the row.

    Args:
        column: where it is drawn.
        name: of the chart; its key is ``chart-<name>``.
        figure: the chart.
        alt: the chart in words, for screen readers.
        title: in the picture that ``footer`` offers; the first sentence of ``alt`` where empty.
        settings: of ``st.plotly_chart``, as its selections.
    """
    key = settings.pop("key", f"chart-{name}")
    figure_download.add_chart(key, title or alt.split(". ")[0].rstrip("."))
    column.plotly_chart(sizes.figure(figure), theme=None, key=key, config=style.config(), alt=alt, **settings)


def tell(text: str) -> None:
    """Show a remark, where there is one."""
    if text:
        st.info(text, icon=":material/info:")


def from_map(key: str, choose: Callable[[str], None]) -> None:
    """Choose the tower that was clicked on a map; the ``on_select`` of the chart ``key``."""
    picked = [tower for layer in st.session_state[key].selection.objects.values() for tower in layer]
    if picked and "site" in picked[0]:
        choose(picked[0]["site"])


def from_table(key: str, sites: Sequence[str], choose: Callable[[str], None]) -> None:
    """Choose the tower of the row that was clicked in a table; the ``on_select`` of the table ``key``.

    Args:
        key: of the table.
        sites: towers of its rows.
        choose: called with the tower.
    """
    rows = st.session_state[key].selection.rows
    if rows and rows[0] < len(sites):
        choose(sites[rows[0]])
