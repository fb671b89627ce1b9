"""The simulated towers: reproducible, physically possible, and different where their traits differ."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tamrl.cli.simulate import command
from tamrl.errors import TamrlError
from tamrl.schema import FLUXES, QC_VALID
from tamrl.simulation.carbon import lloyd_taylor
from tamrl.simulation.sites import MAX_SITES, make_sites
from tamrl.simulation.towers import SEED, SOURCE, simulate, simulate_truth
from tamrl.simulation.weather import running_mean, saturation
from tamrl.towers.archive import load_archive, record, validate
from tamrl.towers.workspace import bundled


@pytest.fixture(scope="module")
def archive():
    return simulate(20)


@pytest.fixture(scope="module")
def truth():
    return simulate_truth(40, SEED)


def mean_cycle(values, time):
    """Mean over years of each month, (..., 12)."""
    return np.stack([np.nanmean(values[..., time.month == month], axis=-1) for month in range(1, 13)], axis=-1)


def test_same_seed_same_towers_other_seed_other_towers(archive):
    assert archive.identical(simulate(20))
    other = simulate(20, SEED + 1)
    assert not np.array_equal(archive.GPP.values, other.GPP.values, equal_nan=True)


def test_a_tower_does_not_depend_on_how_many_are_asked_for(archive):
    for variable, values in simulate(5).data_vars.items():
        same = archive[variable].sel(site=values.site, time=values.time)
        np.testing.assert_array_equal(same.values, values.values, err_msg=variable)


def test_nothing_is_outside_its_bounds(archive):
    _, report = validate(archive)
    assert report["n_outside"].sum() == 0


def test_carbon_balances_exactly_in_float32(archive):
    gpp, reco, nee = (archive[name].values for name in FLUXES)
    assert np.isfinite(nee).sum() > 20_000
    np.testing.assert_array_equal(nee, reco - gpp)


def test_everything_says_simulated(archive):
    assert archive.attrs["simulated"] == 1
    assert "SIMULATED" in archive.attrs["title"]
    assert "SIMULATED" in archive.attrs["source"]
    assert all(str(name).startswith("Simulated ") for name in archive.name.values)
    assert all(str(site).startswith("XS-") for site in archive.site.values)


def test_records_are_four_to_six_years_with_gaps_and_poor_days(archive):
    for site in archive.site.values:
        tower = record(archive, site)
        assert 4 * 365 <= tower.sizes["time"] <= 6 * 366
        missing = np.isnan(tower.NEE.values)
        poor = tower.NEE_QC.values[~missing] < QC_VALID
        assert missing.mean() < 0.12
        assert 0.01 < poor.mean() < 0.25


def test_hemispheres_have_opposite_seasons(truth):
    sites, time, values = truth
    cycle = mean_cycle(values["TA"], time)
    seasonal = sites.half_range > 5
    north, south = cycle[seasonal & (sites.lat > 0)], cycle[seasonal & (sites.lat < 0)]
    assert (np.corrcoef(np.vstack([north, south]))[: len(north), len(north) :] < -0.8).all()


def test_uptake_follows_the_sun_in_forests_of_the_north(truth):
    sites, time, values = truth
    gpp, light = mean_cycle(values["GPP"], time), mean_cycle(values["SW_IN_POT"], time)
    for s in np.flatnonzero(np.isin(sites.igbp, ("DBF", "ENF", "MF")) & (sites.lat > 40)):
        assert np.corrcoef(gpp[s], light[s])[0, 1] > 0.7, sites.site[s]
        assert gpp[s].argmax() in (4, 5, 6, 7), sites.site[s]


def test_mediterranean_grass_grows_in_spring_and_dries_in_summer(truth):
    sites, time, values = truth
    dry = list(sites.site).index("XS-GR2")
    cycle = mean_cycle(values["GPP"][dry], time)
    assert cycle[3:5].mean() > 3 * cycle[7:9].mean()


def test_annual_sums_are_those_of_real_ecosystems(truth):
    """Ranges of FLUXNET towers, Baldocchi 2008, doi:10.1071/BT07151; tundra takes up less than 300."""
    sites, time, values = truth
    years = len(time) / 365.25
    gpp, nee = values["GPP"].sum(1) / years, values["NEE"].sum(1) / years
    assert gpp.min() > 80
    assert gpp.max() < 2700
    assert gpp[sites.igbp == "EBF"].mean() > gpp[sites.igbp == "OSH"].mean() + 1000
    assert nee.min() > -650
    assert nee.max() < 250


def test_traits_make_towers_of_one_class_and_weather_differ(truth):
    """Between two towers of a class the ratio of uptake to absorbed light differs, which no driver tells."""
    sites, _, values = truth
    light_use = values["GPP"].sum(1) / (values["SW_IN"] * (1 - np.exp(-0.5 * values["LAI"]))).sum(1)
    for igbp in ("ENF", "DBF", "GRA", "EBF"):
        group = light_use[sites.igbp == igbp]
        assert group.std() / group.mean() > 0.1, igbp


def test_clouds_link_radiation_temperature_range_and_rain(truth):
    _, _, values = truth
    wet, swing = values["P"] > 0, values["TA_MAX"] - values["TA_MIN"]
    assert (values["TA_MIN"] <= values["TA"]).all()
    assert (values["TA"] <= values["TA_MAX"]).all()
    assert (values["SW_IN"] <= values["SW_IN_POT"]).all()
    for name, field in (("clearness", values["CLEAR"]), ("range", swing), ("VPD", values["VPD"])):
        assert field[wet].mean() < 0.8 * field[~wet].mean(), name


def test_monthly_variables_are_constant_within_a_month(archive):
    tower = archive.isel(site=0)
    months = pd.DatetimeIndex(tower.time.values).to_period("M")
    for name in ("P_MON", "LAI", "EVI"):
        distinct = pd.Series(tower[name].values).groupby(months).nunique()
        assert distinct.max() == 1, name


def test_errors_are_laplacian_and_grow_with_the_flux(archive, truth):
    """A Laplace distribution has an excess kurtosis of 3; here at a fixed size of the flux."""
    sites, time, values = truth
    s = list(sites.site).index("XS-DB1")
    tower = archive.sel(site="XS-DB1")
    good = tower.NEE_QC.values >= QC_VALID
    true = values["NEE"][s][np.isin(time, archive.time.values)]
    error = (tower.NEE.values - true)[good]
    small, large = np.abs(true[good]) < 0.5, np.abs(true[good]) > 3
    assert np.nanstd(error[large]) > 2 * np.nanstd(error[small])
    quiet = error[small & np.isfinite(error)]
    assert ((quiet - quiet.mean()) ** 4).mean() / quiet.var() ** 2 - 3 > 1


def test_lloyd_taylor_and_saturation_known_values():
    """One at 10 degC by definition; FAO 56 table 2.3 gives 2.338 kPa at 20 degC."""
    rate = lloyd_taylor(np.array([[10.0, 20.0, -60.0, -20.0]]), np.array([308.56]))[0]
    np.testing.assert_allclose(rate[0], 1.0)
    np.testing.assert_allclose(rate[1], np.exp(308.56 * (1 / 56.02 - 1 / 66.02)))
    assert rate[2] == rate[3]
    np.testing.assert_allclose(saturation(np.array(20.0)), 23.38, atol=0.01)


def test_running_mean_forgets_at_its_time_scale():
    step = np.concatenate([np.zeros(1), np.ones(200)])[None]
    out = running_mean(step, np.array([10.0]))[0]
    assert out[0] == 0
    np.testing.assert_allclose(out[10], 1 - np.exp(-1), atol=1e-6)


@pytest.mark.parametrize("n", [0, MAX_SITES + 1])
def test_too_few_or_too_many_towers_is_an_error_that_says_the_range(n):
    with pytest.raises(TamrlError, match=f"1 to {MAX_SITES}"):
        make_sites(n, SEED)


def test_the_command_writes_a_small_workspace_and_again_the_same(tmp_path):
    folder = tmp_path / "demo"
    for _ in range(2):
        done = CliRunner().invoke(command, ["--workspace", str(folder), "--towers", "6"], catch_exceptions=False)
        assert done.exit_code == 0
        assert "6 SIMULATED towers" in done.output
    saved = load_archive(folder / "archive.zarr")
    assert saved.sizes["site"] == 6
    np.testing.assert_array_equal(saved.NEE.values, simulate(6).NEE.values)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < 6 * 60_000


def test_the_bundled_towers_name_the_code_that_made_them():
    assert bundled("demo").archive().attrs["source"] == simulate(1).attrs["source"] == SOURCE
