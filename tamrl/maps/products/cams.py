"""The CO2 inversion of CAMS (Chevallier et al.): monthly surface fluxes, one file a month.

``cams73_latest_co2_flux_surface_mm_YYYYMM.nc``, ``..._FT23r3_ra_sfc_mm_co2_flux.nc`` with the month in front, and other
orders of the same words. Variables over (latitude, longitude), without a time axis: ``flux_apos_bio`` (optimised,
land), ``flux_apos_ocean``, ``flux_apri_...``, ``flux_foss``, kgC m-2 month-1 and positive into the atmosphere; ``area``
(m2) and ``lsf`` (land fraction). Names, unit, and that the month is in the file name alone were checked in public
reading code of several groups (NCAR/so-co2-airborne-obs among them); the files themselves require an account.

Fossil fuel is imposed and separate; all other exchange of land, fires included, is in ``flux_apos_bio``: it is NBE, per
area of the whole cell.
"""

import re
from collections.abc import Sequence

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.globe.contract import NBE
from tamrl.maps.products.accounting import noted
from tamrl.maps.products.assemble import UNSTATED, Field, ProductReading, read_fields
from tamrl.maps.products.join import land_only
from tamrl.maps.products.sources import Source

BIO = "flux_apos_bio"
_MONTH = re.compile(r"(?<!\d)(?P<year>(19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?!\d)")
_VERSION = re.compile(r"(?<![A-Za-z0-9])(?P<version>(v|FT)\d{2}r\d)(?![A-Za-z0-9])")
_KIND = re.compile(r"satellite|surface")
ATTRS = {
    "title": "CAMS inversion",
    "source": "Atmospheric inversion of the Copernicus service CAMS: PyVAR, LMDZ",
    "citation": "Chevallier, F., et al. (2005), Journal of Geophysical Research 110, D24309",
    "doi": "10.1029/2005JD006390",
    "license": UNSTATED,
}
NOTE = "NBE is the optimised flux of land, fires included, per area of the whole cell; fossil fuel is apart."


def steps_of(name: str) -> pd.DatetimeIndex | None:
    """Return the month in the name of a file; None where there is none."""
    found = _MONTH.search(name)
    return pd.DatetimeIndex([pd.Timestamp(int(found["year"]), int(found["month"]), 1)]) if found else None


def recognise(source: Source) -> bool:
    """Return whether a file is of this product, by its variable."""
    return BIO in source.ds.data_vars


def read(sources: Sequence[Source]) -> ProductReading:
    """Return NBE of the months of one release.

    Raises:
        TamrlError: files of several releases or kinds of observations.
    """
    sets = sorted({" ".join(filter(None, _release(source.name))) for source in sources})
    if len(sets) > 1:
        raise TamrlError(f"The files are of several releases: {', '.join(sets)}", "CAMS inversion", "Give one")
    pieces = [
        read_fields(source, {NBE: Field(variable=BIO, default="kgC m-2 month-1")}, steps_of(source.name), land="")
        for source in sources
    ]
    version, kind = _release(sources[0].name)
    attrs = ATTRS | {"title": " ".join(filter(None, ("CAMS inversion", version, kind))), "version": version}
    return ProductReading(pieces=pieces, attrs=attrs, report=noted(converted=[NOTE]), then=land_only)


def _release(name: str) -> tuple[str, str]:
    """Return the release and the kind of observations that a name says, empty where it does not."""
    version, kind = _VERSION.search(name), _KIND.search(name)
    return version["version"] if version else "", kind[0] if kind else ""
