"""Monthly archives: means of months, what they need, and the way through archive, training and prediction."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.config import Config, ModelConfig
from tamrl.errors import TamrlError
from tamrl.globe.earth import STATIC_DRIVERS, at_positions, load_earth
from tamrl.model.checkpoint import load_ensemble
from tamrl.model.training_towers import load_reference
from tamrl.predict.ensemble import predict
from tamrl.protocol.support_days import plan
from tamrl.simulation.towers import simulate
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.archive import Tower, build, load_archive, merge, record, save_archive
from tamrl.towers.monthly import to_monthly
from tamrl.towers.quality import valid_days
from tamrl.towers.workspace import Workspace
from tamrl.training.ensemble import EnsembleTrainer


@pytest.fixture(scope="module")
def daily():
    return simulate(6)


@pytest.fixture(scope="module")
def monthly(daily):
    return to_monthly(daily, load_earth())


def test_a_month_is_the_mean_of_its_days(daily, monthly):
    site = daily.site.values[2]
    for name in ("GPP", "NEE", "TA"):
        days = daily[name].sel(site=site).to_series()
        groups = days.groupby(days.index.to_period("M"))
        expected = groups.mean().where(groups.count() >= 0.8 * groups.size())
        np.testing.assert_allclose(monthly[name].sel(site=site).values, expected.to_numpy(), rtol=1e-5, atol=1e-6)
    assert step_of(monthly) == TimeStep.MONTHLY
    assert (pd.DatetimeIndex(monthly.time.values).day == 1).all()


def test_days_without_quality_count_as_not_observed():
    days = pd.date_range("2001-01-01", "2001-02-28")
    quality = np.where(days.month == 1, 1.0, np.nan)
    quality[40:50] = 1.0
    table = pd.DataFrame({"GPP": 1.0, "RECO": 1.0, "NEE": 0.0, "NEE_QC": quality}, index=days)
    made = to_monthly(build([Tower(site="XX-Abc", table=table)]))
    np.testing.assert_allclose(made["NEE_QC"].values[0], [1.0, 10 / 28], rtol=1e-6)


def test_a_month_with_too_few_days_is_missing_and_not_a_mean_of_the_rest():
    days = pd.date_range("2001-01-01", "2001-03-31")
    gpp = np.ones(len(days))
    gpp[3:20] = np.nan
    table = pd.DataFrame({"GPP": gpp, "NEE_QC": 1.0}, index=days)
    made = to_monthly(build([Tower(site="XX-Abc", table=table)]))["GPP"].values[0]
    assert np.isnan(made[0])
    assert (made[1:] == 1).all()


def test_static_drivers_come_from_the_position_and_stay_within_the_record(daily, monthly):
    earth = load_earth()
    expected = at_positions(earth, daily.lat.values, daily.lon.values)
    for name in STATIC_DRIVERS:
        values = monthly[name].values
        known = np.isfinite(values)
        assert (known.any(axis=1) == np.isfinite(expected[name])).all()
        for row in range(len(values)):
            if known[row].any():
                np.testing.assert_allclose(values[row][known[row]], expected[name][row], rtol=1e-6)


def test_a_monthly_archive_is_saved_and_does_not_mix_with_days(daily, monthly, tmp_path):
    save_archive(monthly, tmp_path / "a.zarr")
    opened = load_archive(tmp_path / "a.zarr")
    assert step_of(opened) == TimeStep.MONTHLY
    np.testing.assert_array_equal(opened["GPP"].values, monthly["GPP"].values)
    with pytest.raises(TamrlError, match="monthly"):
        merge(opened, daily)
    with pytest.raises(TamrlError, match="monthly already"):
        to_monthly(monthly)
    with pytest.raises(TamrlError, match="one ascending step a month"):
        save_archive(monthly.isel(time=[0, 2]), tmp_path / "b.zarr")


def test_supports_of_a_monthly_tower_are_months(monthly):
    tower = record(monthly, monthly.site.values[0])
    days = plan(tower, "random", (0, 30, 90))
    assert [len(days.supports[n]) for n in (0, 30, 90)] == [0, 1, 3]
    assert "months" in days.rule
    assert (valid_days(tower) >= days.scored).all()


def test_a_monthly_model_is_trained_remembers_its_towers_and_reads_months_alone(daily, monthly, tmp_path):
    save_archive(monthly, tmp_path / "a.zarr")
    model = ModelConfig(
        drivers=("TA", "P_MON", "SW_IN_POT", "NDVI_MAX"),
        step=TimeStep.MONTHLY,
        encoder_bin=1,
        code=4,
        embed=8,
        hidden=8,
        encoder_hidden=4,
    )
    train = dataclasses.replace(Config().train, sequence=24, spin_up=2, steps=20, validate_every=10, batch=8)
    sites = monthly.site.values.tolist()
    trainer = EnsembleTrainer(
        tmp_path / "a.zarr", tmp_path / "m", Config(model, train), members=2, exclude=sites[-1:], device="cpu"
    )
    assert trainer.run_here(lambda p: None, lambda: False)
    ensemble = load_ensemble(tmp_path / "m")
    made = predict(ensemble, record(monthly, sites[-1]))
    assert np.isfinite(made["NEE"].values).all()
    assert made.sizes["time"] == record(monthly, sites[-1]).sizes["time"]
    with pytest.raises(TamrlError, match="The model is monthly, the tower's record is daily"):
        predict(ensemble, record(daily, sites[-1]))
    with pytest.raises(TamrlError, match="the model is to be daily"):
        EnsembleTrainer(tmp_path / "a.zarr", tmp_path / "n", Config(), members=1, device="cpu")
    reference = load_reference(tmp_path / "m")
    assert reference.sites == ensemble.training_sites
    assert reference.codes.shape == (2, 5, 4)


def test_the_command_never_replaces_a_daily_archive(daily, tmp_path):
    source, other = (Workspace.create(tmp_path / name, simulated=True) for name in ("w", "other"))
    save_archive(daily, source.archive_path)
    save_archive(daily.isel(site=[0]), other.archive_path)
    (tmp_path / "link").symlink_to(source.path)
    for out, text in ((source.path, "would replace"), (tmp_path / "link", "would replace"), (other.path, "daily arch")):
        done = CliRunner().invoke(main, ["aggregate", "-w", str(source.path), "--out", str(out), "--no-earth"])
        assert done.exit_code != 0
        assert text in str(done.output) + str(done.exception)
    assert source.step() == other.step() == TimeStep.DAILY
    assert source.archive().sizes == daily.sizes
    assert other.archive().sizes["site"] == 1
    assert source.provenance() == other.provenance() == []
    again = ["aggregate", "-w", str(source.path), "--out", str(tmp_path / "m"), "--no-earth"]
    assert CliRunner().invoke(main, again).exit_code == 0
    assert CliRunner().invoke(main, again).exit_code == 0
    assert Workspace.open(tmp_path / "m").step() == TimeStep.MONTHLY


def test_the_command_makes_a_workspace_of_months(daily, tmp_path):
    source = Workspace.create(tmp_path / "w", simulated=True)
    save_archive(daily, source.archive_path)
    done = CliRunner().invoke(main, ["aggregate", "-w", str(source.path), "--out", str(tmp_path / "m")])
    assert done.exit_code == 0, done.output
    made = Workspace.open(tmp_path / "m")
    assert made.simulated
    assert made.step() == TimeStep.MONTHLY
    assert source.step() == TimeStep.DAILY
    assert "NDVI_MAX" in made.archive()
