import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers.readers.column_guess import guess, split
from tamrl.towers.readers.column_map import Column, ColumnMap

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@st.composite
def maps(draw):
    names = draw(st.lists(NAMES, min_size=4, max_size=9, unique=True))
    variables = draw(st.permutations(list(schema.VARIABLES)))[: len(names) - 3]
    columns = {
        name: Column(variable=v, unit=schema.variable(v).unit, negate=draw(st.booleans()))
        for name, v in zip(names[3:], variables, strict=True)
    }
    return ColumnMap(
        time=(names[0],),
        stamps=draw(st.sampled_from(["begin", "end"])),
        site=draw(st.sampled_from(["", names[1]])),
        columns=columns,
        ignored=(names[2],),
        remarks=("a remark",),
    )


@given(maps())
def test_a_map_written_to_yaml_is_read_back_equal(columns):
    assert ColumnMap.from_dict(yaml.safe_load(columns.to_yaml()), "map") == columns


def test_a_map_is_saved_and_loaded(tmp_path):
    columns = ColumnMap(time=("Year", "DoY"), columns={"TA": Column(variable="TA", unit="K")})
    columns.save(tmp_path / "my-columns.yaml")
    assert ColumnMap.load(tmp_path / "my-columns.yaml") == columns


def test_a_map_by_hand_may_be_short():
    content = yaml.safe_load("time: Date\ncolumns:\n  NEE: NEE\n  NEE_QC: {variable: NEE_QC, unit: 1}\n")
    columns = ColumnMap.from_dict(content, "map")
    assert columns.columns["NEE"] == Column(variable="NEE", unit="gC m-2 d-1")
    assert columns.columns["NEE_QC"].unit == "1"
    assert columns.used == ["Date", "NEE", "NEE_QC"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time: D\ncolumns: {A: XYZ}", "A is given the unknown variable 'XYZ'"),
        ("time: D\ncolumns: {A: TA, B: TA}", "Two columns are given TA, A and B"),
        ("time: D\ncolumns: {D: TA}", "The column D is named for two purposes"),
        ("time: D\ncolumns: {A: TA}\nignored: [A]", "The column A is named for two purposes"),
        ("time: D\ncolumns: {A: {variable: TA, unit: degF}}", "TA cannot be in 'degF'"),
        ("time: D\ncolumns: {A: {variable: TA, units: K}}", "Unknown key units"),
        ("time: D\ncolumns: {A: {variable: TA, negate: often}}", "negate is 'often'"),
        ("time: D\ncolumns: {}", "gives no column a variable"),
        ("time: D", "has no columns"),
        ("columns: {A: TA}", "names no column of dates"),
        ("time: [D, E]\ncolumns: {A: TA}", "D, E do not make a date"),
        ("time: D\nstamps: middle\ncolumns: {A: TA}", "stamps is 'middle'"),
        ("time: D\ncolour: red\ncolumns: {A: TA}", "Unknown key colour"),
        ("- a list", "Expected entries by name"),
        ("time: {a: b}\ncolumns: {A: TA}", "time is not a list"),
    ],
)
def test_a_map_that_cannot_be_followed_is_refused_in_words(tmp_path, text, words):
    path = tmp_path / "my-columns.yaml"
    path.write_text(text)
    with pytest.raises(TamrlError, match=words) as caught:
        ColumnMap.load(path)
    assert "my-columns.yaml" in str(caught.value)
    assert caught.value.todo


def test_a_file_that_is_no_yaml_is_refused(tmp_path):
    (tmp_path / "map.yaml").write_text("time: [")
    with pytest.raises(TamrlError, match="cannot be read"):
        ColumnMap.load(tmp_path / "map.yaml")


def test_a_column_that_the_table_lacks_is_named():
    columns = ColumnMap(time=("Date",), site="Station", columns={"TA": Column(variable="TA", unit="K")})
    with pytest.raises(TamrlError, match="The table has no column Station, TA"):
        columns.check_table(["Date", "NEE"], "my.csv")
    columns.check_table(["Date", "Station", "TA", "NEE"], "my.csv")
    assert not columns.covers(["Date", "Station", "TA", "NEE"])
    assert columns.covers(["Date", "TA", "Station"])


def sample(**columns):
    days = pd.date_range("2019-01-01", periods=400)
    return pd.DataFrame({"Date": days.strftime("%Y-%m-%d")} | columns)


def guessed(table, **how):
    return guess(list(table.columns), table, **how).check("guess")


def test_names_and_units_in_names_are_recognised():
    season = np.sin(np.arange(400) / 58)
    table = sample(
        **{"Station": "XX-Abc", "TA [degC]": 10 + season, "Rg_MJ": 12.0, "VPD (hPa)": 5.0, "rain mm": 1.0},
        GPP_gC_m2_d=4 + season,
        NEE_umol=-1 - season,
        TA_QC=1,
        LE=50,
        T_min=3.0,
    )
    found = guessed(table)
    assert (found.time, found.site) == (("Date",), "Station")
    assert {name: (c.variable, c.unit) for name, c in found.columns.items()} == {
        "TA [degC]": ("TA", "degC"),
        "Rg_MJ": ("SW_IN", "MJ m-2 d-1"),
        "VPD (hPa)": ("VPD", "hPa"),
        "rain mm": ("P", "mm"),
        "GPP_gC_m2_d": ("GPP", "gC m-2 d-1"),
        "NEE_umol": ("NEE", "umol m-2 s-1"),
        "T_min": ("TA_MIN", "degC"),
    }
    assert found.ignored == ("TA_QC", "LE")
    assert found.covers(list(table.columns))


def test_a_unit_that_no_name_says_is_told_by_size_and_said():
    season = np.sin(np.arange(400) / 58)
    found = guessed(sample(TA=283 + 10 * season, Pressure=1000 + season, NEE=-season))
    assert {c.variable: c.unit for c in found.columns.values()} == {"TA": "K", "PA": "hPa", "NEE": "gC m-2 d-1"}
    assert "TA is taken to be in K, by the magnitude of its values" in found.remarks
    assert "NEE does not say its unit; gC m-2 d-1 is taken" in found.remarks
    assert "# CHECK: TA is taken to be in K" in found.to_yaml()


def test_a_row_of_units_counts():
    found = guessed(sample(TA=10.0, NEE=1.0), units={"TA": "K", "NEE": "umol m-2 s-1"})
    assert [c.unit for c in found.columns.values()] == ["K", "umol m-2 s-1"]


def test_a_unit_that_is_not_understood_leaves_the_column_out_and_says_so():
    found = guessed(sample(**{"TA [degF]": 50.0, "NEE": 1.0}))
    assert found.ignored == ("TA [degF]",)
    assert any("TA [degF] is left out: its unit 'degF'" in remark for remark in found.remarks)


def test_signs_are_told_by_names_and_by_the_balance():
    season = np.sin(np.arange(400) / 58)
    gpp, reco = 4 + 3 * season, 2 + season / 2
    assert guessed(sample(NEP=gpp - reco)).columns["NEP"].negate
    assert guessed(sample(NEE=gpp - reco, GPP=gpp, RECO=reco)).columns["NEE"].negate
    assert guessed(sample(NEE=gpp - reco, GPP=gpp)).columns["NEE"].negate
    assert not guessed(sample(NEE=reco - gpp, GPP=gpp, RECO=reco)).columns["NEE"].negate
    turned = guessed(sample(NEE=reco - gpp, GPP=-gpp, RECO=reco))
    assert (turned.columns["GPP"].negate, turned.columns["NEE"].negate) == (True, False)
    assert any("GPP is mostly negative" in remark for remark in turned.remarks)


def test_of_two_columns_for_one_variable_the_filled_one_is_taken():
    found = guessed(sample(Tair=10.0, Tair_f=10.0, NEE=1.0))
    assert list(found.columns) == ["Tair_f", "NEE"]
    assert found.ignored == ("Tair",)


@pytest.mark.parametrize(
    ("parts", "time"),
    [
        ({"Year": 2019, "DOY": range(1, 201)}, ("Year", "DOY")),
        ({"YYYY": 2019, "Month": [1] * 100 + [2] * 100, "Day": 3}, ("YYYY", "Month", "Day")),
        ({"when": pd.date_range("2019-01-01", periods=200)}, ("when",)),
        ({"TIMESTAMP": range(20190101, 20190101 + 200)}, ("TIMESTAMP",)),
    ],
)
def test_times_in_one_or_several_columns_are_found(parts, time):
    table = pd.DataFrame(parts | {"NEE": 1.5, "TA": 20.0}, index=range(200))
    if "TIMESTAMP" in table:
        table["TIMESTAMP"] = pd.date_range("2019-01-01", periods=200).strftime("%Y%m%d")
    assert guessed(table).time == time


def test_a_table_without_a_time_has_none():
    found = guess(["NEE", "TA"], pd.DataFrame({"NEE": [1.5, 2.5], "TA": [3.5, 4.5]}))
    assert found.time == ()
    with pytest.raises(TamrlError, match="no column of dates"):
        found.check("guess")


def test_half_hours_have_fluxes_a_second_and_flags():
    times = pd.date_range("2019-06-01 00:30", periods=480, freq="30min")
    table = pd.DataFrame({"time": times, "NEE": -1.0, "NEE_QC": 0, "Precip": 0.1, "Rg": 100.0})
    found = guessed(table)
    assert {c.variable: c.unit for c in found.columns.values()} == {
        "NEE": "umol m-2 s-1",
        "NEE_QC": "flag",
        "P": "mm",
        "SW_IN": "W m-2",
    }
    assert found.stamps == "end"
    assert any("ends of steps" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        ("TA [degC]", ("TA", "degC")),
        ("VPD (kPa)", ("VPD", "kPa")),
        ("Tair_f", ("Tair_f", "")),
        ("TA []", ("TA", "-")),
        ("SWC_10cm", ("SWC_10cm", "")),
        ("GPP gC m-2 d-1", ("GPP", "gC m-2 d-1")),
    ],
)
def test_names_are_split_from_units(column, parts):
    assert split(column) == parts
