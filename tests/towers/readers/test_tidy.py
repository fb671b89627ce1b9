import numpy as np
import pandas as pd
import pytest
import tidy_files
from step_files import fluxnet_steps
from tower_files import ingest as run
from tower_files import name, write_dd, write_table

from tamrl.errors import TamrlError
from tamrl.towers.archive import record
from tamrl.towers.ingest import ingest
from tamrl.towers.readers import tidy
from tamrl.towers.readers.column_map import Column, ColumnMap
from tamrl.towers.readers.subdaily import TO_DAILY_CARBON
from tamrl.towers.workspace import Workspace


def one(path, **changes):
    """Read a table of one tower by its guess."""
    columns = tidy.offer(path).columns.check("guess")
    (tower,) = tidy.read_tidy(path, ColumnMap(**{**vars(columns), **changes})).towers
    return tower


def agrees(tower):
    """A tower has the values of ``tidy_files.fluxes``."""
    known = tidy_files.fluxes(len(tower.table))
    known.index = known.index.as_unit("ns")
    assert set(tower.table.columns) == set(known.columns)
    pd.testing.assert_frame_equal(
        tower.table[list(known.columns)], known.astype(np.float32), rtol=1e-4, atol=1e-3, check_freq=False
    )


def csv(sep, **how):
    return lambda path, table: table.to_csv(path, sep=sep, index=False, **how)


@pytest.mark.parametrize(
    ("file", "write"),
    [
        ("own.csv", csv(",")),
        ("own.csv.gz", csv(",")),
        ("own.csv", csv(";", decimal=",")),
        ("own.tsv", csv("\t")),
        ("own.txt", csv("|")),
        ("own.csv", csv(",", encoding="cp1252")),
        ("own.parquet", lambda path, table: table.to_parquet(path)),
        ("own.xlsx", tidy_files.write_xlsx),
    ],
)
def test_any_tidy_table_becomes_the_same_tower(tmp_path, file, write):
    table = tidy_files.own()
    if file == "own.xlsx":
        table["Date"] = pd.to_datetime(table["Date"], dayfirst=True)
    write(tmp_path / file, table)
    tower = one(tmp_path / file)
    assert tower.site == "XX-Abc"
    agrees(tower)
    said = "; ".join(tower.notes)
    assert "SW_IN: column Rg_MJ converted from MJ m-2 d-1 to W m-2" in said
    assert "NEE: column NEP [umol m-2 s-1] converted from umol m-2 s-1 to gC m-2 d-1 with the sign reversed" in said
    assert "columns that are not read: LE" in said


def test_columns_separated_by_spaces_below_a_comment(tmp_path):
    lines = ["# made up", "Year DOY TA NEE"] + [f"2019 {day}   {day / 10:.1f}\t-1.5" for day in range(1, 61)]
    (tmp_path / "AT-Neu.txt").write_text("\n".join(lines) + "\n")
    tower = one(tmp_path / "AT-Neu.txt")
    assert tower.site == "AT-Neu"
    assert list(tower.table.index[[0, -1]].strftime("%Y-%m-%d")) == ["2019-01-01", "2019-03-01"]
    np.testing.assert_allclose(tower.table["TA"], np.arange(1, 61) / 10, rtol=1e-6)


def test_a_row_of_units_is_not_a_row_of_values(tmp_path):
    table = tidy_files.fluxes(60)[["TA", "NEE"]].reset_index()
    table["TA"] += 273.15
    text = table.to_csv(index=False).split("\n", 1)
    (tmp_path / "AT-Neu_own.csv").write_text(f"{text[0]}\n-,K,gC m-2 d-1\n{text[1]}")
    tower = one(tmp_path / "AT-Neu_own.csv")
    assert len(tower.table) == 60
    np.testing.assert_allclose(tower.table["TA"], tidy_files.fluxes(60)["TA"], atol=1e-3)


def test_many_towers_in_one_table(tmp_path):
    table = pd.concat([tidy_files.own(50, "XX-Abc"), tidy_files.own(40, "XX-Def")])
    table.to_csv(tmp_path / "all.csv", index=False)
    reading = tidy.read_tidy(tmp_path / "all.csv", tidy.offer(tmp_path / "all.csv").columns)
    assert {tower.site: len(tower.table) for tower in reading.towers} == {"XX-Abc": 50, "XX-Def": 40}


def test_a_table_of_one_tower_without_an_id_is_named_after_its_file(tmp_path):
    tidy_files.own(50).drop(columns="Station").to_csv(tmp_path / "my meadow.csv", index=False)
    reading = tidy.read_tidy(tmp_path / "my meadow.csv", tidy.offer(tmp_path / "my meadow.csv").columns)
    assert [tower.site for tower in reading.towers] == ["my-meadow"]
    assert any("my-meadow, the name of the file" in note for note in reading.notes)


@pytest.mark.parametrize("ends", [False, True])
def test_half_hours_become_the_same_days_as_those_of_fluxnet(tmp_path, ends):
    steps = fluxnet_steps(days=30)
    begin = pd.to_datetime(steps["TIMESTAMP_START"], format="%Y%m%d%H%M")
    table = pd.DataFrame(
        {
            "when": (begin + pd.Timedelta(minutes=30 * ends)).dt.strftime("%d/%m/%Y %H:%M"),
            "NEE": steps["NEE_VUT_REF"],
            "NEE_QC": steps["NEE_VUT_REF_QC"],
            "GPP": steps["GPP_NT_VUT_REF"],
            "Tair_K": steps["TA_F"] + 273.15,
            "Rg": steps["SW_IN_F"],
            "VPD_kPa": steps["VPD_F"] / 10,
            "Rain_mm": steps["P_F"],
        }
    )
    table.to_csv(tmp_path / "AT-Neu_own.csv", index=False)
    steps.to_csv(tmp_path / "FLX_AT-Neu_FLUXNET2015_FULLSET_HH_2010-2010_1-4.csv", index=False)
    from tamrl.towers.readers.one_tower import read_csv

    tower = one(tmp_path / "AT-Neu_own.csv")
    known = read_csv(tmp_path / "FLX_AT-Neu_FLUXNET2015_FULLSET_HH_2010-2010_1-4.csv")
    assert tower.steps == known.steps == 48
    shared = ["NEE", "NEE_QC", "GPP", "TA", "TA_MIN", "TA_MAX", "SW_IN", "VPD", "P"]
    pd.testing.assert_frame_equal(
        tower.table[shared], known.table[shared], rtol=1e-4, atol=1e-4, check_freq=False, check_names=False
    )
    pd.testing.assert_series_equal(tower.radiation, known.radiation, check_names=False, check_freq=False)
    assert tower.table["P"].iloc[0] == pytest.approx(2.4)
    assert tower.table["NEE"].iloc[0] == pytest.approx(steps["NEE_VUT_REF"][:48].mean() * TO_DAILY_CARBON, rel=1e-4)


def test_the_golden_table(tmp_path):
    """Values by hand: 1 MJ m-2 d-1 is 11.574 W m-2, 1 umol m-2 s-1 is 1.03775 gC m-2 d-1."""
    lines = ["Datum;Ort;Temp (K);Rg [MJ m-2 d-1];VPD_kPa;NEP [umol CO2 m-2 s-1];Druck"]
    lines += ["31.12.2019;XX-Abc;273,15;1;0,5;2;1", "01.01.2020;XX-Abc;283,15;10;-9999;-1;1", ";;;;;;"]
    (tmp_path / "golden.csv").write_text("\n".join(lines) + "\n")
    columns = ColumnMap(
        time=("Datum",),
        site="Ort",
        columns={
            "Temp (K)": Column(variable="TA", unit="K"),
            "Rg [MJ m-2 d-1]": Column(variable="SW_IN", unit="MJ m-2 d-1"),
            "VPD_kPa": Column(variable="VPD", unit="kPa"),
            "NEP [umol CO2 m-2 s-1]": Column(variable="NEE", unit="umol CO2 m-2 s-1", negate=True),
        },
        ignored=("Druck",),
    ).check("map")
    (tower,) = tidy.read_tidy(tmp_path / "golden.csv", columns).towers
    expected = pd.DataFrame(
        {"TA": [0, 10], "SW_IN": [11.574074, 115.74074], "VPD": [5, np.nan], "NEE": [-2.0755008, 1.0377504]},
        index=pd.DatetimeIndex(["2019-12-31", "2020-01-01"], name="date").as_unit("ns"),
    )
    pd.testing.assert_frame_equal(tower.table, expected.astype(np.float32), rtol=1e-5, atol=2e-5)


def test_faults_are_told_in_words(tmp_path):
    path = tmp_path / "AT-Neu.csv"
    columns = ColumnMap(time=("Date",), columns={"NEE": Column(variable="NEE", unit="gC m-2 d-1")})
    pd.DataFrame({"Date": ["2019-01-01"], "TA": [1.0]}).to_csv(path, index=False)
    with pytest.raises(TamrlError, match="The table has no column NEE"):
        tidy.read_tidy(path, columns)
    path.write_text("Date,NEE,NEE\n2019-01-01,1,2\n")
    with pytest.raises(TamrlError, match="Two columns have the name 'NEE'"):
        tidy.read_tidy(path, columns)
    path.write_text("Date,NEE\n" + "".join(f"0{d}/0{d + 1}/2019,1\n" for d in range(1, 8)))
    with pytest.raises(TamrlError, match="day or month comes first cannot be told"):
        tidy.read_tidy(path, columns)
    path.write_text("Date,NEE\n" + "".join(f"2019-01-0{d},one\n" for d in range(1, 8)))
    reading = tidy.read_tidy(path, columns)
    assert "cells are not numbers" in reading.failures[0]
    assert reading.towers[0].failed == {"NEE"}
    flags = ColumnMap(time=("Date",), columns={"NEE": Column(variable="NEE_QC", unit="flag")})
    with pytest.raises(TamrlError, match="days have the share of good half-hours"):
        tidy.read_tidy(path, flags)


@pytest.fixture
def own(tmp_path):
    tidy_files.own().to_csv(tmp_path / "own.csv", index=False)
    return tmp_path / "own.csv"


def test_ingest_shows_a_map_and_reads_by_it(tmp_path, own):
    space = tmp_path / "workspace"
    status, said = run(own, "--workspace", space)
    assert status == 1
    assert "tamrl ingest own.csv --show-columns" in said
    status, text = run(own, "--show-columns")
    assert status == 0
    assert not (tmp_path / "shown").exists()
    (tmp_path / "my-columns.yaml").write_text(text)
    status, said = run(own, "--columns", tmp_path / "my-columns.yaml", "--workspace", space)
    assert status == 0, said
    assert "converted: XX-Abc: TA: column T_air [K] converted from K to degC." in said
    tower = record(Workspace.open(space).archive(), "XX-Abc")
    np.testing.assert_allclose(tower["NEE"], tidy_files.fluxes()["NEE"], atol=1e-3)
    assert "--columns" in Workspace.open(space).provenance()[-1]["command"]


def test_a_map_that_does_not_fit_is_said(tmp_path, own):
    (tmp_path / "other.yaml").write_text("time: Date\ncolumns: {Tair: TA}\n")
    status, said = run(own, "--columns", tmp_path / "other.yaml", "--workspace", tmp_path / "workspace")
    assert status == 1
    assert "The column map does not fit: the table has no Tair" in said


def test_a_wrong_unit_of_a_map_is_told(tmp_path, own):
    (tmp_path / "wrong.yaml").write_text("time: Date\ncolumns: {VPD: {variable: VPD, unit: furlong}}\n")
    status, said = run(own, "--columns", tmp_path / "wrong.yaml", "--workspace", tmp_path / "workspace")
    assert status == 1
    assert "VPD cannot be in 'furlong'" in said or "'furlong' of VPD is not understood" in said
    assert not (tmp_path / "workspace").exists()


def test_files_that_are_known_are_read_as_before(tmp_path):
    columns = ColumnMap(time=("TIMESTAMP",), columns={"TA_F": Column(variable="TA", unit="K")})
    path = write_dd(tmp_path / name("CH-Ccc"))
    table = write_table(tmp_path / "table", {"AT-Aaa": 20})
    result = ingest([path, table], Workspace.create(tmp_path / "workspace"), columns=[columns])
    assert result.ok
    assert all(item.columns is None and item.guess is None for item in result.items)
    assert record(Workspace.open(tmp_path / "workspace").archive(), "CH-Ccc")["TA"].max() > 5
    status, said = run(path, "--show-columns")
    assert status == 1
    assert "no map is needed" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "No column is a date"),
        ("date,b\n2019-01-01,2\n", "No column is a variable"),
        ("notes\n", "fewer than two names"),
    ],
)
def test_what_is_no_table_of_a_tower_has_no_map(tmp_path, text, words):
    (tmp_path / "x.csv").write_text(text)
    status, said = run(tmp_path / "x.csv", "--show-columns")
    assert status == 1
    assert words in said
    assert tidy.offer(tmp_path / "x.csv") is None


def test_show_columns_takes_one_table_and_ingest_needs_a_workspace(tmp_path, own, monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    assert run(own, own, "--show-columns")[0] == 1
    status, said = run(own)
    assert status == 2
    assert "--workspace" in said


def test_a_workbook_of_no_tower_says_how_one_is_read(tmp_path):
    tidy_files.write_xlsx(tmp_path / "costs.xlsx", pd.DataFrame({"what": ["pens"], "euros": [3.0]}))
    status, said = run(tmp_path / "costs.xlsx", "--workspace", tmp_path / "workspace")
    assert status == 1
    assert "read by a map of its columns" in said
    assert "--show-columns" not in said


def test_a_guess_that_fails_costs_nothing(tmp_path, monkeypatch):
    def broken(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(tidy, "look", broken)
    tidy_files.own(40).to_csv(tmp_path / "own.csv", index=False)
    result = ingest([tmp_path / "own.csv", write_dd(tmp_path / name("CH-Ccc"))], Workspace.create(tmp_path / "w"))
    assert list(result.summary["site"]) == ["CH-Ccc"]
    assert {item.path.name: item.status for item in result.items}["own.csv"] == "failed"
