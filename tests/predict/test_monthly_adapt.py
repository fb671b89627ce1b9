"""Adaptation of a monthly model, and its files: lengths in months where a daily model has days."""

import math
import warnings

import monthly_workspace
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.baselines.maml import MAML
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.adapt import adapt
from tamrl.predict.ensemble import member_records
from tamrl.predict.finetune import MODULATION_SPREAD, cut_window, held_back_days
from tamrl.predict.methods import AdaptSettings, finetune
from tamrl.predict.output import adaptation_dataset, before_after
from tamrl.protocol.support_days import support_days
from tamrl.timestep import TimeStep
from tamrl.towers.archive import record


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return monthly_workspace.make(tmp_path_factory.mktemp("monthly"))


@pytest.fixture(scope="module")
def ensemble(made):
    return load_ensemble(made[0].path / "models" / "tiny")


@pytest.fixture(scope="module")
def unseen(made):
    return record(made[0].archive(), made[1][0])


def test_a_month_counts_as_one_observation_and_the_stretch_begins_four_months_before(ensemble, unseen):
    support = support_days(unseen, 12, skip=10)
    task = cut_window(ensemble, member_records(ensemble, unseen)[0], support, 0.2)
    assert task.independent == 1
    time = pd.DatetimeIndex(unseen.time.values)
    first, last = time.get_loc(support[0]), time.get_loc(support[-1])
    assert task.drivers.shape[1] == last - first + 1 + 4
    assert ((task.fit + task.held).amax(-1) > 0).sum() == 12


def test_the_prior_widens_with_the_days_of_the_months(ensemble, unseen, monkeypatch):
    seen = []
    shift = finetune.FineTune

    def spy(member, code, factor, spread, **kwargs):
        seen.append(spread)
        return shift(member, code, factor, spread, **kwargs)

    monkeypatch.setattr(finetune, "FineTune", spy)
    for months, share in ((3, 91 / 365), (18, 1.0)):
        seen.clear()
        adapt(ensemble, unseen, support_days(unseen, months), AdaptSettings(method="modulation", steps=2))
        assert set(seen) == {MODULATION_SPREAD * math.sqrt(share)}


@pytest.mark.parametrize("count", [2, 5, 12, 24])
def test_months_held_back_leave_most_to_fit(count):
    held = held_back_days(count, 0.2, TimeStep.MONTHLY)
    assert 1 <= held.sum() <= max(1, count // 4)
    assert not held[0]
    # In two years not always the same month of the year.
    assert count < 24 or len(set(np.flatnonzero(held) % 12)) == held.sum()


def test_files_say_that_they_hold_months(ensemble, unseen, tmp_path):
    result = adapt(ensemble, unseen, support_days(unseen, 6))
    made = adaptation_dataset(result)
    assert made.attrs["frequency"] == "1MS"
    assert made["support"].attrs["long_name"] == "Month used for adaptation"
    assert int(made["support"].sum()) == 6
    assert made["GPP_adapted"].attrs["cell_methods"] == "time: mean"
    assert made["GPP_adapted_sd"].attrs["cell_methods"] == "time: mean member: standard_deviation"
    assert "month" in made["time"].attrs["long_name"]
    begin, end = (pd.DatetimeIndex(made["time_bnds"].values[:, i]) for i in (0, 1))
    assert begin.equals(pd.DatetimeIndex(unseen.time.values))
    assert end.equals(begin + pd.offsets.MonthBegin())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        made.to_netcdf(tmp_path / "months.nc")
    with xr.open_dataset(tmp_path / "months.nc") as back:
        assert pd.DatetimeIndex(back["time"].values).equals(begin)
        assert pd.DatetimeIndex(back["time_bnds"].values[:, 1]).equals(end)
    table = before_after(result)
    assert table["n"].eq(int(made["scored"].sum())).all()


def test_nothing_to_adapt_to_is_said_in_months(ensemble, unseen):
    from tamrl.errors import TamrlError

    with pytest.raises(TamrlError, match="support months"):
        adapt(ensemble, unseen, pd.DatetimeIndex(["1950-01-01"]))


def test_supports_of_meta_training_are_at_most_a_year_of_months(ensemble, unseen):
    model = MAML(ensemble.config.model.drivers, ensemble.config)
    place = member_records(ensemble, unseen)[0]
    rng = np.random.default_rng(0)
    counts = [int(model._task(place, rng)[0].sum()) for _ in range(300)]
    assert min(counts) == 1
    assert max(counts) == 12
