"""MetaFlux (Nathaniel et al. 2023): GPP and RECO at 0.25 degree with the spread of an ensemble; no NEE.

``METAFLUX_GPP_RECO_monthly_{Y}.nc`` and ``..._daily_{Y}{MM}.nc``; the attribute of units is ``$gCm^{-2}d^{-1}$``.
"""

import re
from collections.abc import Sequence

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD
from tamrl.maps.products.assemble import UNSTATED, Field, ProductReading, read_fields
from tamrl.maps.products.sources import Source
from tamrl.schema import FLUX_UNIT

NAME = re.compile(
    r"^METAFLUX_GPP_RECO_(?P<step>monthly|daily)_(?P<year>\d{4})(?P<month>0[1-9]|1[0-2])?\.(nc|zarr)$", re.IGNORECASE
)
ATTRS = {
    "title": "MetaFlux",
    "source": "Ensemble of meta-learned networks on eddy-covariance towers, ERA5 and MODIS",
    "citation": "Nathaniel, J., Liu, J., and Gentine, P. (2023), Scientific Data 10, 440",
    "doi": "10.1038/s41597-023-02349-y",
    "license": UNSTATED,
}


def steps_of(name: str) -> pd.DatetimeIndex | None:
    """Return the steps in the name of a file; None where there are none."""
    found = NAME.match(name)
    if found is None:
        return None
    start = pd.Timestamp(int(found["year"]), int(found["month"] or 1), 1)
    stop = start + (pd.offsets.MonthEnd() if found["month"] else pd.offsets.YearEnd())
    return pd.date_range(start, stop, freq="MS" if found["step"].lower() == "monthly" else "D")


def recognise(source: Source) -> bool:
    """Return whether a file is of this product, by its name or by its four variables."""
    return bool(NAME.match(source.name)) or {"GPP", "GPP_std", "RECO", "RECO_std"} <= set(source.ds.data_vars)


def read(sources: Sequence[Source]) -> ProductReading:
    """Return the fluxes of monthly or of daily files.

    Raises:
        TamrlError: both kinds together, or a file without GPP and RECO.
    """
    kinds = {found["step"].lower() for source in sources if (found := NAME.match(source.name))}
    if len(kinds) > 1:
        raise TamrlError(
            "Monthly and daily files are mixed", "MetaFlux", "Give one kind, for example with *_monthly_*.nc"
        )
    pieces = []
    for source in sources:
        fields = {}
        for flux in ("GPP", "RECO"):
            fields[flux] = Field(variable=flux, default=FLUX_UNIT)
            if f"{flux}_std" in source.ds:
                unit = str(source.ds[flux].attrs.get("units", FLUX_UNIT)) if flux in source.ds else FLUX_UNIT
                fields[flux + SD] = Field(variable=f"{flux}_std", default=unit)
        pieces.append(read_fields(source, fields, steps_of(source.name)))
    said = {key: str(sources[0].ds.attrs[key]) for key in ("license", "version") if key in sources[0].ds.attrs}
    return ProductReading(pieces=pieces, attrs=ATTRS | said)
