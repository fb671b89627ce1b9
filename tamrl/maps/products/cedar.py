"""CEDAR-GPP (Kang et al. 2025): monthly GPP at 0.05 degree in packed integers, one file a month, ten set-ups.

``CEDAR-GPP_<version>_<ST or LT>_<Baseline, CFE-ML or CFE-Hybrid>_<NT or DT>_<YYYYMM>.nc``. Values are int16 times
``SCALE_FACTOR`` with ``FILL_VALUE`` for missing: attributes that CF readers do not apply.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD
from tamrl.maps.products.assemble import UNSTATED, Field, ProductReading, read_fields
from tamrl.maps.products.sources import Source
from tamrl.schema import FLUX_UNIT

NAME = re.compile(
    r"^CEDAR-GPP_(?P<version>[^_]+)_(?P<term>ST|LT)_(?P<setup>Baseline|CFE-ML|CFE-Hybrid)_(?P<partition>NT|DT)"
    r"_(?P<year>\d{4})(?P<month>0[1-9]|1[0-2])\.(nc|zarr)$"
)
_PACKING = {"SCALE_FACTOR": 0.01, "FILL_VALUE": -9999.0}
ATTRS = {
    "title": "CEDAR-GPP",
    "source": "Gradient-boosted trees on eddy-covariance towers, satellites and ERA5-Land",
    "citation": "Kang, Y., Bassiouni, M., Gaber, M., Lu, X., and Keenan, T. F. (2025), Earth System Science Data 17, "
    "3009-3046",
    "doi": "10.5194/essd-17-3009-2025",
    "license": UNSTATED,
}


def set_up(name: str) -> str:
    """Return version, term, set-up and partitioning in the name of a file, empty where it is not such a name."""
    found = NAME.match(name)
    return "_".join(found.group("version", "term", "setup", "partition")) if found else ""


def steps_of(name: str) -> pd.DatetimeIndex | None:
    """Return the month in the name of a file; None where there is none."""
    found = NAME.match(name)
    return pd.DatetimeIndex([pd.Timestamp(int(found["year"]), int(found["month"]), 1)]) if found else None


def recognise(source: Source) -> bool:
    """Return whether a file is of this product, by its name or by its variable and its own packing attributes."""
    if NAME.match(source.name):
        return True
    return "GPP_mean" in source.ds and "SCALE_FACTOR" in source.ds["GPP_mean"].attrs


def read(sources: Sequence[Source]) -> ProductReading:
    """Return GPP and its spread of one set-up.

    Raises:
        TamrlError: files of several set-ups, or one without ``GPP_mean``.
    """
    setups = sorted({set_up(source.name) for source in sources} - {""})
    if len(setups) > 1:
        what = f"The files are of several set-ups: {', '.join(setups)}"
        raise TamrlError(what, "CEDAR-GPP", f"Choose one, for example with *_{setups[0]}_*.nc")
    pieces = []
    for source in sources:
        fields = {"GPP": _field(source.ds, "GPP_mean")}
        if "GPP_std" in source.ds:
            fields["GPP" + SD] = _field(source.ds, "GPP_std")
        pieces.append(read_fields(source, fields, steps_of(source.name)))
    attrs = dict(ATTRS)
    if "license" in sources[0].ds.attrs:
        attrs["license"] = str(sources[0].ds.attrs["license"])
    if setups:
        attrs["title"] = f"CEDAR-GPP {setups[0].split('_', 1)[1].replace('_', ' ')}"
        attrs["version"] = setups[0].split("_")[0]
    return ProductReading(pieces=pieces, attrs=attrs)


def _field(ds: xr.Dataset, name: str) -> Field:
    """Return how to unpack a variable; one stored as floats, or with a factor that CF knows, is unpacked already."""
    if name not in ds:
        return Field(variable=name)
    stored = np.dtype(ds[name].encoding.get("dtype", ds[name].dtype))
    if stored.kind not in "iu" or "scale_factor" in ds[name].encoding:
        return Field(variable=name, default=FLUX_UNIT)
    said = {str(key).upper(): value for key, value in ds[name].attrs.items()}
    scale, fill = (float(said.get(key, usual)) for key, usual in _PACKING.items())
    return Field(variable=name, default=FLUX_UNIT, scale=scale, fill=fill)
