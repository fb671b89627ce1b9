"""The way to the land sink is read strictly and adds up; contributions of blocks are those of their cells."""

import numpy as np
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.figures.world import land_sink as figures
from tamrl.globe.contract import cell_area
from tamrl.maps import land_sink
from tamrl.maps.aggregate import total


def test_the_bundled_numbers_are_those_of_the_papers():
    budget = land_sink.read_budget()
    found = {step.key: step for step in budget.all}
    assert (found["fire"].value, found["fire"].plus_minus, found["fire"].years) == (2.1, 0.2, (2002, 2020))
    assert found["fire"].doi == "10.5194/gmd-15-8411-2022"
    assert (found["rivers"].value, found["rivers"].when) == (0.65, "pre-industrial")
    # S_LAND 3.2 ± 0.9 less E_LUC 1.1 ± 0.7.
    assert budget.target.value == pytest.approx(-(3.2 - 1.1))
    assert budget.target.plus_minus == pytest.approx(np.hypot(0.9, 0.7), abs=0.005)
    assert found["wood"].text == "about 1"
    assert found["waters"].when == "no years given"
    assert found["land-use"].text == "1.1 ± 0.7"


@pytest.mark.parametrize("ours", [-21.8, -5.75, 1.0])
def test_the_way_adds_up_from_ours_to_the_published_sink(ours):
    budget = land_sink.read_budget()
    table = land_sink.bridge(ours, budget, 2.8)
    assert table["start"].iloc[0] == 0
    assert table["end"].iloc[0] == ours
    assert table["plus_minus"].iloc[0] == 2.8
    moves = table[table["kind"].isin(["published", "remainder"])]
    assert ours + moves["value"].sum() == pytest.approx(budget.target.value)
    np.testing.assert_allclose(moves["end"] - moves["start"], moves["value"])
    totals = table[table["kind"] == "total"].set_index("label")["value"]
    assert totals[land_sink.ATMOSPHERE] == pytest.approx(-2.75)
    assert totals["Net land sink"] == budget.target.value
    # X-BASE's sink is smaller than what the published losses alone would need.
    rest = table.loc[table["kind"] == "remainder", "value"].item()
    assert rest == pytest.approx(-2.75 - ours - sum(s.value for s in budget.steps))


def test_the_verdict_tells_the_known_from_our_bias():
    budget = land_sink.read_budget()
    said = land_sink.verdict(land_sink.bridge(-21.8, budget), budget)
    known = sum(s.value for s in budget.steps)
    assert f"account for {known:.1f} of the difference, or {known - 1.1:.1f} if" in said
    rest = 21.8 - 2.75 - known
    twice = sum(step.value for step in budget.steps if step.overlaps)
    assert f"remaining {rest:.1f} PgC yr⁻¹, or {rest + twice:.1f} in that case, is unexplained" in said
    assert "no larger a sink" in land_sink.verdict(land_sink.bridge(-1.0, budget), budget)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value: 2.05", "value: many"),
        ("unit: PgC yr-1", "unit: GtC"),
        ("years: [2002, 2020]", "years: [2020, 2002]"),
        ("overlaps: [fire, wood]", "overlaps: [ocean]"),
        ("key: wood", "key: fire"),
        ("doi: 10.1038/nature", "doi: x/"),
        ("plus_minus_is: as published", "colour: red"),
        ("river:", "stream:"),
    ],
)
def test_what_is_not_understood_is_an_error(tmp_path, old, new):
    text = land_sink.sink_path().read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "a.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TamrlError):
        land_sink.read_budget(tmp_path / "a.yaml")
    with pytest.raises(TamrlError, match="cannot be read"):
        land_sink.read_budget(tmp_path / "none.yaml")


def test_contributions_of_blocks_add_up_to_the_total():
    lat, lon = np.arange(-89.75, 90, 0.5), np.arange(-179.75, 180, 0.5)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(lat.size, lon.size))
    values[:, 100:200] = np.nan
    of = xr.DataArray(values, {"lat": lat, "lon": lon}, ("lat", "lon"))
    area = cell_area(lat, lon)
    found = land_sink.contributions(of, area)
    assert found.shape == (90, 180)
    assert float(found.sum()) / 1000 == pytest.approx(total(of, area))
    block = (of * area).sel(lat=slice(10, 12), lon=slice(20, 22)).sum() * 365.25 / 1e12
    assert float(found.sel(lat=11, lon=21)) == pytest.approx(float(block))
    assert np.isnan(found.sel(lat=11, lon=-115))


def test_the_figure_shows_each_step_with_its_number_and_hatch():
    table = land_sink.bridge(-21.8, land_sink.read_budget(), 2.8)
    for theme in ("light", "dark"):
        figure = figures.waterfall(table, theme)
        bars = [trace for trace in figure.data if trace.type == "bar"]
        assert sum(len(bar.y) for bar in bars) == len(table)
        spans = {name: (base, base + x) for bar in bars for name, base, x in zip(bar.y, bar.base, bar.x, strict=True)}
        assert spans["Fire<br>+2.10 ± 0.2"] == pytest.approx((-21.8, -19.7), abs=0.01)
        assert {bar.marker.pattern.shape for bar in bars} == {"", "/", "."}
        # A hatch that replaces its bar leaves the colour of the paper alone: an invisible bar.
        assert {bar.marker.pattern.fillmode for bar in bars} == {"overlay"}
        assert bars[0].y[0].endswith("\N{MINUS SIGN}21.80 ± 2.8")
        assert tuple(figure.layout.yaxis.categoryarray)[::-1][0] == bars[0].y[0]
