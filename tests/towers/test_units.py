import pytest

from tamrl.errors import TamrlError
from tamrl.towers.units import conversion


@pytest.mark.parametrize(
    ("name", "unit", "value", "expected"),
    [
        ("TA", "K", 273.15, 0.0),
        ("TA", "degrees_C", 5.0, 5.0),
        ("SW_IN", "W/m^2", 200.0, 200.0),
        ("SW_IN", "MJ m-2 day-1", 8.64, 100.0),
        ("P", "kg m**-2 s**-1", 1 / 86_400, 1.0),
        ("P", "mm/day", 3.0, 3.0),
        ("P", "m s-1", 1e-3 / 86_400, 1.0),
        ("VPD", "kPa", 1.5, 15.0),
        ("VPD", "mbar", 7.0, 7.0),
        ("PA", "Pa", 101_325, 101.325),
        ("SWC", "m**3 m**-3", 0.3, 30.0),
        ("CO2", "mol mol-1", 4e-4, 400.0),
        ("CO2", "ppm", 400.0, 400.0),
        ("WS", "km/h", 36.0, 10.0),
        ("LAI", "m^2/m^2", 2.0, 2.0),
        ("C4", "%", 40.0, 0.4),
        ("LW_IN", "J m⁻² s⁻¹", 300.0, 300.0),
    ],
)
def test_known_values(name, unit, value, expected):
    change = conversion(name, unit, "file")
    assert not change.per_step
    assert value * change.factor + change.offset == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "unit", "value", "days", "expected"),
    [
        ("SW_IN", "J m**-2", 8.64e6, 1, 100.0),
        ("P", "m", 0.031, 31, 1.0),
        ("P", "m of water equivalent", 0.002, 1, 2.0),
        ("P", "kg m-2", 60.0, 30, 2.0),
    ],
)
def test_sums_over_a_step_are_divided_by_its_days(name, unit, value, days, expected):
    change = conversion(name, unit, "file")
    assert change.per_step
    assert value * change.factor / days == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("TA", "degF"),
        ("TA", ""),
        ("TA", "W m-2"),
        ("SW_IN", "umol m-2 s-1"),
        ("SW_IN", "foo m-2"),
        ("P", "K"),
        ("WS", "m"),
        ("LAI", "m"),
        ("VPD", "J m-2"),
        ("NDVI_MIN", None),
    ],
)
def test_what_is_no_unit_of_the_driver_is_an_error_that_lists_known_ones(name, unit):
    with pytest.raises(TamrlError, match=f"Known units of {name}"):
        conversion(name, unit, "file: x")
