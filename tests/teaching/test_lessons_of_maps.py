"""Lessons 4 to 6: weeks, regions and networks are marked by what they do."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.simulation.towers import simulate
from tamrl.teaching import labels, siting, trust
from tamrl.teaching.labels import Benchmark
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled

MONTHS = np.array([4.7, 4.7, 4.6, 4.5, 4.6, 1.9, 1.87, 2.4, 3.6, 4.7, 4.7, 4.7])


@pytest.fixture(scope="module")
def simulated():
    return simulate(8)


@pytest.fixture(scope="module")
def planet(simulated):
    return siting.make_planet(simulated)


@pytest.fixture(scope="module")
def table():
    index = pd.Index(["far", "farther", "middle", "near", "nearer"], name="region")
    return pd.DataFrame(
        {"area": [1.0, 1, 1, 1, 6], "index": [0.6, 0.5, 0.4, 0.3, 0.2], "above": [0.4, 0.1, 0, 0, 0]}, index
    )


def test_weeks_are_cut_from_one_year_and_scored_on_the_others(simulated):
    tower = record(simulated, str(simulated["site"].values[0]))
    year = int(pd.DatetimeIndex(tower["time"].values).year[400])
    growing, alone = labels.growing(tower, year, (5, 20, 6, 5)), labels.alone(tower, year, (5, 20, 6, 5))
    assert growing[0].equals(alone[0])
    assert len(growing[3]) == len(growing[2]) == sum(map(len, alone[:3])) <= 21
    assert all(labels.week_start(year, 5) <= day < labels.week_start(year, 6) for day in alone[0])
    scored = labels.scored(tower, year)
    time = pd.DatetimeIndex(tower["time"].values)
    assert scored.any()
    assert not scored[time.year == year].any()
    assert not time[scored].isin(labels.whole_year(tower, year)).any()
    assert [set(month.month) for month in labels.months(tower, year) if len(month)] == [
        {i} for i, month in enumerate(labels.months(tower, year), 1) if len(month)
    ]


def test_weeks_are_marked_against_the_months():
    found = Benchmark(4.7, MONTHS, 1.46)
    assert labels.mark_january(found, "none").correct
    assert not labels.mark_january(found, "much").correct
    assert labels.mark_january(Benchmark(9.4, MONTHS, 1.46), "much").correct
    good = labels.mark_weeks(found, ["21 May"], 1.9)
    assert good.correct
    assert good.value == pytest.approx(-59.6, abs=0.1)
    assert "Better than 10 of the 12" in labels.mark_weeks(found, ["x"], 1.91).said
    assert not labels.mark_weeks(found, ["x"], 2.5).correct
    errors = np.array([4.0, 2.0, 2.01, 3.0])
    for name, correct in (("a", False), ("b", True), ("c", True), ("d", False)):
        mark = labels.mark_best_week("abcd", errors, name)
        assert mark.correct == correct
        assert "None of these weeks" not in mark.said
    tied = labels.mark_best_week("abcd", np.full(4, 1.25), "c")
    assert tied.correct
    assert "None of these weeks teaches more than another" in tied.said


def test_regions_and_shares_are_marked_by_the_index(table):
    assert trust.mark_share(table, "some").value == pytest.approx(5.0)
    assert trust.mark_share(table, "some").correct
    assert trust.mark_regions(table, ["far", "middle", "near"]).correct
    assert not trust.mark_regions(table, ["far", "near", "nearer"]).correct


def test_the_median_of_a_region_is_weighted_by_its_area():
    assert trust.weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 10.0, 1.0])) == 1.0
    assert trust.weighted_median(np.array([3.0, 1.0, 2.0]), np.ones(3)) == 2.0


def test_maps_without_an_index_are_refused():
    with pytest.raises(TamrlError, match="do not say where they extrapolate"):
        trust.by_region(xr.Dataset(), xr.Dataset(), pd.DataFrame())


def test_coverage_counts_the_observed_days_alone():
    made = pd.DataFrame({"GPP_low": 0.0, "GPP_high": 2.0, "GPP_observed": [1.0, 3.0, np.nan, 2.0]})
    assert trust.covered(made, "GPP") == pytest.approx(200 / 3)
    assert trust.mark_coverage(made, "GPP", "XX-Abc", 60).correct
    assert not trust.mark_coverage(made, "GPP", "XX-Abc", 90).correct
    assert "too narrow" in trust.mark_coverage(made, "GPP", "XX-Abc", 90).said


def test_the_planet_is_that_of_the_archive(planet, simulated):
    assert list(planet.places.index) == list(simulated["site"].values.astype(str))
    assert planet.truth.shape == planet.measured.shape == (8, 12)
    # Noise and gaps of a mean year are small beside the season: the truth is that of the same places.
    assert np.abs(planet.measured - planet.truth).mean() < 0.2 < planet.truth.std()


def test_a_tower_mends_its_own_place_and_all_towers_do_best(planet):
    two, all_places = np.array([0, 1]), np.arange(8)
    before = siting.errors(planet, two)
    for place in range(2, 8):
        assert siting.errors(planet, np.array([0, 1, place]))[place] < before[place]
    assert siting.score(planet, all_places) < siting.score(planet, two)
    assert siting.predict(planet, two).shape == (8, 12)


def test_rules_add_different_places_and_the_one_that_knows_is_no_worse(planet, monkeypatch):
    names = list(planet.places.index)
    monkeypatch.setattr(siting, "START", tuple(names[:2]))
    monkeypatch.setattr(siting, "ADDED", 2)
    lot = siting.by_lot(planet, 30)
    assert lot.tolist() == siting.by_lot(planet, 30).tolist()
    far, best = siting.furthest(planet), siting.knowing(planet)
    for added in (far, best):
        assert len(set(added)) == 2
        assert not set(added) & set(names[:2])
    score = siting.score(planet, siting.network_of(planet, best))
    assert score <= np.median(lot)
    assert siting.mark_network(planet, lot, best).correct
    worst = max(range(30), key=lambda i: lot[i])
    assert lot[worst] > score
    truth = "far" if siting.score(planet, siting.network_of(planet, far)) < np.median(lot) else "lot"
    assert siting.mark_rule(planet, lot, truth).correct


def test_the_worst_place_is_among_the_answers():
    planet = siting.make_planet(bundled("demo").archive().load())
    added = siting.knowing(planet)
    found = pd.Series(siting.errors(planet, siting.network_of(planet, added)), planet.places.index)
    options = siting.worst_options(planet, added)
    assert len(set(options)) == 4
    assert found.idxmax() in options
    for option in options:
        assert siting.mark_worst(planet, added, option).correct == (option == found.idxmax())
    # What the teacher's notes say of the two rules.
    lot = siting.by_lot(planet)
    assert siting.score(planet, siting.network_of(planet, siting.furthest(planet))) > np.median(lot)
    assert (siting.score(planet, siting.network_of(planet, added)) < lot).mean() > 0.98
