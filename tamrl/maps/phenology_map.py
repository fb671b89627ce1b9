"""The seasonal cycle of leaves on the bundled global drivers, as ``tamrl.maps.phenology`` learnt it from towers."""

import numpy as np
import xarray as xr

from tamrl.globe.contract import month_starts
from tamrl.globe.earth import flags
from tamrl.landcover import static_inputs, vegetation
from tamrl.maps.phenology import FIXED, Phenology, features
from tamrl.schema import IGBP_CLASSES
from tamrl.solar import potential_radiation
from tamrl.timestep import TimeStep

#: Shares of a class below this are left out of a cell's mixture.
_LEAST = 0.02


def earth_cycle(model: Phenology, earth: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the seasonal cycle of each variable on that grid, (12, lat, lon), NaN off the vegetated land.

    A cell is a mixture of classes: each of its vegetated classes is predicted by itself, and the predictions are
    averaged by area fraction, since a tree cannot read half a class.

    Args:
        model: trained.
        earth: of ``tamrl.globe.earth.load_earth``.

    Raises:
        TamrlError: the model was not trained.
    """
    ta = earth["TA"].values.reshape(12, -1)
    land = np.flatnonzero((earth["land_fraction"].values.ravel() > 0) & np.isfinite(ta[0]))
    climate = cell_climate(earth, land)
    names = flags(earth["koeppen"])
    koeppen = [names[int(c)] if c else "unknown" for c in earth["koeppen"].values.ravel()[land]]
    shares, _ = vegetation(earth["igbp_fraction"].values.reshape(earth.sizes["igbp"], -1)[:, land], None)
    found: dict[str, np.ndarray] = {name: np.full(ta.shape, np.nan, np.float32) for name in model.variables}
    total = {name: np.zeros((len(land), 12)) for name in model.variables}
    weight = np.zeros(len(land))
    for index, igbp in enumerate(IGBP_CLASSES):
        cells = np.flatnonzero(shares[:, index] > _LEAST)
        if not len(cells):
            continue
        classes = np.stack([static_inputs(igbp, koeppen[c]) for c in cells])
        inputs = np.concatenate([climate[cells], np.repeat(classes[:, None], 12, axis=1)], axis=-1)
        for name, values in model.predict(inputs).items():
            total[name][cells] += values * shares[cells, index][:, None]
        weight[cells] += shares[cells, index]
    for name in found:
        mean = np.where(weight[:, None] > 0, total[name] / np.maximum(weight, 1e-9)[:, None], np.nan)
        found[name][:, land] = mean.T
        found[name] = found[name].reshape(12, earth.sizes["lat"], earth.sizes["lon"])
    return found


def cell_climate(earth: xr.Dataset, land: np.ndarray) -> np.ndarray:
    """Return climate and fixed drivers of land cells, (C, 12, F), in the order of ``tower_inputs``."""
    lat = earth["lat"].values[land // earth.sizes["lon"]]
    time = month_starts()
    ta, p = (earth[n].values.reshape(12, -1)[:, land].T for n in ("TA", "P_MON"))
    climate = features(ta, p, potential_radiation(lat, time, TimeStep.MONTHLY), np.arange(1, 13), cyclic=True)
    fixed = [earth[n].values.ravel()[land] if n in earth else np.full(len(land), np.nan) for n in FIXED]
    parts = [climate, *(np.broadcast_to(f[:, None, None], (len(land), 12, 1)).astype(np.float32) for f in fixed)]
    return np.concatenate(parts, axis=-1)
