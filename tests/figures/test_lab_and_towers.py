"""What figures hold: the data in their units, gaps, quality, support, and colours that mean what they say."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.figures import colours, style
from tamrl.figures.lab import adaptation, diagnostics
from tamrl.figures.towers import fingerprint, series
from tamrl.figures.towers import map as maps
from tamrl.schema import FLUXES, VARIABLES
from tamrl.towers import table as tables

THEMES = ("light", "dark")


@pytest.fixture
def tower():
    """Two years and a bit of one made-up tower: a gap of ten days, every seventh day of low quality."""
    time = pd.date_range("2003-11-01", "2006-02-28")
    day = time.day_of_year.to_numpy()
    gpp = (6 - 5 * np.cos(2 * np.pi * day / 365)).astype("float32")
    reco = (3 - 2 * np.cos(2 * np.pi * day / 365)).astype("float32")
    data = {"GPP": gpp, "RECO": reco, "NEE": reco - gpp, "TA": 2 * gpp, "LAI": gpp / 3}
    data["NEE_QC"] = np.where(np.arange(len(time)) % 7 == 0, 0.3, 0.9).astype("float32")
    for flux in FLUXES:
        data[flux] = data[flux].copy()
        data[flux][100:110] = np.nan
    ds = xr.Dataset({name: ("time", values) for name, values in data.items()}, coords={"time": time})
    for name in ds.data_vars:
        ds[name].attrs.update(units=VARIABLES[name].unit, native_resolution=VARIABLES[name].resolution)
    return ds.assign_coords(site="XX-One")


def predictions(tower, factor):
    """Two members either side of ``factor`` times the observations; balanced."""
    members = np.array([factor - 0.1, factor + 0.1], dtype="float32")[:, None]
    filled = tower.ffill("time")
    fluxes = {f: (("member", "time"), members * filled[f].values[None]) for f in FLUXES}
    return xr.Dataset(fluxes, coords={"member": [0, 1], "time": tower["time"]})


def values(trace):
    return np.asarray(trace.y, dtype=float)


@pytest.mark.parametrize("theme", THEMES)
def test_series_separates_quality_and_keeps_gaps(tower, theme):
    figure = series.tower_series(tower, ["TA", "LAI"], theme)
    line, filled, hollow = figure.data[:3]
    good = tower["NEE_QC"].values >= 0.7
    assert line.connectgaps is False
    assert np.isnan(values(line)[100:110]).all()
    np.testing.assert_array_equal(np.isfinite(values(filled)), good & np.isfinite(tower["GPP"].values))
    np.testing.assert_array_equal(np.isfinite(values(hollow)), ~good & np.isfinite(tower["GPP"].values))
    assert hollow.marker.symbol == "circle-open"
    assert {"NEE_QC ≥ 0.7", "low quality, NEE_QC < 0.7"} <= {
        trace.name for trace in figure.data if trace.showlegend is not False
    }


def test_series_axes_are_linked_labelled_and_keep_the_zoom(tower):
    figure = series.tower_series(tower, ["TA"], "light")
    titles = [figure.layout[axis].title.text for axis in ("yaxis", "yaxis2", "yaxis3", "yaxis4")]
    assert [title.split("<br>")[0] for title in titles] == ["GPP", "RECO", "NEE", "TA"]
    assert titles[0].endswith("[gC m⁻² d⁻¹]")
    assert titles[3].endswith("[°C]")
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches == "x4"
    assert figure.layout.uirevision == series.tower_series(tower, ["TA"], "dark").layout.uirevision


def test_the_axis_of_days_names_the_right_days(tower):
    axis = style.time_axis(tower["time"].values)
    assert pd.Timestamp(axis["x0"]) == pd.Timestamp("2003-11-01")
    assert pd.Timedelta(axis["dx"], unit="ms") == pd.Timedelta(days=1)


def test_monthly_means_are_steps_and_monthly_states_are_lines(tower):
    figure = series.tower_series(tower.assign(P_MON=tower["TA"].drop_attrs()), ["TA", "LAI", "P_MON"], "light")
    shapes = {trace.name: trace.line.shape for trace in figure.data if trace.name and trace.mode == "lines"}
    assert shapes["Air temperature"] == "linear"
    assert shapes["Leaf area index (monthly)"] == "linear"
    assert shapes["Precipitation, monthly mean (monthly)"] == "hv"


def test_present_drivers_leaves_out_empty_ones(tower):
    empty = tower.assign(VPD=tower["TA"] * np.nan)
    assert series.present_drivers(empty) == ["TA", "LAI"]


def test_year_table_puts_each_day_in_its_cell(tower):
    table = fingerprint.year_table(tower, "GPP")
    assert list(table.index) == [2003, 2004, 2005, 2006]
    assert table.shape[1] == 366
    assert table.loc[2004, 366] == pytest.approx(float(tower["GPP"].sel(time="2004-12-31")))
    assert np.isnan(table.loc[2005, 366])
    assert np.isnan(table.loc[2003, 1])
    assert int(table.notna().to_numpy().sum()) == int(np.isfinite(tower["GPP"].values).sum())


@pytest.mark.parametrize("theme", THEMES)
def test_fingerprint_of_nee_is_centred_on_zero_and_green_for_uptake(tower, theme):
    heat = fingerprint.fingerprint(tower, "NEE", theme).data[1]
    assert heat.zmin == -heat.zmax < 0
    low, middle, high = (colours.rgb(heat.colorscale[i][1])[:3] for i in (0, len(heat.colorscale) // 2, -1))
    assert low[1] > low[0]  # green: uptake
    assert high[0] > high[1] > high[2]  # brown: release
    assert max(middle) - min(middle) < 8  # neutral
    assert "gC m⁻² d⁻¹" in heat.colorbar.title.text


def test_fingerprint_marks_missing_cells(tower):
    background, heat = fingerprint.fingerprint(tower, "GPP", "light").data[:2]
    assert background.colorscale[0][1] == style.MISSING["light"]
    assert style.MISSING["light"] not in colours.ALGAE
    assert np.isnan(np.asarray(heat.z, dtype=float)).any()
    # A year without a leap day has no 366th cell at all.
    assert np.isnan(np.asarray(background.z, dtype=float)[2, 365])
    assert heat.zmin == 0


@pytest.mark.parametrize("low", [False, True])
def test_the_fingerprint_does_not_paint_low_quality_as_good(tower, low):
    figure = fingerprint.fingerprint(tower, "NEE", "light", low)
    good, poor = (np.asarray(trace.z, dtype=float) for trace in figure.data[1:3])
    observed = np.isfinite(tower["NEE"].values)
    assert np.isfinite(good).sum() == (series.good_days(tower) & observed).sum()
    assert np.isfinite(poor).sum() == (~series.good_days(tower) & observed).sum() > 100
    assert not (np.isfinite(good) & np.isfinite(poor)).any()
    assert "low quality" in figure.data[2].hovertemplate
    entries = [trace.name for trace in figure.data if trace.showlegend]
    assert ("low quality, NEE_QC < 0.7" in entries) != low
    colour = figure.data[2].colorscale[0][1]
    assert figure.data[2].opacity < 0.5 if low else colour == style.POOR["light"] != style.MISSING["light"]


def test_numbers_have_true_minus_signs_and_nothing_has_no_sign():
    assert style.number(-1.234) == "\N{MINUS SIGN}1.23"
    assert style.number(1.234, 1, True) == "+1.2"
    assert style.number(-0.001, 2, True) == style.number(0.001, 2, True) == "0.00"
    assert style.number(float("nan")) == "\N{EN DASH}"
    assert style.number(-0.5, 0) == "0"


@pytest.mark.parametrize("flux", FLUXES)
def test_the_lab_has_one_figure_of_webgl_at_most(tower, flux):
    support = pd.DatetimeIndex(tower["time"].values[200:230])
    assert {trace.type for trace in series.support_chart(tower, support, flux, "light").data} == {"scatter"}
    drawn = adaptation.scatter(tower, tower[flux].values, tower[flux].values, series.good_days(tower), flux, "dark")
    assert {trace.type for trace in drawn.data} == {"scatter"}


@pytest.mark.parametrize("scale", [colours.ALGAE, colours.MATTER])
def test_sequential_scales_get_darker_all_the_way(scale):
    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b, _ in map(colours.rgb, scale)]
    assert all(a > b for a, b in pairwise(light))


def test_support_chart_marks_the_support(tower):
    support = pd.DatetimeIndex(tower["time"].values[200:230])
    figure = series.support_chart(tower, support, "NEE", "light")
    marked = next(trace for trace in figure.data if trace.name == "Support days")
    assert np.flatnonzero(np.isfinite(values(marked))).tolist() == list(range(200, 230))
    shape = figure.layout.shapes[0]
    assert pd.Timestamp(shape.x0) < support[0] < support[-1] < pd.Timestamp(shape.x1)
    assert figure.layout.dragmode == "select"


def test_comparison_bands_are_mean_and_spread(tower):
    zero, adapted = predictions(tower, 0.6), predictions(tower, 1.0)
    support = pd.DatetimeIndex(tower["time"].values[200:230])
    figure = adaptation.comparison(tower, zero, adapted, support, "light")
    means = [trace for trace in figure.data if trace.name == "Adapted, mean ± spread"]
    assert len(means) == 3
    np.testing.assert_allclose(values(means[0]), adapted["GPP"].mean("member").values, rtol=1e-5)
    at = figure.data.index(means[0])
    low, high = values(figure.data[at - 2]), values(figure.data[at - 1])
    np.testing.assert_allclose(high - low, 2 * adapted["GPP"].std("member", ddof=1).values, rtol=1e-3, atol=1e-5)
    assert len(figure.layout.shapes) == 1


def test_scatter_shows_scored_days_only_and_the_line(tower):
    scored = np.zeros(tower.sizes["time"], bool)
    scored[95:105] = True  # five of them lie in the gap
    observed = tower["GPP"].values
    figure = adaptation.scatter(tower, observed * 0.5, observed * 0.9, scored, "GPP", "light")
    zero, adapted, line = figure.data
    assert len(zero.x) == len(adapted.x) == 5
    days = pd.DatetimeIndex(tower["time"].values[scored & np.isfinite(observed)])
    assert list(zero.text) == list(adapted.text) == [f"{day:%Y-%m-%d}" for day in days]
    np.testing.assert_array_equal(np.asarray(line.x), np.asarray(line.y))


def test_scatter_of_many_days_shows_some_of_them_and_says_so():
    rng = np.random.default_rng(1)
    observed, zero, adapted = rng.normal(3, 2, (3, 4000)).astype("float32")
    scored = rng.random(4000) < 0.9
    time = pd.date_range("2001-01-01", periods=4000)
    long = xr.Dataset({"GPP": ("time", observed)}, {"time": time})
    figure = adaptation.scatter(long, zero, adapted, scored, "GPP", "light")
    again = adaptation.scatter(long, zero, adapted, scored, "GPP", "dark")
    pairs = set(zip(observed[scored].tolist(), zero[scored].tolist(), adapted[scored].tolist(), strict=True))
    first, second, line = figure.data
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.x, again.data[0].x)
    drawn = set(zip(first.x.tolist(), first.y.tolist(), second.y.tolist(), strict=True))
    assert len(drawn) == adaptation.MOST_POINTS
    assert drawn < pairs
    assert max(line.x) == max(v[scored].max() for v in (observed, zero, adapted))
    assert [a.text for a in figure.layout.annotations] == [f"500 of {scored.sum():,} shown"]
    assert all(observed[time == day] == value for day, value in zip(first.text, first.x, strict=True))
    few = adaptation.scatter(long.isel(time=slice(300)), zero[:300], adapted[:300], scored[:300], "GPP", "light")
    assert len(few.data[0].x) == scored[:300].sum()
    assert not few.layout.annotations


def test_season_table_uses_the_same_days_in_every_column(tower):
    scored = np.ones(tower.sizes["time"], bool)
    table = adaptation.season_table(tower, predictions(tower, 0.5), predictions(tower, 1.0), scored, "GPP")
    assert table["n"].sum() == np.isfinite(tower["GPP"].values).sum()
    np.testing.assert_allclose(table["zero-shot"], 0.5 * table["observed"], rtol=1e-4)
    np.testing.assert_allclose(table["adapted"], table["observed"], rtol=1e-4)


def test_residual_is_zero_where_balanced_and_known_where_not(tower):
    np.testing.assert_allclose(diagnostics.residual(predictions(tower, 0.8)), 0, atol=1e-5)
    shifted = tower.assign(NEE=tower["NEE"] + 0.25)
    np.testing.assert_allclose(np.nanmax(np.abs(diagnostics.residual(shifted))), 0.25, atol=1e-5)


def test_spread_table_is_ordered(tower):
    table = diagnostics.spread_table(predictions(tower, 1.0))
    assert list(table.index) == list(FLUXES)
    assert (np.diff(table.to_numpy(), axis=1) >= 0).all()


def test_loss_figure_has_fit_and_held_back_lines_and_survives_no_steps():
    rows = [(m, s, 1 / s, 2 / s) for m in range(2) for s in range(1, 5)]
    history = pd.DataFrame(rows, columns=["member", "step", "loss", "held_back"])
    figure = diagnostics.loss_figure(history, "light")
    assert len(figure.data) == 4
    assert sum(trace.showlegend for trace in figure.data) == 2
    assert len(diagnostics.loss_figure(history[:0], "dark").data) == 0


def test_loss_figure_keeps_the_two_fits_of_a_member_apart():
    rows = [(0, s, 1 / s, 2 / s) for s in range(1, 5)] + [(0, s, 3 / s, np.nan) for s in range(5, 9)]
    history = pd.DataFrame(rows, columns=["member", "step", "loss", "held_back"])
    figure = diagnostics.loss_figure(history, "light")
    assert [len(trace.x) for trace in figure.data] == [4, 4, 4]
    assert sum(trace.showlegend for trace in figure.data) == 2


def test_unit_labels():
    assert style.unit_label("gC m-2 d-1") == "gC m⁻² d⁻¹"
    assert style.unit_label("degC") == "°C"
    assert style.unit_label("m2 m-2") == "m² m⁻²"
    assert style.unit_label("1") == ""


def test_the_buttons_of_plotly_save_no_unmarked_picture_and_lead_nowhere():
    config = style.config()
    assert "toImage" in config["modeBarButtonsToRemove"]
    assert config["displaylogo"] is False


@pytest.fixture
def archive(tower):
    """Two towers, one of them without a valid day."""
    other = tower.assign(NEE_QC=tower["NEE_QC"] * 0)
    both = xr.concat([tower, other], dim="site").assign_coords(site=["XX-One", "AA-Two"])
    return both.assign_coords(
        name=("site", ["One", ""]),
        igbp=("site", ["ENF", "unknown"]),
        koeppen=("site", ["Dfb", "unknown"]),
        lat=("site", [51.0, -25.0]),
        lon=("site", [10.0, 134.0]),
    )


def test_tower_table_counts_and_averages_valid_days(archive, tower):
    table = tables.tower_table(archive)
    assert list(table.index) == ["AA-Two", "XX-One"]
    row = table.loc["XX-One"]
    valid = (tower["NEE_QC"].values >= 0.7) & np.isfinite(tower["NEE"].values)
    assert row["valid_days"] == valid.sum()
    assert row["days"] == np.isfinite(tower["NEE"].values).sum()
    assert row["NEE"] == pytest.approx(float(tower["NEE"].values[valid].mean()), rel=1e-5)
    assert (row["country"], row["continent"], row["climate"]) == ("Germany", "Europe", "Cold")
    assert tables.years_text(row) == "2003–2006"
    assert tables.years_text(pd.Series({"first": 2006, "last": 2006})) == "2006"
    assert table.loc["AA-Two", "valid_days"] == 0
    assert np.isnan(table.loc["AA-Two", "GPP"])


def test_filters_combine(archive):
    table = tables.tower_table(archive)
    assert list(tables.filter_towers(table).index) == ["AA-Two", "XX-One"]
    assert list(tables.filter_towers(table, igbp=["ENF"]).index) == ["XX-One"]
    assert list(tables.filter_towers(table, climate=["Cold"], continent=["Oceania"]).index) == []
    assert list(tables.filter_towers(table, years=(2006, 2010)).index) == ["AA-Two", "XX-One"]
    assert list(tables.filter_towers(table, years=(2007, 2010)).index) == []


def test_map_asks_for_nothing_outside_and_marks_the_selection(archive):
    table = tables.tower_table(archive)
    deck = maps.tower_map(table, "XX-One", "light")
    text = deck.to_json()
    assert "http" not in text
    assert deck.map_style == "/app/static/blank.json"
    layers = {layer.id: layer for layer in deck.layers}
    assert layers["towers-0"].pickable is True
    assert layers["countries"].pickable is False
    assert [record["site"] for record in layers["selected"].data] == ["XX-One"]
    assert layers["towers-0"].data[1]["position"] == [10.0, 51.0]
    assert layers["towers-0"].data[1]["colour"][:3] == colours.rgb(colours.CLASS["ENF"])[:3]


@pytest.fixture
def months():
    """Ten years of one made-up monthly tower, two months of low quality and one missing."""
    time = pd.date_range("2003-03-01", periods=120, freq="MS")
    gpp = (6 - 5 * np.cos(2 * np.pi * time.month.to_numpy() / 12)).astype("float32")
    data = {"GPP": gpp, "RECO": gpp / 2, "NEE": -gpp / 2, "TA": 2 * gpp, "LAI": gpp / 3}
    data["NEE_QC"] = np.where(np.isin(np.arange(120), (5, 6)), 0.3, 0.9).astype("float32")
    data["GPP"][20] = np.nan
    ds = xr.Dataset({name: ("time", values) for name, values in data.items()}, {"time": time}, {"frequency": "1MS"})
    return ds.assign_coords(site="XX-One")


def test_months_are_drawn_at_their_own_dates(months):
    support = pd.DatetimeIndex(months["time"].values[12:18])
    results = predictions(months, 0.9)
    drawn = [
        *series.tower_series(months, ["TA"], "light").data,
        *series.support_chart(months, support, "NEE", "dark").data,
        *adaptation.comparison(months, results, results, support, "light").data,
        *diagnostics.balance(months, results, "light").data,
    ]
    over_time = [trace for trace in drawn if trace.y is not None and len(trace.y) == 120]
    assert len(over_time) >= 20
    for trace in over_time:
        assert trace.dx is None
        np.testing.assert_array_equal(pd.DatetimeIndex(trace.x), pd.DatetimeIndex(months["time"].values))


def test_shading_covers_the_months_of_the_support(months):
    support = pd.DatetimeIndex(months["time"].values[12:18])
    shape = series.support_chart(months, support, "NEE", "light").layout.shapes[0]
    inside = [time for time in pd.DatetimeIndex(months["time"].values) if shape.x0 <= time <= shape.x1]
    assert inside == list(support)
    assert pd.Timedelta(days=170) < pd.Timestamp(shape.x1) - pd.Timestamp(shape.x0) < pd.Timedelta(days=190)


def test_range_buttons_span_years_that_suit_the_step(tower, months):
    for record, labels in ((tower, ["1 year", "3 years", "all"]), (months, ["3 years", "10 years", "all"])):
        layout = series.tower_series(record, [], "light").layout
        assert [button.label for button in layout.xaxis.rangeselector.buttons] == labels


def test_drivers_of_a_monthly_record_are_plain_lines(months):
    line = next(t for t in series.tower_series(months, ["LAI"], "light").data if t.name and t.name.startswith("Leaf"))
    assert line.name == "Leaf area index"
    assert line.line.shape == "linear"


def test_fingerprint_of_months_has_one_cell_a_month(months):
    table = fingerprint.year_table(months, "GPP")
    assert table.shape == (11, 12)
    assert table.columns.name == "month"
    assert np.isnan(table.loc[2003, 2])
    assert table.loc[2003, 3] == pytest.approx(float(months["GPP"][0]))
    assert int(table.notna().to_numpy().sum()) == 119
    figure = fingerprint.fingerprint(months, "GPP", "light")
    assert figure.layout.xaxis.title.text == "Month"
    assert list(figure.layout.xaxis.tickvals) == list(range(1, 13))
    assert np.isfinite(np.asarray(figure.data[0].z, dtype=float)).all()


def test_season_of_months_is_their_mean_by_calendar_month(months):
    scored = np.ones(120, bool)
    table = adaptation.season_table(months, predictions(months, 0.5), predictions(months, 1.0), scored, "GPP")
    assert list(table.index) == list(range(1, 13))
    assert table["n"].tolist() == [10] * 10 + [9, 10]
    expected = months["GPP"].groupby("time.month").mean().values
    np.testing.assert_allclose(table["observed"], expected, rtol=1e-6)
    figure = adaptation.season(table, "GPP", "light")
    assert figure.layout.xaxis.title.text == "Month"
    assert tuple(figure.layout.xaxis.range) == (0.5, 12.5)
