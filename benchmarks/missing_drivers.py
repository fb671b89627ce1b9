"""What it costs to predict and adapt at a tower that lacks drivers: left masked, or filled with a mean year.

    python -m benchmarks.missing_drivers

The 163 bundled towers, each by the ensemble that has not seen it; RMSE against the same with all drivers of the
tower, as the geometric mean over towers, zero-shot and with 30 labelled days of the growing season by the site
effect. The mean years of LAI and EVI in the bundled global drivers were learnt from such towers, these among them: at a
new place they may be worse.
"""

import sys

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.bundled import bundled_models
from tamrl.globe.earth import land_cells, load_earth
from tamrl.model.cross_fitted import open_model
from tamrl.predict.network import adapt_network
from tamrl.schema import FLUXES
from tamrl.system.device import one_thread
from tamrl.towers.archive import record
from tamrl.towers.fill import FILLED, daily_cycle
from tamrl.towers.workspace import bundled

DAYS = 30
#: What a visitor's tower may lack -> drivers.
LACKING = {
    "LAI and EVI": ("LAI", "EVI"),
    "precipitation": ("P_MON",),
    "LAI, EVI and precipitation": FILLED,
    "daily minimum and maximum temperature": ("TA_MIN", "TA_MAX"),
    "vapour pressure deficit": ("VPD",),
    "shortwave radiation": ("SW_IN",),
}


def without(archive: xr.Dataset, names: tuple[str, ...], filled: bool) -> xr.Dataset:
    """Return the archive with some drivers missing, or with their mean years in their place."""
    made = archive.copy()
    for name in names:
        values = np.full(archive[name].shape, np.nan, np.float32)
        if filled:
            earth = load_earth()
            cells, time = (
                land_cells(earth, archive.lat.values, archive.lon.values),
                pd.DatetimeIndex(archive.time.values),
            )
            for i, site in enumerate(archive.site.values.tolist()):
                year = earth[name].values.reshape(12, -1)[:, cells[i]].astype(float)
                days = pd.DatetimeIndex(record(archive, site).time.values)
                if cells[i] >= 0 and np.isfinite(year).all():
                    values[i, time.isin(days)] = daily_cycle(year, days, monthly=name == "P_MON")
        made[name] = archive[name].copy(data=values)
    return made


def main() -> None:
    """Print the table."""
    one_thread()
    archive, model = bundled().archive().load(), open_model(bundled_models()["cross-fitted"])
    sites = archive.site.values.tolist()

    def run(of: xr.Dataset) -> pd.DataFrame:
        return adapt_network(model, of, sites, DAYS, "growing").table.set_index(["site", "flux"])

    whole = run(archive)
    print("| lacking | how | " + " | ".join(f"{f} zero-shot | {f} {DAYS} days" for f in FLUXES) + " |")
    print("|---|---|" + "---|" * 2 * len(FLUXES))
    for label, names in LACKING.items():
        for filled in (False, True) if set(names) <= set(FILLED) else (False,):
            table, cells = run(without(archive, names, filled)), []
            for flux in FLUXES:
                for column in ("rmse_before", "rmse_after"):
                    ratio = (table[column] / whole[column]).xs(flux, level="flux")
                    cells.append(f"{100 * (np.exp(np.log(ratio).mean()) - 1):+.1f} %")
            print(f"| {label} | {'mean year' if filled else 'masked'} | " + " | ".join(cells) + " |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
