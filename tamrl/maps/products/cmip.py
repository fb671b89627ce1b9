"""CMIP6 and TRENDY: ``gpp``, ``ra``, ``rh`` of a land model, kg m-2 s-1 of carbon; RECO = ra + rh.

``cell_methods`` says which area a flux refers to. "area: mean where land", as in CMIP6, is per area of land, and
``sftlf`` is its fraction; "area: mean", and "where land over all_area_types", are per area of the whole cell, and are
divided by ``sftlf`` where that is given. A file that does not say is taken to be per area of land, and a note says so.
``nbp`` contains fire, harvest and change of land use: it becomes ``NBE`` = -nbp, net biome exchange, never NEE.
"""

import re
from collections.abc import Sequence
from functools import partial

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.products.accounting import noted
from tamrl.maps.products.assemble import NBE, Field, ProductReading, attach_land, read_fields
from tamrl.maps.products.sources import Source

CMIP = re.compile(
    r"^(?P<variable>[A-Za-z0-9]+)_(?P<table>[A-Za-z0-9]+)_(?P<model>[A-Za-z0-9-]+)_(?P<experiment>[A-Za-z0-9-]+)"
    r"_(?P<member>r\d+i\d+p\d+(f\d+)?)(_(?P<grid>g[a-z0-9]+))?(_(?P<years>\d{4,8}-\d{4,8}))?\.(nc|zarr)$"
)
TRENDY = re.compile(
    r"^(?P<model>[A-Za-z0-9.-]+)_(?P<experiment>S[0-9]+)_(?P<variable>[A-Za-z0-9]+)(_[A-Za-z0-9-]+)?\.(nc|zarr)$"
)
_PARTS = {"gpp": "GPP", "ra": "RA", "rh": "RH", "nbp": NBE}
_LAND = "sftlf"
_UNIT = "kg m-2 s-1"
#: Cells with less land than this have no flux per area of it.
_LEAST_LAND = 1e-3


def recognise(source: Source) -> bool:
    """Return whether a file is model output, by its attributes, its name or its variables and their unit."""
    ds = source.ds
    if "mip_era" in ds.attrs or ds.attrs.get("project_id") == "CMIP5" or CMIP.match(source.name):
        return True
    if (found := TRENDY.match(source.name)) and found["variable"] in (*_PARTS, _LAND):
        return True
    return any(name in ds and str(ds[name].attrs.get("units", "")).startswith("kg") for name in _PARTS)


def run_of(source: Source) -> dict[str, str]:
    """Return model, experiment, member and grid of a file, by its attributes or its name; empty where not stated."""
    found = CMIP.match(source.name) or TRENDY.match(source.name)
    named = found.groupdict() if found else {}
    said = {"model": "source_id", "experiment": "experiment_id", "member": "variant_label", "grid": "grid_label"}
    return {key: str(source.ds.attrs.get(attr) or named.get(key) or "") for key, attr in said.items()}


def read(sources: Sequence[Source]) -> ProductReading:
    """Return the fluxes of one run of one model.

    Raises:
        TamrlError: several runs, ``nbp`` alone, no flux, or ``sftlf`` on another grid.
    """
    fluxes = [source for source in sources if any(name in source.ds.data_vars for name in _PARTS)]
    others = [source.name for source in sources if source not in fluxes and _LAND not in source.ds.data_vars]
    passed = [f"Skipped, no carbon fluxes: {', '.join(others)}."] if others else []
    assumed, converted = [], []
    _check_runs(fluxes, sources)
    pieces, per_cell, unsaid = [], set(), []
    for source in fluxes:
        fields = {}
        for name in (name for name in _PARTS if name in source.ds.data_vars):
            fields[_PARTS[name]] = Field(variable=name, default=_UNIT, sign=-1 if name == "nbp" else 1)
            whole = is_per_cell(str(source.ds[name].attrs.get("cell_methods", "")))
            if whole is None and "mip_era" not in source.ds.attrs:
                unsaid.append(name)
            elif whole:
                per_cell.add(_PARTS[name])
        pieces.append(read_fields(source, fields, land=_LAND))
    land = next((source for source in sources if _LAND in source.ds.data_vars), None)
    if land is not None:
        attach_land(pieces[0], land, _LAND)
    elif not per_cell:
        assumed.append("Without sftlf beside it, totals count whole cells on the coast: add the file of sftlf.")
    if unsaid:
        what = ", ".join(dict.fromkeys(unsaid))
        assumed.append(f"The reference area of {what} is not stated; taken as area of land.")
    if per_cell:
        done = "were divided by its land fraction" if land else "are left so, sea included: add the file of sftlf"
        converted.append(f"Fluxes per area of the cell {done}.")
    names = {name for source in fluxes for name in _PARTS if name in source.ds.data_vars}
    if "nbp" in names:
        converted.append("nbp contains fire, harvest and land use: it is given as NBE = -nbp, not as NEE.")
    report = noted(rejected=passed, missing=_missing(names), converted=converted, assumed=assumed)
    return ProductReading(
        pieces=pieces, attrs=_attrs(fluxes[0]), report=report, then=partial(_add_up, per_cell=per_cell)
    )


def is_per_cell(cell_methods: str) -> bool | None:
    """Return whether a flux is per area of the whole cell, by CF ``cell_methods``; None where that is not stated."""
    if not re.search(r"\barea:", cell_methods):
        return None
    return "where land" not in cell_methods or "over all_area_types" in cell_methods


def _check_runs(fluxes: Sequence[Source], sources: Sequence[Source]) -> None:
    if not fluxes:
        seen = ", ".join(source.name for source in sources[:6])
        raise TamrlError("The files hold none of gpp, ra, rh", seen, "Add gpp_*.nc, and ra_*.nc and rh_*.nc for NEE")
    runs = sorted({" ".join(filter(None, run_of(source).values())) for source in fluxes})
    if len(runs) > 1:
        raise TamrlError(f"The files are of several runs: {'; '.join(runs)}", "CMIP6 or TRENDY", "Give one run")
    names = {name for source in fluxes for name in _PARTS if name in source.ds.data_vars}
    if not names & {"gpp"} and not {"ra", "rh"} <= names:
        what = f"The files hold {', '.join(sorted(names))}, from which no flux can be made here"
        todo = "Add gpp, or ra and rh; nbp contains fire and land use and is not NEE"
        raise TamrlError(what, fluxes[0].name, todo)


def _missing(names: set[str]) -> list[str]:
    """Return what cannot be made of the variables that are there, in words."""
    lacking = [name for name in ("ra", "rh") if name not in names]
    return [f"There is no RECO or NEE: {' and '.join(lacking)} not given."] if lacking else []


def _add_up(ds: xr.Dataset, per_cell: set[str]) -> xr.Dataset:
    """Return the joined files with fluxes per area of land, and RECO = RA + RH."""
    if per_cell and "land_fraction" in ds:
        land = ds["land_fraction"].where(ds["land_fraction"] > _LEAST_LAND)
        ds = ds.assign({name: (ds[name] / land).astype(ds[name].dtype) for name in per_cell})
    if {"RA", "RH"} <= set(ds.data_vars):
        ds = ds.assign(RECO=ds["RA"] + ds["RH"])
    return ds.drop_vars(["RA", "RH"], errors="ignore")


def _attrs(source: Source) -> dict[str, str]:
    """Return provenance from the attributes that CMIP requires, and from the name for TRENDY."""
    run, said = run_of(source), source.ds.attrs
    trendy = not ("mip_era" in said or CMIP.match(source.name)) and bool(TRENDY.match(source.name))
    project = "TRENDY" if trendy else str(said.get("mip_era", "CMIP"))
    attrs = {
        "title": " ".join(filter(None, (project, run["model"], run["experiment"], run["member"]))),
        "source": str(said.get("source", run["model"])).splitlines()[0].strip(" :"),
        "license": str(said.get("license", "As set by the modelling centre")),
        "version": str(said.get("version", "")),
    }
    if trendy:
        attrs["citation"] = "Sitch, S., et al. (2024), Global Biogeochemical Cycles 38, e2024GB008102"
        attrs["doi"] = "10.1029/2024GB008102"
    else:
        attrs["citation"] = " ".join(
            filter(
                None, (str(said.get("institution", "")), run["model"], run["experiment"], str(said.get("version", "")))
            )
        )
        # Of CMIP6 itself: Eyring et al. 2016.
        attrs["doi"] = "10.5194/gmd-9-1937-2016"
    return attrs
