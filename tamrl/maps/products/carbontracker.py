"""CarbonTracker of NOAA (CT2022 and its relatives): surface fluxes of an atmospheric inversion at one degree.

``CT2022.flux1x1-monthly.nc`` holds all months, ``CT2022.flux1x1.YYYYMM.nc`` and ``...YYYYMMDD.nc`` three-hourly steps,
averaged here over the month or the day of the name. Variables over (time, latitude, longitude), mol m-2 s-1, positive
into the atmosphere: ``bio_flux_opt``, the optimised land biosphere without fires, ``fire_flux_imp``, imposed fires,
``ocn_flux_opt`` and ``fossil_flux_imp``. Names, unit and what bio leaves out follow NOAA's description of the files
(CT2019B documentation, gml.noaa.gov) and the metadata of its files on NOAA servers.

Of these NBE = bio + fire. ``bio_flux_opt`` alone is not the NEE of a tower: what the atmosphere sees includes what
rivers, harvest and the change of land use give back.
"""

import dataclasses
import re
from collections.abc import Sequence

import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import NBE
from tamrl.maps.products.accounting import noted
from tamrl.maps.products.assemble import UNSTATED, Field, ProductReading, read_fields
from tamrl.maps.products.join import land_only
from tamrl.maps.products.sources import Source

NAME = re.compile(
    r"^(?P<version>CT[A-Za-z0-9.-]*?)\.flux1x1(-monthly|\.(?P<year>\d{4})(?P<month>0[1-9]|1[0-2])(?P<day>\d{2})?)\.nc4?$"
)
BIO, FIRE = "bio_flux_opt", "fire_flux_imp"
_UNIT = "mol m-2 s-1"
ATTRS = {
    "title": "CarbonTracker",
    "source": "Atmospheric inversion (NOAA): TM5, ensemble Kalman smoother, air samples",
    "citation": "Jacobson, A. R., et al. (2023), CarbonTracker CT2022, NOAA Global Monitoring Laboratory",
    "doi": "10.25925/Z1GJ-3254",
    "license": UNSTATED,
}
NOTE = "NBE is the optimised land biosphere plus imposed fires, per area of the whole cell; fossil fuel is apart."


def recognise(source: Source) -> bool:
    """Return whether a file is of this product, by its name or its two variables."""
    return bool(NAME.match(source.name)) or {BIO, FIRE} <= set(source.ds.data_vars)


def read(sources: Sequence[Source]) -> ProductReading:
    """Return NBE of files of one release.

    Raises:
        TamrlError: files of several releases, or one without biosphere or fires.
    """
    versions = sorted({found["version"] for source in sources if (found := NAME.match(source.name))})
    if len(versions) > 1:
        raise TamrlError(f"The files are of several releases: {', '.join(versions)}", "CarbonTracker", "Give one")
    pieces = [_read(source) for source in sources]
    attrs = ATTRS | ({"title": f"CarbonTracker {versions[0]}", "version": versions[0]} if versions else {})
    return ProductReading(pieces=pieces, attrs=attrs, report=noted(converted=[NOTE]), then=_add_up)


def _read(source: Source) -> xr.Dataset:
    found = NAME.match(source.name)
    wanted = {"BIO": Field(variable=BIO, default=_UNIT), "FIRE": Field(variable=FIRE, default=_UNIT)}
    if not found or not found["year"]:
        return read_fields(source, wanted, land="")
    start = pd.Timestamp(int(found["year"]), int(found["month"]), int(found["day"] or 1))
    piece = _mean(source)
    step = "day" if found["day"] else "month"
    averaged = dataclasses.replace(source, ds=piece)
    return read_fields(averaged, wanted, pd.DatetimeIndex([start]), land="").assign_attrs(step=step)


def _mean(source: Source) -> xr.Dataset:
    """Return the mean over the steps of a file that its name dates, without a time axis."""
    ds = source.ds[[name for name in (BIO, FIRE) if name in source.ds]]
    dims = [dim for dim in ("time", "times", "date") if dim in ds.dims]
    return ds.mean(dims, skipna=False, keep_attrs=True).drop_vars(["time", "times", "date"], errors="ignore")


def _add_up(ds: xr.Dataset) -> xr.Dataset:
    return land_only(ds.assign({NBE: ds["BIO"] + ds["FIRE"]}).drop_vars(["BIO", "FIRE"]))
