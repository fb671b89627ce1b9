"""A few SIMULATED towers and their tensors."""

import pytest

from tamrl.config import Config
from tamrl.data.archive import record
from tamrl.data.drivers import driver_table
from tamrl.data.sequences import Normaliser, flux_table, tower_record
from tamrl.data.simulate import simulate

DRIVERS = Config().model.drivers


@pytest.fixture(scope="module")
def towers():
    archive = simulate(5)
    return [record(archive, site) for site in archive.site.values]


@pytest.fixture(scope="module")
def normaliser(towers):
    return Normaliser.fit([driver_table(t, DRIVERS) for t in towers], [flux_table(t) for t in towers])


@pytest.fixture(scope="module")
def records(towers, normaliser):
    return [tower_record(t, DRIVERS, normaliser) for t in towers]
