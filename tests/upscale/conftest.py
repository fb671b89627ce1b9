"""Drivers in files, and the small trained model, for the tests of the engine."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.evaluation.benchmark.synthetic_drivers import weather
from tamrl.model.checkpoint import load_ensemble
from tamrl.schema import DRIVERS, IGBP, KOEPPEN, UNKNOWN, variable
from tamrl.towers.archive import record


@pytest.fixture(scope="session")
def ensemble(checkpoint):
    return load_ensemble(checkpoint)


@pytest.fixture(scope="session")
def towers(small_workspace):
    archive = small_workspace[0].archive()
    return {str(site): record(archive, str(site)) for site in archive.site.values}


@pytest.fixture
def as_grid():
    """Make a grid of one cell of a tower, with its classes as fields of flags."""

    def make(tower):
        stored = [n for n in DRIVERS if n in tower]
        ds = xr.Dataset(
            {n: (("time", "lat", "lon"), tower[n].values[:, None, None], {"units": variable(n).unit}) for n in stored},
            coords={"time": tower.time.values, "lat": [float(tower.lat)], "lon": [float(tower.lon)]},
        )
        for name, value, table in (("igbp", tower.igbp, IGBP), ("koeppen", tower.koeppen, KOEPPEN)):
            names = [UNKNOWN, *table]
            label = str(value.item())
            label = label if label == UNKNOWN or name == "igbp" else label[0]
            flags = {"flag_values": np.arange(len(names), dtype="i1"), "flag_meanings": " ".join(names)}
            ds[name] = (("lat", "lon"), np.full((1, 1), names.index(label), "i1"), flags)
        return ds

    return make


@pytest.fixture
def field_files():
    """Make daily drivers on a grid of 4 degrees over Europe, with land, classes and a gap."""

    def make(days=40, degrees=4.0, start="2001-01-01"):
        lat, lon = np.arange(36, 60, degrees), np.arange(-10, 30, degrees)
        time = pd.date_range(start, periods=days)
        units = {"TA": "K", "SW_IN": "W m-2", "VPD": "hPa"}
        ds = xr.Dataset(
            {n: (("time", "lat", "lon"), v, {"units": units[n]}) for n, v in weather(lat, lon, time).items()},
            coords={"time": time, "lat": lat, "lon": lon},
            attrs={"title": "SIMULATED drivers of a test", "simulated": 1},
        )
        land = np.ones((lat.size, lon.size), np.float32)
        land[:2, :3] = 0
        ds["land_fraction"] = (("lat", "lon"), land)
        ds["TA"][5:9, 3, 4] = np.nan
        return ds

    return make
