"""How much larger all is drawn in a large window."""

import pandas as pd
import pytest
import streamlit as st

from tamrl.app.shared import sizes
from tamrl.figures.towers import map as maps


@pytest.fixture
def told(monkeypatch):
    """A function that lets the browser tell how large its window is."""
    session = {}
    monkeypatch.setattr(st, "session_state", session)
    return lambda value: session.update({sizes.KEY: {"scale": value}})


@pytest.mark.parametrize(("said", "scale"), [(None, 1), (1, 1), (1.75, 1.75), (0.2, 1), (40, 2)])
def test_the_browser_tells_the_factor_within_bounds(told, said, scale):
    told(said)
    assert sizes.scale() == scale
    assert sizes.px(100) == 100 * scale


@pytest.mark.parametrize(("draw", "element"), [(sizes.table, "dataframe"), (sizes.editor, "data_editor")])
def test_columns_and_rows_grow_with_the_type_of_a_table(told, monkeypatch, draw, element):
    drawn = []
    monkeypatch.setattr(st.delta_generator.DeltaGenerator, element, lambda _, frame, **said: drawn.append(said))
    config = {"a": st.column_config.TextColumn("A", width=80), "b": st.column_config.TextColumn("B", width="small")}
    told(1.5)
    draw(pd.DataFrame({"a": ["x"], "b": ["y"]}), height=200, column_config=config)
    assert drawn[0]["height"] == 300
    assert [drawn[0]["column_config"][name]["width"] for name in "ab"] == [120, 112]
    assert config["a"]["width"] == 80, "the columns of the next window are those of this one"


def test_a_map_shows_as_much_of_the_earth(told, monkeypatch):
    from tamrl.app.shared import static

    monkeypatch.setattr(static, "base", lambda: "")
    told(2)
    deck = maps.point_map([], None, "light", "")
    before = deck.initial_view_state.zoom
    assert static.placed(deck).initial_view_state.zoom == before + 1
