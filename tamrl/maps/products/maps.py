"""Files that already meet the contract of ``tamrl.globe.contract``: upscaled, bundled, or exported."""

from collections.abc import Sequence

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD, check_maps, fluxes_of, to_grid
from tamrl.maps.products.join import join
from tamrl.maps.products.sources import Source
from tamrl.schema import FLUX_UNIT, FLUXES


def recognise(source: Source) -> bool:
    """Return whether a file is a set of maps of this project."""
    ds = source.ds
    ours = any(name in ds and ds[name].attrs.get("units") == FLUX_UNIT for name in FLUXES)
    return ours and {"kind", "simulated"} <= set(ds.attrs) and set(ds.dims) >= {"time", "lat", "lon"}


def open_maps(sources: Sequence[Source]) -> xr.Dataset:
    """Return maps from one file, or from files that each hold part of their time; the first gives what has no time.

    Raises:
        TamrlError: they do not meet the contract, or do not fit together.
    """
    every = [_dated(source) for source in sources]
    first = every[0]
    where = sources[0].name if len(sources) == 1 else f"{sources[0].name} and {len(sources) - 1} more"
    if len(sources) > 1:
        pieces = [
            ds[_over_time(ds)].assign_attrs(file=s.name, step="maps") for s, ds in zip(sources, every, strict=True)
        ]
        joined = join(pieces)
        rest = first[[str(name) for name in first.data_vars if "time" not in first[name].dims]]
        joined = joined.merge(rest.assign_coords(lat=joined["lat"], lon=joined["lon"]), compat="override")
        joined.attrs = dict(first.attrs)
        for name in joined.data_vars:
            joined[name].attrs = dict(first[name].attrs) if name in first else joined[name].attrs
    else:
        joined = first
    return check_maps(to_grid(joined, where), where)


def _dated(source: Source) -> xr.Dataset:
    """Return the content of a file with its times as dates."""
    try:
        return xr.decode_cf(source.ds, mask_and_scale=False, concat_characters=False, decode_timedelta=False)
    except (ValueError, OverflowError) as error:
        what = f"The times cannot be understood: {error}"
        raise TamrlError(what, source.name, "Give CF times such as 'days since'") from error


def _over_time(ds: xr.Dataset) -> list[str]:
    """Return the fields over time: the fluxes and their spreads."""
    names = [name for flux in fluxes_of(ds) for name in (flux, flux + SD) if name in ds]
    return names or [str(name) for name in ds.data_vars]
