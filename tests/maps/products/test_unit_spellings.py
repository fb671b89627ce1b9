"""Sixty spellings of units of fluxes and of drivers: each is read rightly or refused, never taken for another unit."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.maps.products.units import parse_unit
from tamrl.towers.units import conversion

EXAMPLES = settings(max_examples=int(os.environ.get("TAMRL_EXAMPLES", 50)), deadline=None)
C, CO2 = 12.011, 12.011 + 2 * 15.999
#: Spelling -> gC m-2 d-1 of one of it; None for what is no flux of carbon.
FLUXES = {
    "gC m-2 d-1": 1,
    "g C m-2 d-1": 1,
    "gC/m2/d": 1,
    "gC/m^2/day": 1,
    "gC m**-2 d**-1": 1,
    "gC.m-2.d-1": 1,
    "gC m-2 day-1": 1,
    "gC m-2 days-1": 1,
    "g(C) m-2 d-1": 1,
    "g_C m-2 d-1": 1,
    "g C/(m2 d)": 1,
    "gC m^{-2} d^{-1}": 1,
    "gC m⁻² d⁻¹": 1,
    "g m-2 d-1": 1,
    "g C per m2 per day": 1,
    "gC d-1 m-2": 1,
    "kgC m-2 d-1": 1000,
    "kg m-2 s-1": 86_400_000,
    "kg C m-2 s-1": 86_400_000,
    "kgC/m2/s": 86_400_000,
    "kg m^-2 s^-1": 86_400_000,
    "mgC m-2 h-1": 0.024,
    "mg C m-2 hr-1": 0.024,
    "gC m-2 yr-1": 1 / 365.25,
    "gC m-2 y-1": 1 / 365.25,
    "gC m-2 a-1": 1 / 365.25,
    "gC/m2/year": 1 / 365.25,
    "kgC m-2 yr-1": 1000 / 365.25,
    "MgC ha-1 yr-1": 100 / 365.25,
    "tC ha-1 yr-1": 100 / 365.25,
    "t C/ha/yr": 100 / 365.25,
    "umol m-2 s-1": C * 0.0864,
    "µmol m-2 s-1": C * 0.0864,
    "μmol CO2 m-2 s-1": C * 0.0864,
    "umolCO2 m-2 s-1": C * 0.0864,
    "micromol m-2 s-1": C * 0.0864,
    "mol m-2 s-1": C * 86_400,
    "mmol m-2 d-1": C / 1000,
    "nmol m-2 s-1": C * 86.4e-6,
    "gCO2 m-2 d-1": C / CO2,
    "kgCO2 m-2 s-1": 86_400_000 * C / CO2,
    "kg CO2 m-2 s-1": 86_400_000 * C / CO2,
    "gC km-2 d-1": 1e-6,
    "gC m-2 8d-1": None,
    "gC m-2": None,
    "gC m-2 d": None,
    "gC m-1 d-1": None,
    "gN m-2 d-1": None,
    "gCH4 m-2 d-1": None,
    "gH2O m-2 d-1": None,
    "W m-2": None,
    "mm d-1": None,
    "K": None,
    "1": None,
    "": None,
    "PgC yr-1": None,
    "umol mol-1": None,
    "gC m-2 decade-1": None,
    "MJ m-2 d-1": None,
    "gC m-2 season-1": None,
    "Gt C yr-1": None,
    "kg m-2": None,
    "gCO m-2 d-1": None,
    "g C m2 d": None,
}
#: Driver, spelling -> what 300 of it are in the unit of the schema; None for what it does not measure.
DRIVERS = {
    ("TA", "K"): 26.85,
    ("TA", "kelvin"): 26.85,
    ("TA", "Kelvin"): 26.85,
    ("TA", "degC"): 300,
    ("TA", "deg C"): 300,
    ("TA", "degrees_Celsius"): 300,
    ("TA", "Celsius"): 300,
    ("TA", "C"): 300,
    ("TA", "degF"): None,
    ("TA", "F"): None,
    ("TA", "mK"): None,
    ("TA", "K d-1"): None,
    ("SW_IN", "W m-2"): 300,
    ("SW_IN", "W/m2"): 300,
    ("SW_IN", "W m**-2"): 300,
    ("SW_IN", "Watts m-2"): 300,
    ("SW_IN", "J m-2 s-1"): 300,
    ("SW_IN", "kW m-2"): 3e5,
    ("SW_IN", "MJ m-2 d-1"): 300e6 / 86_400,
    ("SW_IN", "MJ/m2/day"): 300e6 / 86_400,
    ("SW_IN", "mW m-2"): 0.3,
    ("SW_IN", "J m-2 h-1"): 300 / 3600,
    ("SW_IN", "umol m-2 s-1"): None,
    ("SW_IN", "W"): None,
    ("SW_IN", "K"): None,
    ("VPD", "hPa"): 300,
    ("VPD", "mbar"): 300,
    ("VPD", "kPa"): 3000,
    ("VPD", "Pa"): 3,
    ("VPD", "bar"): 3e5,
    ("VPD", "mm"): None,
    ("VPD", "g kg-1"): None,
    ("PA", "Pa"): 0.3,
    ("PA", "hPa"): 30,
    ("PA", "kPa"): 300,
    ("P", "mm d-1"): 300,
    ("P", "mm/day"): 300,
    ("P", "kg m-2 s-1"): 300 * 86_400,
    ("P", "kg m-2 d-1"): 300,
    ("P", "m s-1"): 300 * 86_400e3,
    ("P", "m d-1"): 3e5,
    ("P", "mm h-1"): 7200,
    ("P", "mm hr-1"): 7200,
    ("P", "cm d-1"): 3000,
    ("P", "W m-2"): None,
    ("P", "mm2 d-1"): None,
    ("P", "g d-1"): None,
    ("WS", "m s-1"): 300,
    ("WS", "m/s"): 300,
    ("WS", "km h-1"): 300 / 3.6,
    ("WS", "cm s-1"): 3,
    ("WS", "knots"): None,
    ("CO2", "ppm"): 300,
    ("CO2", "umol mol-1"): 300,
    ("CO2", "mol mol-1"): 3e8,
    ("CO2", "1e-6"): None,
    ("CO2", "ppb"): None,
    ("SWC", "m3 m-3"): 30_000,
    ("SWC", "%"): 300,
    ("SWC", "1"): 30_000,
    ("SWC", "kg m-2"): None,
    ("LAI", "m2 m-2"): 300,
    ("LAI", "1"): 300,
    ("LAI", "m2/m2"): 300,
    ("LAI", "m"): None,
    ("NDVI_MIN", "%"): 3,
    ("NDVI_MIN", "1"): 300,
    ("NDVI_MIN", "-"): 300,
    ("NDVI_MIN", "dB"): None,
}
SPACES = st.sampled_from(["{}", " {}", "{} ", "  {}  "])


@given(st.sampled_from(list(FLUXES)), SPACES)
@EXAMPLES
def test_a_flux_is_in_the_unit_that_is_written_or_refused(text, frame):
    try:
        unit = parse_unit(frame.format(text))
    except TamrlError:
        return
    assert FLUXES[text] is not None
    assert unit.period == "day"
    assert unit.factor == pytest.approx(FLUXES[text], rel=1e-9)


@given(st.sampled_from(list(DRIVERS)), SPACES)
@EXAMPLES
def test_a_driver_is_in_the_unit_that_is_written_or_refused(pair, frame):
    name, text = pair
    try:
        change = conversion(name, frame.format(text), "file")
    except TamrlError:
        return
    assert DRIVERS[pair] is not None
    assert not change.per_step
    assert 300 * change.factor + change.offset == pytest.approx(DRIVERS[pair], rel=1e-9)


def test_the_usual_spellings_are_read():
    read = 0
    for text in (text for text, value in FLUXES.items() if value is not None):
        try:
            parse_unit(text)
            read += 1
        except TamrlError:
            continue
    assert read >= 40
    for name, text in (pair for pair, value in DRIVERS.items() if value is not None):
        conversion(name, text, "file")
