import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl import schema
from tamrl.errors import TamrlError
from tamrl.towers.readers import column_units
from tamrl.towers.readers.column_units import by_size, conversion, written

UNITS = {
    "TA": ("degC", "K"),
    "SW_IN": ("W m-2", "MJ m-2 d-1", "MJ m-2", "J m-2"),
    "VPD": ("hPa", "kPa", "Pa", "mbar"),
    "PA": ("hPa", "kPa", "Pa"),
    "P": ("mm d-1", "mm", "m", "kg m-2 s-1"),
    "NEE": ("gC m-2 d-1", "umol m-2 s-1", "gCO2 m-2 d-1", "kgC m-2 s-1", "mgCO2 m-2 s-1"),
    "NEE_QC": ("1", "%"),
    "SWC": ("%", "m3 m-3"),
}


@pytest.mark.parametrize(
    ("name", "unit", "value", "becomes"),
    [
        ("TA", "K", 283.15, 10),
        ("SW_IN", "MJ m-2 d-1", 8.64, 100),
        ("VPD", "kPa", 1.2, 12),
        ("PA", "hPa", 1013, 101.3),
        ("PA", "Pa", 101_300, 101.3),
        # 12.011 g a mole, 86,400 s a day.
        ("GPP", "umol m-2 s-1", 10, 10.377504),
        ("NEE", "\N{MICRO SIGN}mol CO2 m\u207b\u00b2 s\u207b\u00b9", -1, -1.0377504),
        ("RECO", "g C m-2 day-1", 3, 3),
        ("RECO", "gCO2 m-2 d-1", 44.009, 12.011),
        ("GPP", "kgC m-2 s-1", 1e-7, 8.64),
        ("NEE_QC", "%", 90, 0.9),
        ("SWC", "m3 m-3", 0.31, 31),
    ],
)
def test_units_of_columns_become_those_of_the_schema(name, unit, value, becomes):
    change = conversion(name, unit, "column")
    assert column_units.apply(pd.Series([float(value)]), change, 1.0).item() == pytest.approx(becomes)


def test_what_is_summed_over_a_step_is_divided_by_its_length():
    change = conversion("P", "mm", "column")
    assert column_units.apply(pd.Series([0.1]), change, 1 / 48).item() == pytest.approx(4.8)
    assert column_units.apply(pd.Series([4.8]), change, 1.0).item() == pytest.approx(4.8)


@given(
    st.sampled_from([(name, unit) for name, units in UNITS.items() for unit in units]),
    st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=5),
    st.sampled_from([1.0, 1 / 24, 1 / 48]),
)
def test_units_convert_there_and_back(which, values, step_days):
    change = conversion(*which, "column")
    there = column_units.apply(pd.Series(values), change, step_days)
    back = column_units.undo(there, change, step_days)
    np.testing.assert_allclose(back, values, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "unit", "words"),
    [
        ("GPP", "g m-2 d-1", "does not say what the grams"),
        ("GPP", "W m-2", "GPP cannot be in 'W m-2'"),
        ("TA", "degF", "TA cannot be in 'degF'"),
        ("P", "mm month-1", "monthly amount"),
        ("NEE_QC", "2", "NEE_QC cannot be in '2'"),
        ("SW_IN", "umol m-2 s-1", "cannot be in"),
    ],
)
def test_a_unit_that_a_variable_cannot_have_is_refused_in_words(name, unit, words):
    with pytest.raises(TamrlError, match=words) as caught:
        conversion(name, unit, "my-columns.yaml, column X")
    assert "my-columns.yaml, column X" in str(caught.value)
    assert "mapping" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("TA", "\N{DEGREE SIGN}C", "degC"),
        ("TA", "K", "K"),
        ("SW_IN", "MJ", "MJ m-2 d-1"),
        ("SW_IN", "W_m2", "W m-2"),
        ("GPP", "gC", "gC m-2 d-1"),
        ("GPP", "gC_m2_d", "gC m-2 d-1"),
        ("NEE", "umol_m2_s", "umol m-2 s-1"),
        ("NEE", "umol", "umol m-2 s-1"),
        ("P", "mm/day", "mm d-1"),
        ("WS", "m/s", "m s-1"),
        ("CO2", "ppm", "umol mol-1"),
        ("TA", "NEE_QC", ""),
        ("SWC", "10cm", ""),
    ],
)
def test_units_in_names_are_understood(name, text, unit):
    assert written(name, text) == unit


def test_energy_of_half_hours_is_that_of_a_step():
    assert written("SW_IN", "MJ", steps=True) == "MJ m-2"


@pytest.mark.parametrize("name", [name for name in schema.VARIABLES if name != "NEE_QC"])
def test_the_unit_of_the_schema_is_the_identity(name):
    assert written(name, schema.variable(name).unit) == schema.variable(name).unit
    assert conversion(name, schema.variable(name).unit, "").factor == 1


def test_the_size_of_values_tells_their_unit():
    season = np.sin(np.arange(400) / 58)
    assert by_size("TA", 283 + 10 * season, True) == "K"
    assert by_size("TA", 10 + 10 * season, True) == ""
    assert by_size("PA", 1000 + season, True) == "hPa"
    assert by_size("VPD", 0.5 + 0.4 * season, True) == "kPa"
    assert by_size("VPD", 5 + 4 * season, True) == ""
    assert by_size("SW_IN", 12 + 8 * season, True) == "MJ m-2 d-1"
    # A month may be still or dark: its spread is not judged.
    assert by_size("VPD", 0.5 + 0.4 * season[:30], False) == ""
    assert by_size("TA", np.array([]), False) == ""
