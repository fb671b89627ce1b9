"""The audit: quiet on towers in order, loud where months, units, signs or places are wrong."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tamrl.bundled import bundled_folder
from tamrl.cli.main import main
from tamrl.globe.earth import load_earth
from tamrl.simulation.towers import simulate
from tamrl.towers import audit
from tamrl.towers.archive import build, load_archive
from tamrl.towers.checks import validate
from tamrl.towers.readers.tables import read_tables
from tamrl.towers.seasons import amplitude, correlation, peak

TEXT_ORDER = sorted(range(1, 13), key=str)


@pytest.fixture(scope="module")
def simulated():
    return simulate(12).load()


def text_order(monthly: pd.DataFrame) -> pd.DataFrame:
    """Put LAI and EVI on the months of each year in the order that months have as text: 1, 10, 11, 12, 2, ... 9."""
    rows = monthly.sort_values(["site", "TIMESTAMP"]).reset_index(drop=True)
    for _, year in rows.groupby(["site", rows["TIMESTAMP"] // 100]):
        as_text = (year["TIMESTAMP"] % 100).astype(str).sort_values().index
        rows.loc[year.index, ["LAI", "EVI"]] = rows.loc[as_text, ["LAI", "EVI"]].to_numpy()
    return rows


def in_text_order(ds, names=("LAI", "EVI")):
    """Do the same to the monthly values of an archive whose days repeat them."""
    out = ds.copy(deep=True)
    time = pd.DatetimeIndex(ds.time.values)
    source = pd.to_datetime({"year": time.year, "month": np.array(TEXT_ORDER)[time.month - 1], "day": 15})
    for name in names:
        out[name].values[:] = ds[name].reindex(time=source.to_numpy()).values
    return out


def verdicts(ds, check: str) -> pd.Series:
    rows = audit.audit(ds, load_earth())
    return rows[rows["check"] == check].set_index("site")["verdict"]


def faults(ds) -> set[str]:
    summary = audit.summarise(audit.audit(ds, load_earth()))
    return set(summary.loc[summary["fault"], "check"])


def test_text_order_is_the_fault_of_the_published_table():
    assert TEXT_ORDER == [1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9]
    months = pd.DataFrame({"site": "A", "TIMESTAMP": range(200001, 200013), "LAI": range(1, 13), "EVI": range(1, 13)})
    assert text_order(months)["LAI"].tolist() == TEXT_ORDER
    part = text_order(months.iloc[[0, 1, 9]])
    assert part["EVI"].tolist() == [1, 10, 2]


def test_the_bundled_simulated_towers_raise_no_alarm():
    ds = load_archive(bundled_folder("demo") / "archive.zarr").load()
    assert faults(ds) == set()


def test_scrambled_months_are_a_fault_of_the_file(simulated):
    assert faults(simulated) == set()
    found = faults(in_text_order(simulated))
    assert {"LAI and GPP", "EVI and GPP"} <= found
    assert found <= {f"{leaf} and {other}" for leaf in ("LAI", "EVI") for other in ("GPP", "TA", "SW_IN_POT")}
    rows = audit.audit(in_text_order(simulated))
    text = audit.summarise(rows).set_index("check").loc["EVI and GPP"]
    assert text["words"].startswith("EVI follows GPP with r = ")
    assert text["words"].endswith("expected above 0.5")
    assert f"{text['median']:.2f}" in text["words"]


def test_a_few_towers_alone_are_no_fault_of_the_file(simulated):
    one = simulated.copy(deep=True)
    row = int(np.flatnonzero(verdicts(simulated, "LAI and GPP") == "agrees")[0])
    one["LAI"].values[row] = in_text_order(simulated)["LAI"].values[row]
    rows = audit.audit(one)
    summary = audit.summarise(rows)
    assert not summary["fault"].any()
    site = str(one.site.values[row])
    assert any(text.startswith("LAI follows GPP with r = ") for text in audit.notes(rows, site, set()))
    assert audit.notes(rows, site, {"LAI and GPP", "LAI and TA", "LAI and SW_IN_POT"}) == []
    few = audit.summarise(rows[rows["site"] == site])
    assert not few["fault"].any()  # one tower is no majority of a file


def test_units_and_season_of_radiation(simulated):
    assert (verdicts(simulated, "SW_IN / SW_IN_POT") == "agrees").all()
    wrong = simulated.assign(SW_IN=simulated["SW_IN"] * 2.1)
    assert (verdicts(wrong, "SW_IN above SW_IN_POT") == "contradicts").mean() > 0.9
    assert (verdicts(wrong, "SW_IN / SW_IN_POT") == "contradicts").mean() > 0.5
    small = simulated.assign(SW_IN=simulated["SW_IN"] * 0.0864)  # MJ m-2 d-1
    assert (verdicts(small, "SW_IN / SW_IN_POT") == "contradicts").all()
    late = simulated.assign(SW_IN=simulated["SW_IN"].shift(time=60))
    season = verdicts(late, "season of SW_IN")
    assert (season != "not judged").any()
    assert (season[season != "not judged"] == "contradicts").all()


def test_temperature_of_another_place_or_half_a_year_off(simulated):
    earth = load_earth()
    near = np.abs(simulated.lat.values) > 30
    sites = simulated.isel(site=near)
    rows = audit.audit(sites.assign(TA=sites["TA"] + 20), earth)
    assert (rows[rows["check"] == "TA of the place"]["verdict"] == "contradicts").mean() > 0.5
    turned = verdicts(sites.assign(TA=sites["TA"].shift(time=182)), "season of TA")
    assert (turned[turned != "not judged"] == "contradicts").all()
    assert (turned != "not judged").any()
    without = audit.audit(sites)
    assert not without["check"].str.contains("of the place|season of TA").any()


def test_precipitation_is_judged_only_against_another_source(simulated):
    own = simulated["P"].groupby("time.month").mean()  # a climatology: another source that agrees
    other = own.sel(month=simulated["time.month"]).drop_vars("month").transpose("site", "time")
    ten = verdicts(simulated.assign(P_MON=other * 10), "P / P_MON")
    assert (ten == "contradicts").all()
    agrees = verdicts(simulated.assign(P_MON=other), "P / P_MON")
    assert (agrees == "agrees").all()
    time = pd.DatetimeIndex(simulated.time.values)
    same = simulated["P"].to_series().unstack("site").groupby(time.to_period("M")).transform("mean")
    assert (verdicts(simulated.assign(P_MON=(("time", "site"), same)), "P and P_MON") == "not judged").all()


def test_a_reversed_nee_is_a_fault_of_the_file(simulated):
    assert "NEE and RECO - GPP" in faults(simulated.assign(NEE=-simulated["NEE"]))


def test_evergreen_tropics_and_quiet_places_are_not_judged(simulated):
    flat = simulated.assign(GPP=simulated["GPP"] * 0 + 6)
    assert (verdicts(flat, "LAI and GPP") == "not judged").all()


def test_correlation_amplitude_and_peak_are_what_numpy_says():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 3, 40))
    a[0, :5] = np.nan
    r, n = correlation(a, b)
    assert n.tolist() == [35, 40, 40]
    np.testing.assert_allclose(
        r, [np.corrcoef(x[np.isfinite(x)], y[np.isfinite(x)])[0, 1] for x, y in zip(a, b, strict=True)]
    )
    assert np.isnan(correlation(a[:, :8], b[:, :8])[0]).all()
    assert np.isnan(correlation(a * 0, b)[0]).all()
    cycle = 3 + 2 * np.cos(2 * np.pi * (np.arange(12) - 6) / 12)[None]
    assert amplitude(cycle)[0] == pytest.approx(4)
    assert abs(peak(cycle)[0]) == pytest.approx(365.25 / 2)


@pytest.fixture(scope="module")
def real(shared_data):
    return validate(build(read_tables(shared_data / "fluxnet2015").towers))[0]


def test_real_towers_are_in_order(real):
    rows = audit.audit(real, load_earth())
    summary = audit.summarise(rows).set_index("check")
    assert not summary["fault"].any()
    assert (summary["contradicting"] < 0.15).all()
    assert (summary.loc[["LAI and GPP", "EVI and GPP"], "median"] > 0.7).all()
    assert (summary["n"] >= 50).all()


def test_real_towers_in_text_order_are_a_fault_on_top_of_the_report(shared_data, tmp_path):
    source, folder = shared_data / "fluxnet2015", tmp_path / "in"
    folder.mkdir()
    months = pd.read_parquet(source / "monthly.parquet")
    sites = sorted(months["site"].unique())[::5]
    daily = pd.read_parquet(source / "daily.parquet", filters=[("site", "in", sites)])
    daily.to_parquet(folder / "daily.parquet")
    text_order(months[months["site"].isin(sites)]).to_parquet(folder / "monthly.parquet")
    table = pd.read_csv(source / "sites.csv")
    key = next(c for c in table.columns if table[c].isin(sites).any())
    table[table[key].isin(sites)].to_csv(folder / "sites.csv", index=False)
    result = CliRunner().invoke(main, ["ingest", str(folder), "-w", str(tmp_path / "w")])
    assert result.exit_code == 1
    first, *lines = result.output.splitlines()
    assert first.startswith("FAULT OF THE FILE")
    assert any(line.strip().startswith("EVI follows GPP with r = -0.") for line in lines[:7])
    assert load_archive(tmp_path / "w" / "archive.zarr").sizes["site"] == len(sites)  # kept
