"""Climatology and the seasonal cycle of the support, against pandas and by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.baselines.climatology import Climatology
from tamrl.baselines.seasonal import SeasonalCycle
from tamrl.towers.quality import flux_table, valid_days

FLUXES = ("GPP", "RECO", "NEE")


@pytest.fixture
def flat(towers):
    """A tower of two years, all days valid and all fluxes zero."""
    tower = towers[0].isel(time=slice(0, 731)).copy(deep=True)
    for flux in FLUXES:
        tower[flux][:] = 0.0
    tower["NEE_QC"][:] = 1.0
    return tower


def days_of(tower, *dates):
    """Dates in the first whole year of a tower."""
    return pd.DatetimeIndex([f"{pd.Timestamp(tower.time.values[0]).year + 1}-{d}" for d in dates])


def test_climatology_is_the_mean_of_pandas_by_class_and_day(towers):
    model = Climatology()
    model.fit(towers[:6])
    tower = towers[0]
    parts = []
    for t in towers[:6]:
        if t.igbp.item() == tower.igbp.item():
            frame = pd.DataFrame(flux_table(t)[valid_days(t)], columns=FLUXES)
            frame["day"] = pd.DatetimeIndex(t.time.values)[valid_days(t)].day_of_year
            parts.append(frame.groupby("day").mean())
    mean = pd.concat(parts).groupby("day").mean()
    expected = mean.loc[193:207].mean().to_numpy()  # 15 days around day 200
    at = pd.DatetimeIndex(tower.time.values).day_of_year == 200
    np.testing.assert_allclose(model.predict(tower)[at][0], expected, rtol=1e-4)


def test_a_class_that_was_not_trained_on_takes_the_mean_of_all(towers):
    model, everywhere = Climatology(), Climatology()
    model.fit(towers[:4])
    everywhere.fit([t.assign_coords(igbp="SNO") for t in towers[:4]])
    stranger = towers[0].assign_coords(igbp="SNO")
    np.testing.assert_allclose(model.predict(stranger), everywhere.predict(stranger), rtol=1e-6)


def test_one_support_day_is_predicted_every_day(flat):
    support = days_of(flat, "07-01")
    flat["GPP"].loc[{"time": support}] = 7.0
    predicted = SeasonalCycle().predict(flat, support)
    np.testing.assert_allclose(predicted[:, 0], 7.0, rtol=1e-6)
    np.testing.assert_allclose(predicted[:, 1:], 0.0)


def test_two_days_are_weighed_by_the_kernel_and_the_mean(flat):
    support = days_of(flat, "07-01", "07-11")
    flat["RECO"].loc[{"time": support}] = [2.0, 6.0]
    predicted = SeasonalCycle(width=10, prior=0.5).predict(flat, support)[:, 1]
    near = np.exp(-0.5)  # ten days at a width of ten
    at = pd.DatetimeIndex(flat.time.values).get_indexer(support)
    np.testing.assert_allclose(predicted[at[0]], (2 + 6 * near + 0.5 * 4) / (1 + near + 0.5), rtol=1e-5)
    # Half a year away only the mean of the support is left.
    assert predicted[at[0] - 180] == pytest.approx(4.0, abs=1e-4)


def test_the_turn_of_the_year_is_no_gap(flat):
    support = days_of(flat, "01-02", "07-01")
    flat["GPP"].loc[{"time": support}] = [8.0, 0.0]
    predicted = SeasonalCycle(width=10, prior=1).predict(flat, support)[:, 0]
    time = pd.DatetimeIndex(flat.time.values)
    before, after = (predicted[time.get_indexer(days_of(flat, d))[0]] for d in ("12-28", "01-07"))
    assert before == pytest.approx(after, rel=0.02)
    assert before > 5


def test_a_flux_without_support_stays_unknown_and_holds_back_no_other(flat):
    support = days_of(flat, "03-01", "03-02")
    flat["GPP"].loc[{"time": support}] = [np.nan, np.nan]
    flat["NEE"].loc[{"time": support}] = [np.nan, -3.0]
    predicted = SeasonalCycle().predict(flat, support)
    assert np.isnan(predicted[:, 0]).all()
    np.testing.assert_allclose(predicted[:, 2], -3.0, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(1, 400), width=st.floats(1, 40), prior=st.floats(0.1, 10))
def test_the_cycle_stays_within_the_support(towers, seed, count, width, prior):
    tower, rng = towers[1], np.random.default_rng(seed)
    days = rng.choice(np.flatnonzero(valid_days(tower)), count, replace=False)
    predicted = SeasonalCycle(width, prior).predict(tower, pd.DatetimeIndex(tower.time.values)[days])
    observed = flux_table(tower)[days]
    assert (predicted >= np.nanmin(observed, 0) - 1e-3).all()
    assert (predicted <= np.nanmax(observed, 0) + 1e-3).all()
