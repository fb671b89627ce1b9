"""Figures on a stage: larger, in ink, with nothing to press; and errors by month."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import xarray as xr

from tamrl.figures import stage, style
from tamrl.figures.colours import ROLE
from tamrl.figures.lab.by_month import by_month, by_month_table
from tamrl.schema import FLUXES

THEMES = ("light", "dark")


def luminance(colour):
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_ink_and_lines_stand_out_from_the_ground(theme):
    ground = stage.STAGE_GROUND[theme]
    assert contrast(stage.STAGE_INK[theme], ground) > 15
    assert set(stage.STAGE_ROLE[theme]) == set(ROLE[theme])
    for colour in stage.STAGE_ROLE[theme].values():
        assert contrast(colour, ground) > 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_a_staged_figure_is_larger_and_keeps_its_data(theme):
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3.0, 4.0], line=dict(width=2, color=ROLE[theme]["zero-shot"])))
    figure.add_trace(go.Scatter(x=[1, 2], y=[1.0, 2.0], mode="markers", marker=dict(size=4, color="#123456")))
    style.add_range_buttons(style.style(figure, theme, 300), theme)
    made = stage.staged(figure, theme, 480)
    twice = stage.staged(go.Figure(made), theme, 480, 2)
    assert (twice.layout.height, twice.layout.font.size) == (960, 2 * made.layout.font.size)
    assert stage.staged(go.Figure(made), theme, 480, 2, 100).layout.height == 1060
    line, markers = made.data
    assert (line.line.width, markers.marker.size) == (2 * stage.SCALE, 4 * stage.SCALE)
    assert line.line.color == stage.STAGE_ROLE[theme]["zero-shot"]
    assert markers.marker.color == "#123456"
    assert list(line.y) == [3.0, 4.0]
    assert made.layout.height == 480
    assert min(made.layout.font.size, made.layout.legend.font.size, made.layout.xaxis.tickfont.size) >= 18
    assert made.layout.xaxis.rangeselector.buttons == ()


def test_errors_by_month_are_those_of_the_scored_days():
    time = pd.date_range("2003-01-01", "2004-12-31")
    observed = np.zeros(len(time), "float32")
    observed[5] = np.nan
    summer = time.month == 7
    tower = xr.Dataset(dict.fromkeys(FLUXES, ("time", observed)), coords={"time": time})

    def made(values):
        members = np.stack([values - 1, values + 1])
        return xr.Dataset(dict.fromkeys(FLUXES, (("member", "time"), members)), coords={"time": time})

    before, after = made(np.full(len(time), 2.0)), made(np.where(summer, 1.0, 3.0))
    scored = np.asarray(time.year == 2003)
    table = by_month_table(tower, before, after, scored, "GPP")
    assert list(table["zero-shot"]) == pytest.approx([2.0] * 12)
    assert table.loc[7, "adapted"] == pytest.approx(1.0)
    assert table.loc[1, "adapted"] == pytest.approx(3.0)
    assert (table.loc[1, "n"], table["n"].sum()) == (30, 364)
    bars = by_month(table, "GPP", "light").data
    assert [bar.name for bar in bars] == ["Zero-shot", "Adapted"]
    assert bars[1].y[6] == pytest.approx(1.0)
    assert bars[0].x[0] == "Jan"
