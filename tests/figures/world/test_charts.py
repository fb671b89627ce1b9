"""Figures below the world map: what is drawn is what the tables hold, in both themes, and payloads are bounded."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.figures.world import cell, charts, compare, totals
from tamrl.globe.contract import cell_area
from tamrl.maps import aggregate
from tamrl.maps.global_totals import read_published
from tamrl.predict.monthly_means import BALANCE, GIVEN

THEMES = ("light", "dark")
LABELS = {"ours": "Ours", "theirs": "Theirs", "third": "Third"}


def looks(theme="light"):
    return charts.looks(LABELS, theme, "ours")


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


@pytest.fixture
def curves():
    lat = pd.Index([-45.0, -15.0, 15.0, 45.0], name="lat")
    return {
        "theirs": pd.DataFrame({"value": [1.0, 5.0, np.nan, 2.0], "total": [0.1, 0.4, np.nan, 0.2]}, lat),
        "ours": pd.DataFrame({"value": [1.5, 6.0, 4.0, 2.5], "sd": 0.5, "total": [0.15, 0.5, 0.3, 0.2]}, lat),
    }


def test_each_set_of_maps_keeps_its_look():
    for theme in THEMES:
        few, chosen = looks(theme), charts.looks(LABELS, theme, "third")
        assert few["ours"].colour == chosen["ours"].colour
        assert len({(look.colour, look.dash, look.symbol) for look in few.values()}) == 3
        assert few["ours"].width > few["theirs"].width == chosen["ours"].width
    many = charts.looks({str(i): str(i) for i in range(20)}, "light")
    assert len(many) == 20


def test_a_wide_band_does_not_flatten_the_lines(curves):
    wide = curves | {"ours": curves["ours"].assign(sd=50.0)}
    figure = charts.zonal(wide, looks(), "value", "Mean", "light")
    assert max(figure.layout.xaxis.range) < 10
    assert charts.wrapped("XGBoost, FLUXCOM-style upscaling (ours)") == "XGBoost, FLUXCOM-style<br>upscaling (ours)"


def test_a_band_of_the_size_of_the_lines_fits_on_the_axis(curves):
    figure = charts.zonal(curves | {"ours": curves["ours"].assign(sd=4.0)}, looks(), "value", "Mean", "light")
    low, high = figure.layout.xaxis.range
    assert low < 1.5 - 4
    assert high > 6 + 4


def test_rounding_keeps_four_digits():
    np.testing.assert_allclose(charts.rounded([1234.56, 0.00123456, -2.34567, 0]), [1235, 0.001235, -2.346, 0])
    assert np.isnan(charts.rounded([np.nan])[0])


@pytest.mark.parametrize("theme", THEMES)
def test_zonal_means_have_latitude_upwards_and_a_band(curves, theme):
    figure = charts.zonal(curves, looks(theme), "value", "Mean GPP [gC m⁻² d⁻¹]", theme)
    ours = named(figure, "Ours")
    assert list(ours.x) == [1.5, 6.0, 4.0, 2.5]
    assert list(ours.y) == [-45, -15, 15, 45]
    assert list(named(figure, "Theirs").y) == [-45, -15, 45], "a gap is no zero"
    band = next(trace for trace in figure.data if trace.fill == "toself")
    assert max(band.x) == 6.5
    assert min(band.x) == 1.0
    assert figure.data[-1] is ours, "the chosen maps are drawn on top"
    drawn = charts.zonal(curves, looks(theme), "total", "Total", theme)
    assert list(named(drawn, "Ours").x) == [0.15, 0.5, 0.3, 0.2]
    assert not [trace for trace in drawn.data if trace.fill == "toself"]
    assert list(figure.layout.xaxis.range) == pytest.approx([-0.2625, 8.1])
    assert "gC m⁻² d⁻¹" in figure.layout.xaxis.title.text
    assert "30° N" in figure.layout.yaxis.ticktext


@pytest.mark.parametrize("theme", THEMES)
def test_hovmoeller_is_centred_for_nee_and_bounded(theme):
    lat = np.arange(-89.975, 90, 0.05)
    rng = np.random.default_rng(0)
    table = xr.DataArray(
        rng.normal(1, 2, (12, lat.size)), {"month": np.arange(1, 13), "lat": lat}, ("month", "lat"), "NEE"
    )
    low, high = charts.limits_of([table], "NEE")
    assert low == -high
    figure = charts.hovmoeller(table, "NEE", (low, high), "Ours", theme)
    z = np.array(figure.data[0].z)
    assert z.shape[0] <= 180
    assert z.shape[1] == 12
    step = lat.size // z.shape[0]
    assert z[0, 6] == pytest.approx(float(table.sel(month=7)[:step].mean()), abs=0.01)
    assert len(figure.to_json()) < 60_000
    assert charts.limits_of([abs(table)], "GPP")[0] == 0
    assert charts.limits_of([table.where(table > 99)], "GPP") == (0, 1)


@pytest.mark.parametrize("theme", THEMES)
def test_totals_stand_above_the_published_ones(theme):
    gpp = pd.DataFrame({"mean": [134.0, 120.0], "sd": [2.0, np.nan]}, index=["ours", "theirs"])
    nee = pd.DataFrame({"mean": [-20.0], "sd": [1.0]}, index=["ours"])
    figure = totals.totals({"GPP": gpp, "NEE": nee}, read_published(), looks(theme), theme)
    assert figure.data[0].x[0] == 134
    assert figure.data[0].error_x.array[0] == 2
    assert figure.data[1].error_x.visible is False, "what is not known has no bar"
    ranged = next(trace for trace in figure.data if len(trace.x) == 2)
    assert list(ranged.x) == [106, 130]
    order = list(figure.layout.yaxis.categoryarray)[::-1]
    assert order[:2] == ["Ours", "Theirs"]
    assert len(order) == 2 + 4, "each published product has one line for all its fluxes"
    assert any("Nelson" in trace.hovertemplate for trace in figure.data)
    assert {trace.xaxis for trace in figure.data} == {"x", "x2"}
    empty = totals.totals({"GPP": gpp[:0]}, [], looks(theme), theme)
    assert not empty.data


def test_regional_totals_keep_the_order_of_the_table():
    table = pd.DataFrame({"ours": [1.0, 2.0], "theirs": [3.0, 4.0]}, index=["Europe", "Asia"])
    figure = totals.regional(table, looks(), "GPP", "light")
    assert list(named(figure, "Ours").x) == [1, 2]
    assert figure.data[-1].name == "Ours", "plotly draws the bars of a group from below"
    assert list(figure.layout.yaxis.categoryarray) == ["Asia", "Europe"], "plotly counts from below"


@pytest.fixture
def pair():
    lat, lon = np.arange(-88.0, 90, 4), np.arange(-178.0, 180, 4)
    rng = np.random.default_rng(0)
    first = xr.DataArray(rng.gamma(2, 2, (lat.size, lon.size)), {"lat": lat, "lon": lon}, ("lat", "lon"))
    return aggregate.density(first, first + rng.normal(0, 0.5, first.shape), cell_area(lat, lon))


@pytest.mark.parametrize("theme", THEMES)
def test_density_has_a_line_of_equals_and_logarithmic_colours(pair, theme):
    look = looks(theme)
    figure = compare.density(pair, look["ours"], look["theirs"], "GPP", theme)
    z = np.array(figure.data[0].z, float)
    filled = np.isfinite(z)
    np.testing.assert_allclose(10 ** z[filled], pair["area"].values[filled], rtol=0.02)
    assert (pair["area"].values[~filled] == 0).all()
    line = figure.data[1]
    assert list(line.x) == list(line.y)
    assert "Ours" in figure.layout.xaxis.title.text
    assert "Theirs" in figure.layout.yaxis.title.text
    assert len(figure.to_json()) < 120_000


def test_density_of_nothing_is_drawn(pair):
    empty = pair.copy(deep=True)
    empty["area"][:] = 0
    figure = compare.density(empty, looks()["ours"], looks()["theirs"], "GPP", "light")
    assert json.loads(figure.to_json())


def test_histograms_hold_all_land(pair):
    figure = compare.histograms(pair, looks()["ours"], looks()["theirs"], "GPP", "light")
    assert sum(named(figure, "Ours").y) == pytest.approx(float(pair["area_first"].sum()), rel=1e-3)
    assert sum(named(figure, "Theirs").y) == pytest.approx(float(pair["area_second"].sum()), rel=1e-3)


@pytest.mark.parametrize("theme", THEMES)
def test_cycles_of_a_cell(theme):
    month = pd.RangeIndex(1, 13, name="month")
    tables = {
        "theirs": pd.DataFrame({"value": np.arange(12.0)}, month),
        "ours": pd.DataFrame({"value": np.arange(12.0) + 1, "sd": 0.5}, month),
    }
    figure = cell.cycles(tables, looks(theme), "GPP", theme)
    assert list(named(figure, "Ours").y) == list(np.arange(12.0) + 1)
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(bands) == 1
    assert max(bands[0].y) == 12.5
    assert list(figure.layout.xaxis.ticktext) == list("JFMAMJJASOND")


def test_drivers_have_a_row_and_a_unit_each():
    table = xr.Dataset(
        {n: ("month", np.arange(12.0)) for n in ("TA", "P_MON", "SW_IN_POT")}, {"month": np.arange(1, 13)}
    )
    figure = cell.drivers(table, "light")
    assert [trace.type for trace in figure.data] == ["scatter", "bar", "scatter"]
    titles = [figure.layout[name].title.text for name in ("yaxis", "yaxis2", "yaxis3")]
    assert [("°C" in titles[0]), ("mm d⁻¹" in titles[1]), ("W m⁻²" in titles[2])] == [True] * 3


@pytest.mark.parametrize("calibrated", [True, False])
def test_before_and_after_mark_what_was_given(calibrated):
    month = pd.RangeIndex(1, 13, name="month")
    table = pd.DataFrame(index=month)
    for flux in ("GPP", "RECO", "NEE"):
        for when, value in (("before", 2.0), ("after", 3.0)):
            table[f"{flux}_{when}"] = value
            table[f"{flux}_{when}_spread"] = 0.4
            if calibrated:
                table[f"{flux}_{when}_low"], table[f"{flux}_{when}_high"] = value - 1, value + 2
        table[f"{flux}_known"] = np.nan
    names = ["GPP_known", "RECO_known", "NEE_known", "GPP_from", "RECO_from", "NEE_from"]
    table[names[3:]] = ""
    table.loc[7, names] = [3.3, 2.2, -1.1, GIVEN, BALANCE, GIVEN]
    table.loc[8, names] = [5.0, 3.0, -2.0, GIVEN, GIVEN, BALANCE]
    figure = cell.known(table, "light")
    filled = [t for t in figure.data if t.mode == "markers" and t.marker.symbol == "diamond"]
    hollow = [t for t in figure.data if t.mode == "markers" and t.marker.symbol == "diamond-open"]
    assert filled[0].y[6] == 3.3
    assert np.isnan(filled[1].y[6])
    assert hollow[1].y[6] == 2.2
    assert filled[2].y[6] == -1.1, "NEE that was typed is marked as such, and RECO that follows from it is not"
    assert np.isnan(filled[1].y[6])
    assert hollow[2].y[7] == -2.0, "NEE that follows from GPP and RECO was not given"
    band = next(trace for trace in figure.data if trace.fill == "toself")
    assert max(band.y) == (4.0 if calibrated else 2.4)
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown)) == 4


@pytest.mark.parametrize("mean", [-20.0, -3.4, 0.02, 96.0, 134.0])
def test_each_panel_of_the_totals_has_two_ticks_and_room_for_them_on_a_phone(mean):
    table = pd.DataFrame({"mean": [mean, 0.8 * mean], "sd": [0.1 * abs(mean), np.nan]}, index=["ours", "theirs"])
    axis = totals.totals({"NEE": table}, [], looks(), "light").layout.xaxis
    low, high = axis.range
    assert low < min(mean - 0.1 * abs(mean), 0.8 * mean)
    assert high > max(mean + 0.1 * abs(mean), 0.8 * mean)
    # plotly takes the smallest of these steps that leaves no more ticks than were asked for.
    step = min(s for k in range(-6, 6) for s in (10.0**k, 2 * 10.0**k, 5 * 10.0**k) if s >= (high - low) / axis.nticks)
    assert 2 <= np.floor(high / step) - np.ceil(low / step) + 1 <= 5
