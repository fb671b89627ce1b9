"""The protocol: which days are support and which are scored."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.protocol.placements import ALL, counted
from tamrl.protocol.support_days import MIN_SCORED, PLACEMENTS, SHOTS, plan, plans, support_days
from tamrl.towers.quality import valid_days


def tower(days=1500, seed=0, share=0.9, site="XS-A01", peak=190, without=()):
    """A made-up record whose GPP peaks on one day of the year and whose air temperature peaks 60 days later."""
    rng = np.random.default_rng(seed)
    time = pd.date_range("2003-05-17", periods=days)
    angle = 2 * np.pi * (time.day_of_year.to_numpy() - peak) / 365.25
    gpp = 5 + 4 * np.cos(angle) + rng.normal(0, 0.5, days)
    values = {
        "GPP": gpp,
        "RECO": np.full(days, 3.0),
        "NEE": 3 - gpp,
        "TA": 10 + 8 * np.cos(angle - 2 * np.pi * 60 / 365.25),
        "NEE_QC": np.where(rng.random(days) < share, 1.0, 0.2),
    }
    for name in without:
        values[name] = np.full(days, np.nan)
    return xr.Dataset({k: ("time", v.astype("f4")) for k, v in values.items()}, {"time": time, "site": site})


SHAPES = {
    "days": st.integers(1, 1600),
    "seed": st.integers(0, 99),
    "share": st.floats(0.02, 1),
    "placement": st.sampled_from(list(PLACEMENTS)),
}


@settings(max_examples=80, deadline=None)
@given(**SHAPES)
def test_supports_are_nested_runs_of_valid_days_and_are_never_scored(days, seed, share, placement):
    place = tower(days, seed, share)
    valid, time = valid_days(place), pd.DatetimeIndex(place.time.values)
    result = plan(place, placement)
    assert not (result.scored & ~valid).any()
    if valid.sum() < MIN_SCORED:
        assert not result.supports
        assert not result.scored.any()
        return
    assert result.scored.sum() >= MIN_SCORED
    assert list(result.supports) == [s for s in SHOTS if s == 0 or valid.sum() >= s + MIN_SCORED]
    inside: set = set()
    for shots, support in result.supports.items():
        where = np.flatnonzero(np.isin(np.flatnonzero(valid), time.get_indexer(support)))
        assert len(support) == len(where) == shots
        assert (np.diff(where) == 1).all(), "a run of valid days"
        assert inside <= set(support), "nested"
        inside = set(support)
    assert (result.scored == (valid & ~time.isin(list(inside)))).all(), "all that is outside the largest support"


@settings(max_examples=30, deadline=None)
@given(**SHAPES, shots=st.sets(st.sampled_from(SHOTS)))
def test_the_days_depend_on_the_tower_and_the_placement_alone(days, seed, share, placement, shots):
    place = tower(days, seed, share)
    everything, some = plan(place, placement), plan(place, placement, shots)
    assert (some.scored == everything.scored).all()
    assert list(some.supports) == [s for s in everything.supports if s in shots]
    for count, support in some.supports.items():
        assert support.equals(everything.supports[count])
    again = plan(place.copy(deep=True), placement)
    assert all(again.supports[s].equals(everything.supports[s]) for s in everything.supports)


def test_each_tower_and_each_seed_draws_its_own_days():
    first = [plan(tower(3000, site=f"XS-A{i:02}"), "random").supports[7][0] for i in range(8)]
    assert len(set(first)) > 4
    assert len({plan(tower(3000), "random", seed=i).supports[7][0] for i in range(8)}) > 4


@pytest.mark.parametrize(
    ("without", "season", "peak"),
    [((), "mean GPP", 190), (("GPP",), "mean -NEE", 190), (("GPP", "NEE"), "mean TA", 250)],
)
def test_the_seasons_are_those_of_gpp_or_what_stands_in_for_it(without, season, peak):
    for site in ("XS-A01", "XS-A02", "XS-A03"):
        place = tower(site=site, without=without)
        for placement, target in (("growing", peak), ("dormant", peak - 183)):
            result = plan(place, placement)
            middle = result.supports[7][3].day_of_year
            distance = abs((middle - target + 183) % 366 - 183)
            assert distance < 25, (site, placement, middle)
            assert season in result.rule


def test_the_centre_is_drawn_from_all_years():
    years = {plan(tower(3000, site=f"XS-B{i:02}"), "growing").supports[7][3].year for i in range(20)}
    assert len(years) >= 5


def test_a_record_without_any_season_is_placed_at_random():
    place = tower(without=("GPP", "NEE")).drop_vars("TA")
    assert "random" in plan(place, "growing").rule


def test_a_short_record_says_why_it_is_not_scored():
    result = plan(tower(29, share=1), "random")
    assert result.rule == "fewer than 30 days to score"
    barely = plan(tower(36, share=1), "random")
    assert list(barely.supports) == [0]
    assert barely.scored.all()


@settings(max_examples=30, deadline=None)
@given(days=st.integers(1, 1600), seed=st.integers(0, 99), share=st.floats(0.02, 1))
def test_without_support_every_valid_day_is_scored(days, seed, share):
    place = tower(days, seed, share)
    everything = plans(place)[-1]
    valid = valid_days(place)
    assert everything.placement == ALL
    if valid.sum() < MIN_SCORED:
        assert not everything.supports
        assert not everything.scored.any()
        return
    assert (everything.scored == valid).all()
    assert {shots: len(days) for shots, days in everything.supports.items()} == {0: 0}
    assert all((everything.scored >= p.scored).all() for p in plans(place))


def test_zero_shot_counts_on_all_days_and_whatever_has_support_outside_it():
    rows = pd.DataFrame({"placement": ["growing", ALL, "growing", "dormant"], "shots": [0, 0, 30, 30]})
    assert counted(rows["placement"], rows["shots"]).tolist() == [False, True, True, True]
    assert counted(rows["placement"], 0).tolist() == [False, True, False, False]
    assert counted(rows["placement"], 30).tolist() == [True, False, True, True]
    coded = rows["placement"].astype("category")
    assert counted(coded, rows["shots"]).tolist() == [False, True, True, True]
    picked = rows[rows["placement"] == "growing"]
    assert counted(picked["placement"], 0).all()
    assert counted(pd.Index(["growing", ALL]), 0).tolist() == [False, True]


def test_unusual_shots_stand_beside_the_usual_ones():
    place = tower()
    result = plan(place, "growing", (0, 14, 30))
    assert [len(s) for s in result.supports.values()] == [0, 14, 30]
    assert (result.scored == plan(place, "growing").scored).all()


def test_plans_are_one_a_placement_and_unknown_ones_are_named():
    assert [p.placement for p in plans(tower())] == [*PLACEMENTS, ALL]
    assert [p.placement for p in plans(tower(), shots=(7,))] == list(PLACEMENTS)
    with pytest.raises(TamrlError, match="Known: growing, dormant, random"):
        plan(tower(), "summer")


def test_a_support_laid_out_by_hand_is_the_first_valid_days_after_some_of_the_record():
    place = tower(400, share=1)
    place["NEE_QC"][185:190] = 0.0
    time = pd.DatetimeIndex(place.time.values)
    assert list(support_days(place, 7)) == [*time[180:185], *time[190:192]]
    assert len(support_days(place, 10_000)) == 215
    assert list(support_days(place, 2, skip=3)) == [*time[3:5]]


def test_support_of_a_monthly_tower_is_counted_in_months():
    time = pd.date_range("2003-02-01", periods=120, freq="MS")
    values = {name: np.ones(120, "f4") for name in ("GPP", "RECO", "NEE", "NEE_QC")}
    values["NEE_QC"][8] = 0.1
    place = xr.Dataset(
        {k: ("time", v) for k, v in values.items()}, {"time": time, "site": "XS-M01"}, {"frequency": "1MS"}
    )
    assert list(support_days(place, 3)) == [time[6], time[7], time[9]]
    assert list(support_days(place, 2, skip=30)) == [*time[30:32]]
    assert len(support_days(place, 500)) == 113
