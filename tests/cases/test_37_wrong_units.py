"""Units that make values too small are found as those too large are: case 37 and its kind."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.towers.archive import Tower, load_archive, record
from tamrl.towers.derived import complete
from tamrl.towers.screen import screen

DAYS = 400


def table(days: int = DAYS) -> pd.DataFrame:
    """Return a plausible year and a month of a temperate tower in the units of the schema, NEE = RECO - GPP."""
    time = pd.date_range("2019-01-01", periods=days)
    s = 0.5 - 0.5 * np.cos(2 * np.pi * (time.day_of_year.to_numpy() - 15) / 365)
    noise = np.random.default_rng(1).normal(0, 1, days)
    gpp, reco = 0.2 + 9 * s, 1 + 4 * s
    values = {
        "GPP": gpp,
        "RECO": reco,
        "NEE": reco - gpp,
        "NEE_QC": np.clip(0.9 + 0.05 * noise, 0, 1),
        "TA": 2 + 16 * s + noise,
        "SW_IN": 40 + 180 * s,
        "VPD": 1 + 8 * s,
        "LW_IN": 300 + 10 * noise,
        "PA": 98 + 0.3 * noise,
        "P": np.random.default_rng(2).gamma(0.3, 6, days),
        "WS": 2.5 + 0.5 * np.abs(noise),
        "CO2": 410 + 5 * noise,
        "SWC": 25 + 3 * noise,
        "LAI": 0.5 + 3 * s,
        "EVI": 0.15 + 0.4 * s,
        "FAPAR": 0.2 + 0.5 * s,
    }
    return pd.DataFrame(values, index=time)


def screened(values: pd.DataFrame, lat: float = np.nan):
    tower = Tower(site="DE-Mmm", table=values.copy(), lat=lat)
    return tower, screen([tower])


def test_what_is_right_is_left_as_it_is():
    values = table()
    for lat in (np.nan, 50.0):
        tower, found = screened(values, lat)
        assert (found.rows, found.doubts, found.constants, tower.notes) == ([], [], [], [])
        pd.testing.assert_frame_equal(tower.table, values.astype(np.float32), check_freq=False)


@pytest.mark.parametrize(
    ("name", "factor", "offset", "likely"),
    [
        ("SW_IN", 0.0864, 0, "MJ m-2 d-1"),
        ("SW_IN", 0.001, 0, "kW m-2"),
        ("SW_IN", 86_400, 0, "J m-2"),
        ("SW_IN", 0.024, 0, "kWh m-2 d-1"),
        ("VPD", 0.1, 0, "kPa"),
        ("VPD", 100, 0, "Pa"),
        ("P", 1e-3, 0, "likely m"),
        ("P", 1 / 86_400, 0, "kg m-2 s-1"),
        ("P", 1e-3 / 86_400, 0, "m s-1"),
        ("PA", 1000, 0, "Pa"),
        ("PA", 10, 0, "hPa"),
        ("PA", 1 / 101.325, 0, "atm"),
        ("TA", 1, 273.15, "kelvin"),
        ("TA", 10, 0, "0.1 degC"),
        ("TA", 1.8, 32, "degF"),
        ("CO2", 1e-6, 0, "mol mol-1"),
        ("CO2", 1.83, 0, "mg m-3"),
        ("SWC", 0.01, 0, "m3 m-3"),
        ("LAI", 100, 0, "likely %"),
        ("LAI", 10, 0, "0.1"),
        ("EVI", 1e4, 0, "1e-4"),
        ("EVI", 1e-4, 0, "scaled twice"),
        ("FAPAR", 100, 0, "likely %"),
        ("NEE_QC", 100, 0, "percent"),
        ("GPP", 1 / 86_400, 0, "gC m-2 s-1"),
        ("GPP", 1e-3, 0, "kgC m-2 d-1"),
        ("NEE", 1e-3, 0, "kgC m-2 d-1"),
        ("RECO", 1 / 86_400, 0, "gC m-2 s-1"),
        ("LW_IN", 0.0864, 0, "MJ m-2 d-1"),
        ("GPP", -1, 0, "sign is reversed"),
        ("NEE", -1, 0, "sign is reversed"),
    ],
)
def test_another_unit_is_found_and_the_variable_set_aside(name, factor, offset, likely):
    values = table()
    values[name] = values[name] * factor + offset
    tower, found = screened(values)
    failed = [row for row in found.rows if row["failed"]]
    assert [row["variable"] for row in failed] == [name]
    assert likely in failed[0]["reason"]
    assert tower.table[name].isna().all()
    assert tower.table.drop(columns=name).notna().to_numpy().any(axis=0).all()


@pytest.mark.parametrize(("name", "factor"), [("P", 1 / 25.4), ("WS", 3.6), ("SW_IN", 2.04), ("GPP", 44.009 / 12.011)])
def test_a_unit_that_may_be_is_doubted_and_kept(name, factor):
    values = table()
    values[name] *= factor
    tower, found = screened(values, 50.0)
    assert name in {doubt[1] for doubt in found.doubts} | {row["variable"] for row in found.rows if row["failed"]}
    doubted = name in {doubt[1] for doubt in found.doubts}
    # Nothing in between: what is kept is kept as a whole.
    assert tower.table[name].notna().all() if doubted else tower.table[name].isna().all()


def test_flags_instead_of_shares_are_found():
    values = table()
    values["NEE_QC"] = np.resize([0.0, 0, 0, 0, 0, 0, 0, 1, 0, 2], DAYS)
    _, found = screened(values)
    assert "flag 0 to 3" in found.rows[0]["reason"]
    values["NEE_QC"] = np.resize([0.0, 1.0], DAYS)
    _, found = screened(values)
    assert found.rows == []
    assert "0 and 1 alone" in found.constants[0][1]


def test_percent_with_many_zeros_is_no_share():
    values = table()
    values["NEE_QC"] = np.resize([0.0, 0.0, 0.0, 80.0], DAYS)
    tower, found = screened(values)
    assert found.rows[0]["failed"]
    assert tower.table["NEE_QC"].isna().all()


def test_a_constant_is_kept_and_said():
    values = table().assign(PA=98.0, P=2.0)
    tower, found = screened(values)
    assert found.constants == [
        ("DE-Mmm", "the same value on all days, kept as read (PA 98, P 2): measured, or a placeholder?")
    ]
    assert (tower.table["PA"] == 98).all()


def test_polar_night_and_a_short_winter_are_not_doubted():
    dark = table()[:60].assign(SW_IN=0.0, GPP=0.0, P=0.0)
    assert screened(dark, 78.0)[1].rows == []
    assert screened(dark)[1].doubts == []


def test_nothing_is_derived_from_a_flux_that_failed():
    values = table().drop(columns="RECO").assign(GPP=lambda d: d["GPP"] / 86_400)
    tower, found = screened(values)
    done = complete(tower, found.failed("DE-Mmm"))
    assert "RECO" not in done.table
    turned = Tower(site="DE-Mmm", table=table().drop(columns="RECO").assign(NEE=lambda d: -d["NEE"]))
    assert "RECO" not in complete(turned).table
    assert "check the signs" in turned.faults[0]


def test_monthly_precipitation_is_not_made_of_metres():
    tower, found = screened(table().assign(P=lambda d: d["P"] / 1000))
    assert complete(tower, found.failed("DE-Mmm")).table.get("P_MON", pd.Series([np.nan])).isna().all()


NAMES = {
    "GPP": "GPP_NT_VUT_REF",
    "RECO": "RECO_NT_VUT_REF",
    "NEE": "NEE_VUT_REF",
    "NEE_QC": "NEE_VUT_REF_QC",
    "TA": "TA_F",
    "SW_IN": "SW_IN_F",
    "VPD": "VPD_F",
    "LW_IN": "LW_IN_F",
    "PA": "PA_F",
    "P": "P_F",
    "WS": "WS_F",
    "CO2": "CO2_F_MDS",
    "SWC": "SWC_F_MDS_1",
}


def run(folder, values: pd.DataFrame):
    there = values.drop(columns=[name for name in values if name not in NAMES]).rename(columns=NAMES)
    there.insert(0, "TIMESTAMP", values.index.strftime("%Y%m%d"))
    there.to_csv(folder / "FLX_DE-Mmm_FLUXNET2015_SUBSET_DD_2019-2020_1-4.csv", index=False)
    done = CliRunner().invoke(main, ["ingest", str(folder), "-w", str(folder / "w")])
    return done.exit_code, done.output


def test_the_case_itself_on_the_command_line(tmp_path):
    values = table().assign(
        VPD=lambda d: d["VPD"] / 10,
        PA=lambda d: d["PA"] * 10,
        SW_IN=lambda d: d["SW_IN"] * 0.0864,
        P=lambda d: d["P"] / 1000,
        SWC=lambda d: d["SWC"] / 100,
    )
    code, text = run(tmp_path, values)
    assert code == 1
    for part in ("SW_IN: its mean", "likely MJ", "likely kPa", "likely hPa", "likely m:", "likely m3 m-3"):
        assert part in text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "DE-Mmm")
    assert all(tower[name].isnull().all() for name in ("VPD", "PA", "SW_IN", "P", "SWC") if name in tower)
    assert tower["GPP"].notnull().all()
    assert "P_MON" not in tower


def test_fills_separators_and_text_on_the_command_line(tmp_path):
    values = table().astype(object)
    values.iloc[:3, values.columns.get_loc("TA")] = [-6999, 1e20, 9.96921e36]
    values.iloc[3:5, values.columns.get_loc("WS")] = [-9999.9, 9999]
    values["SW_IN"] = [f"1,{v:05.1f}" for v in values["SW_IN"]]
    values["CO2"] = "off"
    code, text = run(tmp_path, values)
    assert code == 1
    assert "SW_IN_F: 400 of 400 cells are not numbers" in text
    assert "without separators of thousands" in text
    assert "CO2_F_MDS: 400 of 400 cells are not numbers, the first is 'off'" in text
    for fill in ("-6999", "1e+20", "9.96921e+36", "-9999.9", "9999"):
        assert f"1 values of {fill} (" in text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "DE-Mmm")
    assert tower["TA"].isnull().values[:4].tolist() == [True, True, True, False]
    assert tower["WS"].isnull().values[2:6].tolist() == [False, True, True, False]
