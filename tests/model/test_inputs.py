"""From towers to tensors: masks, supports, batches."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.landcover import STATIC_SIZE, static_inputs
from tamrl.model.drivers import driver_table
from tamrl.model.inputs import Normaliser, tower_record, tower_support
from tamrl.schema import IGBP_CLASSES
from tamrl.solar import extraterrestrial_radiation
from tamrl.towers.quality import flux_table, valid_days

DRIVERS = Config().model.drivers


def test_a_missing_day_masks_that_day_and_no_other(towers, normaliser):
    tower = towers[0].copy(deep=True)
    day = int(np.flatnonzero(valid_days(tower))[50])
    before = tower_record(tower, DRIVERS, normaliser).weight
    tower["NEE"][day] = np.nan
    after = tower_record(tower, DRIVERS, normaliser).weight
    changed = (before != after).any(dim=1)
    assert changed.nonzero().flatten().tolist() == [day]
    assert after[day].tolist() == [before[day, 0].item(), before[day, 1].item(), 0.0]


def test_days_of_low_quality_are_not_valid(towers):
    tower = towers[0].copy(deep=True)
    tower["NEE_QC"][:] = 0.69
    assert not valid_days(tower).any()
    tower["NEE_QC"][:] = 0.7
    assert valid_days(tower).sum() == np.isfinite(flux_table(tower)).any(axis=1).sum()


def test_scales_leave_out_missing_values_and_count_towers_equally():
    a, b = np.array([[1.0], [3.0], [np.nan]]), np.array([[10.0]])
    n = Normaliser.fit([a, b], [np.zeros((1, 3)), np.full((1, 3), np.nan)])
    assert n.driver_mean[0] == pytest.approx(6)  # the mean of 2 and 10
    assert n.driver_std[0] == pytest.approx(np.sqrt((5 + 100) / 2 - 36))
    assert n.flux_scale.tolist() == [1, 1, 1]


@given(igbp=st.sampled_from(IGBP_CLASSES), koeppen=st.sampled_from(["A", "Dfb", "BSk", "unknown"]))
def test_classes_are_one_hot(igbp, koeppen):
    values = static_inputs(igbp, koeppen)
    assert values.shape == (STATIC_SIZE,)
    assert values.sum() == 2


@pytest.mark.parametrize(("igbp", "koeppen"), [("XXX", "A"), ("ENF", "Z"), ("", "A")])
def test_an_unknown_class_is_an_error_with_the_known_ones(igbp, koeppen):
    with pytest.raises(TamrlError, match=r"Known classes: .*unknown"):
        static_inputs(igbp, koeppen)


def test_an_unknown_driver_is_an_error_with_the_known_ones(towers):
    with pytest.raises(TamrlError, match=r"Known drivers: .*SW_IN_POT"):
        driver_table(towers[0], ("TA", "SOIL"))


def test_a_driver_that_the_tower_lacks_is_masked(towers, normaliser):
    r = tower_record(towers[0].drop_vars("VPD"), DRIVERS, normaliser)
    assert (r.driver_mask[:, DRIVERS.index("VPD")] == 0).all()
    assert (r.drivers[:, DRIVERS.index("VPD")] == 0).all()
    assert (r.driver_mask[:, DRIVERS.index("TA")] == 1).any()


@given(latitude=st.floats(-90, 90), year=st.integers(1991, 2024))
@settings(max_examples=40, deadline=None)
def test_extraterrestrial_radiation_agrees_with_a_sum_over_the_day(latitude, year):
    """Parity: the daily mean formula against pvlib's sun position summed hour by hour."""
    from pvlib import irradiance, solarposition

    time = pd.DatetimeIndex([f"{year}-03-10", f"{year}-06-21", f"{year}-12-01"])
    hours = np.deg2rad((np.arange(480) + 0.5) / 20 * 15 - 180)
    day = time.day_of_year.to_numpy()
    declination = solarposition.declination_spencer71(day)[:, None]
    phi = np.deg2rad(latitude)
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hours)
    expected = irradiance.get_extra_radiation(day, method="spencer") * np.clip(height, 0, None).mean(axis=1)
    assert extraterrestrial_radiation(latitude, time) == pytest.approx(expected, abs=0.3)


def test_a_tower_without_a_position_has_no_radiation():
    assert np.isnan(extraterrestrial_radiation(float("nan"), pd.date_range("2001", periods=3))).all()


def test_labels_are_read_on_support_days_alone(records):
    r, scale = records[0], torch.ones(3)
    days = r.time[100:130]
    support = tower_support(r, days, scale, 1)
    labelled = support.labelled[0].nonzero().flatten().tolist()
    assert labelled
    assert set(labelled) <= set(range(100, 130))
    assert tower_support(r, None, scale, 1).labelled.sum() == 0
    changed = dataclasses.replace(r, fluxes=torch.where(torch.arange(len(r.time))[:, None] < 100, 77.0, r.fluxes))
    assert torch.equal(tower_support(changed, days, scale, 1).series, support.series)


def test_bins_are_means_of_their_days(records):
    r = records[1]
    daily = tower_support(r, r.time, torch.ones(3), 1).series[0]
    binned = tower_support(r, r.time, torch.ones(3), 8).series[0]
    column = DRIVERS.index("TA")
    assert binned[3, column].item() == pytest.approx(daily[24:32, column].mean().item(), rel=1e-5)
    labels = 2 * len(DRIVERS)
    seen = daily[24:32, labels + 3] > 0
    assert binned[3, labels].item() == pytest.approx(daily[24:32, labels][seen].mean().item(), rel=1e-5)
