import dataclasses

import pytest

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.model.drivers import DERIVED, GROUPS
from tamrl.schema import DRIVERS, VARIABLES, variable
from tamrl.towers import units


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_is_complete(name):
    driver = variable(name)
    assert sum(name in group for group in GROUPS) == 1  # hidden in training, once
    assert driver.long_name
    assert driver.long_name[0].isupper()
    low, high = driver.bounds
    assert low < high
    same = units.conversion(name, driver.unit, "file")
    assert (same.factor, same.offset, same.per_step) == (1.0, 0.0, False)
    assert driver.accepted_units
    with pytest.raises(TamrlError, match=f"Known units of {name}"):
        units.conversion(name, "furlong", "file")


def test_the_drivers_of_the_default_model_are_hidden_in_the_same_order_as_ever():
    names = Config().model.drivers
    hidden = [tuple(n for n in group if n in names) for group in GROUPS]
    assert [group for group in hidden if group] == [
        ("TA_MIN", "TA_MAX"),
        ("LAI", "EVI"),
        ("P_MON",),
        ("VPD",),
        ("SW_IN",),
        ("TA",),
        ("SW_IN_POT", "SW_IN_POT_TREND"),
    ]
    assert all(any(name in group for group in GROUPS) for name in DERIVED)


def test_a_driver_in_a_new_unit_is_an_error_in_words_and_no_key_error(monkeypatch):
    monkeypatch.setitem(VARIABLES, "PA", dataclasses.replace(variable("PA"), accepted_units=""))
    with pytest.raises(TamrlError, match="Known units of PA: kPa"):
        units.conversion("PA", "K", "file")
