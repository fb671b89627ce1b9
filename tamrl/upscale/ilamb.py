"""Maps as files for ILAMB (Collier et al. 2018, doi:10.1029/2018MS001354): one flux a file, kg m-2 s-1, CF with bounds.

``gpp.nc`` and ``reco.nc`` are positive. ``nee.nc`` is positive to the atmosphere, as ILAMB's nee (RECO - GPP) and as
everywhere in this project. CF's surface_net_downward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_all_land_
processes is of opposite sign and includes fire and land use, so neither nee nor reco has a standard name. Fluxes are
those of the land of a cell; ``sftlf.nc`` has its land fraction in percent.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.contract import add_bounds, fluxes_of
from tamrl.system.netcdf import write_netcdf

#: kg m-2 s-1 in one gC m-2 d-1.
TO_SI = 1e-3 / 86_400
UNIT = "kg m-2 s-1"
_ABOUT = {
    "GPP": (
        "gpp",
        "Carbon mass flux out of atmosphere due to gross primary production on land",
        "gross_primary_productivity_of_biomass_expressed_as_carbon",
    ),
    "RECO": ("reco", "Carbon mass flux into atmosphere due to ecosystem respiration on land", ""),
    "NEE": ("nee", "Net ecosystem exchange of carbon, RECO - GPP, positive into the atmosphere", ""),
}
_FILL = np.float32(1e20)
#: Values that are in memory at once.
_VALUES = 1 << 24


def export(maps: Path, folder: Path) -> list[Path]:
    """Write upscaled maps as ILAMB reads them.

    Args:
        maps: Zarr that ``tamrl upscale`` wrote.
        folder: where the files go; made where it is not there.

    Returns:
        The files written.

    Raises:
        TamrlError: the maps cannot be read, or the folder cannot be written.
    """
    try:
        ds = xr.open_zarr(maps, chunks={}, consolidated=None)
    except (OSError, ValueError) as error:
        raise TamrlError(f"The maps cannot be read: {error}", str(maps), "Give maps made by tamrl upscale") from error
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for flux in fluxes_of(ds):
            written.append(_write(ds, flux, folder))
        if "land_fraction" in ds:
            written.append(_write_land(ds, folder / "sftlf.nc"))
    except OSError as error:
        raise TamrlError(
            f"The files cannot be written: {error}", str(folder), "Free space or give another --ilamb"
        ) from error
    return written


def _write(ds: xr.Dataset, flux: str, folder: Path) -> Path:
    name, label, standard = _ABOUT[flux]
    field = (ds[flux] * np.float32(TO_SI)).astype(np.float32).rename(name)
    field.attrs = {"units": UNIT, "long_name": label, "cell_methods": "area: mean where land time: mean"}
    if standard:
        field.attrs["standard_name"] = standard
    if flux == "NEE":
        field.attrs["comment"] = (
            "Positive values are a source to the atmosphere; -NEE is nep, without fire and land use"
        )
    kept = ("title", "source", "citation", "license", "simulated", "climatology", "checkpoint", "checkpoint_sha256")
    attrs = {"Conventions": "CF-1.11"} | {k: ds.attrs[k] for k in kept if k in ds.attrs}
    days = {"units": "days since 1850-01-01", "calendar": "standard", "dtype": "float64", "_FillValue": None}
    plain = {n: {"_FillValue": None} for n in ("lat", "lon", "lat_bnds", "lon_bnds")}
    about = {"_FillValue": _FILL, "zlib": True, "complevel": 1, "dtype": "float32"}
    steps = max(1, _VALUES // (ds.sizes["lat"] * ds.sizes["lon"]))
    target = folder / f"{name}.nc"
    out = add_bounds(field.chunk({"time": steps}).to_dataset().assign_attrs(attrs)).drop_encoding()
    partial = target.with_suffix(".partial")
    # One thread: what is in memory at once stays what one block takes.
    import dask

    with dask.config.set(scheduler="synchronous"):
        write_netcdf(
            out, partial, unlimited_dims=["time"], encoding={name: about, "time": days, "time_bnds": days} | plain
        )
    partial.replace(target)
    return target


def _write_land(ds: xr.Dataset, target: Path) -> Path:
    land = (ds["land_fraction"].fillna(0) * 100).astype(np.float32).rename("sftlf")
    land.attrs = {"units": "%", "standard_name": "land_area_fraction", "long_name": "Percentage of land"}
    out = add_bounds(land.to_dataset().assign_attrs({"Conventions": "CF-1.11"})).drop_encoding()
    write_netcdf(out, target)
    return target
