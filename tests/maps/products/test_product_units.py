import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.maps.products.units import parse_unit

# Of each part of a unit: how it is written, and its size in g of C, m2 and days.
AMOUNTS = {
    "gC": 1.0,
    "g C": 1.0,
    "g": 1.0,
    "kg": 1e3,
    "kgC": 1e3,
    "kg C": 1e3,
    "mg C": 1e-3,
    "gCO2": 12.011 / 44.009,
    "umol": 12.011e-6,
    "umolCO2": 12.011e-6,
    "µmol CO2": 12.011e-6,
    "micromol": 12.011e-6,
    "mmol": 12.011e-3,
    "mol": 12.011,
    "mol C": 12.011,
    "MgC": 1e6,
    "tC": 1e6,
    "nmol": 12.011e-9,
}
AREAS = {("m", 2): 1.0, ("km", 2): 1e6, ("ha", 1): 1e4}
TIMES = {"s": 1 / 86400, "h": 1 / 24, "hour": 1 / 24, "d": 1.0, "day": 1.0, "yr": 365.25, "year": 365.25, "a": 365.25}
STYLES = {
    "udunits": lambda unit, power: f" {unit}-{power}",
    "caret": lambda unit, power: f" {unit}^-{power}",
    "python": lambda unit, power: f" {unit}**-{power}",
    "latex": lambda unit, power: f" {unit}$^{{-{power}}}$",
    "slash": lambda unit, power: f"/{unit}{power if power > 1 else ''}",
    "dots": lambda unit, power: f".{unit}-{power}",
}


@given(
    st.sampled_from(list(AMOUNTS)),
    st.sampled_from(list(AREAS)),
    st.sampled_from(list(TIMES)),
    st.sampled_from(list(STYLES)),
    st.booleans(),
)
def test_every_spelling_of_a_flux_has_the_factor_of_its_parts(amount, area, time, style, time_first):
    parts = [STYLES[style](*area), STYLES[style](time, 1)]
    unit = parse_unit(amount + "".join(reversed(parts) if time_first else parts))
    assert unit.period == "day"
    assert unit.factor == pytest.approx(AMOUNTS[amount] / AREAS[area] / TIMES[time], rel=1e-12)


@given(st.text(max_size=20))
def test_any_text_is_a_unit_or_an_error_in_words(text):
    with contextlib.suppress(TamrlError):
        assert 0 < parse_unit(text).factor < np.inf


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("gC m-2 d-1", 1),
        ("g C m**-2 day-1", 1),
        ("$gCm^{-2}d^{-1}$", 1),
        ("$\\mathrm{gC\\,m^{-2}\\,d^{-1}}$", 1),
        ("kg m-2 s-1", 86_400_000),
        ("kgC/m2/s", 86_400_000),
        ("umolCO2 m-2 s-1", 12.011e-6 * 86400),
        ("µmol m⁻² s⁻¹", 12.011e-6 * 86400),
        ("gC/(m2 yr)", 1 / 365.25),
        ("g C m-2 per day", 1),
    ],
)
def test_units_as_products_write_them(text, factor):
    assert parse_unit(text).factor == pytest.approx(factor, rel=1e-12)


def test_a_monthly_sum_says_so():
    assert parse_unit("gC m-2 month-1").period == "month"
    assert parse_unit("gC m-2 mon-1").factor == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "K",
        "mm d-1",
        "W m-2",
        "gC",
        "gC m-2",
        "gC m-1 d-1",
        "gC m-2 d",
        "PgC yr-1",
        "gN m-2 d-1",
        "gCH4 m-2 d-1",
        "gH2O m-2 d-1",
        "kg m-2 s-1 d-1",
        "gC m-2 8d-1",
        "umol mol-1",
        "kg m-2 m-2 s-1",
    ],
)
def test_what_is_no_flux_of_carbon_is_an_error(text):
    with pytest.raises(TamrlError, match="not a flux of carbon"):
        parse_unit(text, "file.nc, GPP")
