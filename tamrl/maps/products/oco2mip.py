"""The OCO-2 model intercomparison (version 10; Byrne et al. 2023): monthly fluxes of 14 inversions, one degree.

``<model>_gridded_fluxes_<experiment>.nc4`` with the experiment LNLG, LNLGIS, LNLGOGIS, IS, OG or Prior; ``EnsMean`` and
``EnsStd`` are the mean and the standard deviation of the ensemble. Variables over (time, latitude, longitude):
``land`` and ``ocean``, gC m-2 yr-1, positive into the atmosphere; months are given by ``start_date`` (time, parts),
year and month first. Names of files and variables, unit and the layout of ``start_date`` were checked in public reading
code of groups that use the files.

``land`` is everything but fossil fuel, fires included: it is NBE, per area of the whole cell.
"""

import dataclasses
import re
from collections.abc import Sequence

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import NBE, SD
from tamrl.maps.products.accounting import noted
from tamrl.maps.products.assemble import UNSTATED, Field, ProductReading, read_fields
from tamrl.maps.products.join import land_only
from tamrl.maps.products.sources import Source

NAME = re.compile(r"^(?P<model>[A-Za-z0-9 -]+)_gridded_fluxes_(?P<experiment>[A-Za-z]+)\.nc4?$")
LAND, STARTS = "land", "start_date"
_UNIT = "gC m-2 yr-1"
_SPREAD = "EnsStd"
ATTRS = {
    "title": "OCO-2 MIP v10",
    "source": "Ensemble of atmospheric inversions of OCO-2 and air samples",
    "citation": "Byrne, B., Baker, D. F., Basu, S., et al. (2023), Earth System Science Data 15, 963-1004",
    "doi": "10.5194/essd-15-963-2023",
    "license": UNSTATED,
}
NOTE = "NBE is the flux of land without fossil fuel, fires included, per area of the whole cell."


def recognise(source: Source) -> bool:
    """Return whether a file is of this product, by its name or its variables."""
    return bool(NAME.match(source.name)) or {LAND, "ocean", STARTS} <= set(source.ds.variables)


def read(sources: Sequence[Source]) -> ProductReading:
    """Return NBE of one model, or of the ensemble with its spread where the file of that is given, too.

    Raises:
        TamrlError: files of several models or experiments, or of the spread alone.
    """
    named = [found for source in sources if (found := NAME.match(source.name))]
    sets = sorted({f"{f['model'].replace(_SPREAD, 'EnsMean')} {f['experiment']}" for f in named})
    if len(sets) > 1:
        raise TamrlError(f"The files are of several inversions: {', '.join(sets)}", "OCO-2 MIP", "Give one")
    if named and all(f["model"] == _SPREAD for f in named):
        raise TamrlError(
            "This is the spread of the ensemble alone", sources[0].name, "Add EnsMean_gridded_fluxes_*.nc4"
        )
    pieces = []
    for source in sources:
        name = NBE + SD if source.name.startswith(_SPREAD) else NBE
        dated = dataclasses.replace(source, ds=_dated(source.ds, source.name))
        pieces.append(
            read_fields(dated, {name: Field(variable=LAND, default=_UNIT)}, land="").assign_attrs(step="month")
        )
    attrs = ATTRS | ({"title": f"OCO-2 MIP v10 {sets[0]}"} if sets else {}) | {"version": "v10"}
    return ProductReading(pieces=pieces, attrs=attrs, report=noted(converted=[NOTE]), then=land_only)


def _dated(ds: xr.Dataset, where: str) -> xr.Dataset:
    """Return a file with months from ``start_date`` in place of a time axis that numbers alone make."""
    if STARTS not in ds.variables:
        return ds
    if ds[STARTS].ndim != 2 or min(ds[STARTS].shape[1], 2) < 2:
        raise TamrlError(f"{STARTS} does not hold a year and a month", where, "Download it again")
    parts = ds[STARTS].values
    time = ds[STARTS].dims[0]
    months = ((parts[:, 0].astype(int) - 1970) * 12 + parts[:, 1].astype(int) - 1).astype("datetime64[M]")
    kept = ds[[LAND]].drop_vars([time, "time"], errors="ignore") if LAND in ds else ds
    return kept.assign_coords({time: (time, months.astype("datetime64[ns]"), {"long_name": "start of the month"})})
