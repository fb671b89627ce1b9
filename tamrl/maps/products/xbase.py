"""FLUXCOM-X-BASE (Nelson, Walther et al. 2024): one variable a file, or Zarr stores with an ``hour``.

``GPP_2015_050_monthly.nc``: the variable, the year, the resolution in hundredths of a degree, the step. Monthly files
are in gC m-2 d-1 per area of land; hourly ones, and mean diurnal cycles of months (``025_monthlycycle``), in
umolCO2 m-2 s-1, averaged here over the hours of the day.
"""

import dataclasses
import re
from collections.abc import Sequence

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import FLUXES
from tamrl.maps.products.accounting import noted
from tamrl.maps.products.assemble import Field, ProductReading, read_fields
from tamrl.maps.products.sources import Source
from tamrl.schema import FLUX_UNIT

NAME = re.compile(
    r"^(?P<variable>GPP|NEE|RECO|TER|ET|ET_T)_(?P<year>\d{4})_(?P<resolution>\d{3})_(?P<step>[a-z]+)\.(nc|zarr)$"
)
_VARIABLES = {"GPP": "GPP", "NEE": "NEE", "RECO": "RECO", "TER": "RECO"}
ATTRS = {
    "title": "FLUXCOM-X-BASE",
    "source": "XGBoost on eddy-covariance towers, ERA5 and MODIS",
    "citation": "Nelson, J. A., Walther, S., et al. (2024), Biogeosciences 21, 5079-5115",
    "doi": "10.5194/bg-21-5079-2024",
    "license": "CC-BY-4.0",
    "version": "X-BASE",
}


def recognise(source: Source) -> bool:
    """Return whether a file is of this product, by its name, or by its attributes and a flux of a usual name."""
    if NAME.match(source.name):
        return True
    said = " ".join(str(value) for value in source.ds.attrs.values()).lower()
    return "fluxcom-x" in said.replace("_", "-") and any(name in source.ds for name in _VARIABLES)


def read(sources: Sequence[Source]) -> ProductReading:
    """Return the fluxes of files of one resolution and one step.

    Raises:
        TamrlError: files of several resolutions or steps, an incomplete day, no flux of carbon.
    """
    named = [found for source in sources if (found := NAME.match(source.name))]
    sets = sorted({f"{found['resolution']}_{found['step']}" for found in named if found["variable"] in _VARIABLES})
    if len(sets) > 1:
        what = f"The files are of several resolutions or steps: {', '.join(sets)}"
        raise TamrlError(what, "FLUXCOM-X-BASE", f"Choose one, for example with *_{sets[0]}.nc")
    pieces: list[xr.Dataset] = []
    passed, averaged = [], []
    for source in sources:
        fields = {flux: name for name, flux in _VARIABLES.items() if name in source.ds.data_vars}
        if not fields:
            passed.append(f"{source.name} holds no carbon flux and was skipped.")
            continue
        hourly = "hour" in source.ds.dims
        unit = "umolCO2 m-2 s-1" if hourly else FLUX_UNIT
        daily = dataclasses.replace(source, ds=_over_hours(source.ds, source.name)) if hourly else source
        wanted = {flux: Field(variable=name, default=unit) for flux, name in fields.items()}
        # Every file repeats the land fraction: once is enough.
        pieces.append(read_fields(daily, wanted, land="" if pieces else "land_fraction"))
    if not pieces:
        raise TamrlError(f"The files hold none of {', '.join(FLUXES)}", "FLUXCOM-X-BASE", "Add GPP_*.nc and NEE_*.nc")
    if any("hour" in source.ds.dims for source in sources):
        averaged.append("Means over the hours of the day; one that lacks an hour is missing.")
    return ProductReading(pieces=pieces, attrs=dict(ATTRS), report=noted(rejected=passed, converted=averaged))


def _over_hours(ds: xr.Dataset, where: str) -> xr.Dataset:
    """Return means over the day of fields (time, hour, lat, lon), lazily."""
    if ds.sizes["hour"] not in (24, 48):
        raise TamrlError(
            f"A day has {ds.sizes['hour']} hours", where, "Give whole days: some hours do not make a daily mean"
        )
    means = {n: a.mean("hour", skipna=False, keep_attrs=True) for n, a in ds.data_vars.items() if "hour" in a.dims}
    return ds.assign(means).drop_dims("hour")
