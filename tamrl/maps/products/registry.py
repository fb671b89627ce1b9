"""The products that are known, how each is recognised, and the one way to open any of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.products import cams, carbontracker, cedar, cf, cmip, maps, metaflux, oco2mip, xbase
from tamrl.maps.products.accounting import collect
from tamrl.maps.products.assemble import ProductReading, finish
from tamrl.maps.products.join import listed
from tamrl.maps.products.sources import Paths, Source, find, open_source, open_sources

# In capitals: models simulate, and say so, without being synthetic data for a demonstration.
_MADE_UP = re.compile(r"\bSIMULATED\b|\b(?i:synthetic)\b")


@dataclass(frozen=True)
class Product:
    """One family of files.

    Attributes:
        key: name of its kind.
        label: name in words.
        files: what its files are called.
        recognise: returns whether an opened file belongs to it.
        read: reads its files; None where the files are maps already.
    """

    key: str
    label: str
    files: str
    recognise: Callable[[Source], bool]
    read: Callable[..., ProductReading] | None


#: In the order in which they are tried.
PRODUCTS: dict[str, Product] = {
    product.key: product
    for product in (
        Product(
            "maps",
            "Maps of this project",
            "*.nc or *.zarr with the attributes kind and simulated",
            maps.recognise,
            None,
        ),
        Product("fluxcom-x-base", "FLUXCOM-X-BASE", "GPP_2015_050_monthly.nc", xbase.recognise, xbase.read),
        Product("metaflux", "MetaFlux", "METAFLUX_GPP_RECO_monthly_2015.nc", metaflux.recognise, metaflux.read),
        Product("cedar-gpp", "CEDAR-GPP", "CEDAR-GPP_v01_ST_Baseline_NT_201507.nc", cedar.recognise, cedar.read),
        Product(
            "carbontracker", "CarbonTracker", "CT2022.flux1x1-monthly.nc", carbontracker.recognise, carbontracker.read
        ),
        Product("cams", "CAMS inversion", "cams73_latest_co2_flux_surface_mm_202001.nc", cams.recognise, cams.read),
        Product("oco2-mip", "OCO-2 MIP", "EnsMean_gridded_fluxes_LNLG.nc4", oco2mip.recognise, oco2mip.read),
        Product("cmip", "CMIP6 or TRENDY", "gpp_Lmon_*.nc, MODEL_S3_gpp.nc", cmip.recognise, cmip.read),
        Product("cf", "Any CF NetCDF or Zarr", "any, with a mapping", cf.recognise, cf.read),
    )
}
AUTO = "auto"


def open_product(paths: Paths, kind: str = AUTO, mapping: Mapping[str, Any] | str | Path | None = None) -> xr.Dataset:
    """Open a gridded product as maps: one Dataset (time, lat, lon) in gC m-2 d-1, lazy, with its provenance.

    No flux is read, except for samples of a summer month to check values and signs.

    Args:
        paths: files, Zarr stores, folders or patterns with ``*``.
        kind: a key of ``PRODUCTS``, or ``auto`` to detect it; with a mapping ``auto`` means ``cf``.
        mapping: flux -> {variable, unit, sign}, or a YAML file of it; only for ``cf``, see ``products.cf``.

    Returns:
        Maps that meet the contract of ``tamrl.globe.contract``. Attributes: title, source, citation, doi, license,
        version, files, product, kind, simulated, derived, notes. CMIP6 and TRENDY may have ``NBE``, too;
        atmospheric inversions have it alone.

    Raises:
        TamrlError: the kind is not known, or a file cannot be read, is not recognised, does not fit the others or holds
            impossible values; the message has what was found.
    """
    _check_kind(kind, mapping is not None)
    sources = open_sources(find(paths))
    notes: list[str] = []
    if mapping is not None:
        kind = "cf"
    elif kind == AUTO:
        kind, sources, notes = _recognised(sources)
    else:
        chosen = [source for source in sources if PRODUCTS[kind].recognise(source)]
        others = [source.name for source in sources if source not in chosen] if chosen else []
        sources, notes = chosen or sources, _passed_over(others)
    product = PRODUCTS[kind]
    if product.read is None:
        found = maps.open_maps(sources).assign_attrs(files=listed([source.name for source in sources]))
        found.set_close(partial(_close, sources))
        return found
    reading = product.read(sources, mapping) if kind == "cf" else product.read(sources)
    collect(reading.report, sources, reading.attrs["title"])
    for words in notes:
        reading.report.rejected(reading.attrs["title"], words)
    reading.attrs |= {
        "product": kind,
        "simulated": int(is_simulated(sources)),
        "files": listed([source.name for source in sources]),
    }
    where = product.label if len(sources) > 1 else sources[0].name
    found = finish(reading, where)
    found.set_close(partial(_close, sources))
    return found


def _check_kind(kind: str, mapped: bool) -> None:
    """Check that a kind of product is known and has a mapping where it needs one.

    Raises:
        TamrlError: it is not known, or lacks its mapping.
    """
    if kind != AUTO and kind not in PRODUCTS:
        raise TamrlError(f"There is no kind of product {kind!r}", "product", f"Known: {AUTO}, {', '.join(PRODUCTS)}")
    if mapped and kind not in (AUTO, "cf"):
        raise TamrlError(f"{PRODUCTS[kind].label} takes no mapping", "product", "Leave it out, or choose the kind 'cf'")
    if kind == "cf" and not mapped:
        raise TamrlError("The kind 'cf' needs a mapping", "product", "Say which variable is GPP, RECO or NEE")


def _close(sources: Sequence[Source]) -> None:
    for source in sources:
        source.ds.close()


def detect(paths: Paths) -> str:
    """Return the kind of product that files are.

    Raises:
        TamrlError: they cannot be read, are of no known product, or of several.
    """
    return _recognised([open_source(path) for path in find(paths)])[0]


def _recognised(sources: Sequence[Source]) -> tuple[str, list[Source], list[str]]:
    """Return the one product that the files are of, its files, and a note on the others."""
    kinds = {s.path: next((p.key for p in PRODUCTS.values() if p.recognise(s)), "") for s in sources}
    found = sorted(set(kinds.values()) - {""})
    if not found:
        known = "; ".join(f"{p.label} ({p.files})" for p in PRODUCTS.values())
        raise TamrlError(
            f"No known product in {listed([s.name for s in sources])}: {_seen(sources[0])}",
            sources[0].name,
            f"Known are {known}. For any other give a mapping such as {{GPP: {{variable: NAME, unit: 'gC m-2 d-1'}}}}",
        )
    if len(found) > 1:
        named = "; ".join(
            f"{PRODUCTS[key].label}: {listed([s.name for s in sources if kinds[s.path] == key])}" for key in found
        )
        raise TamrlError(f"The files are of several products: {named}", "product", "Open one product at a time")
    kept = [source for source in sources if kinds[source.path]]
    return found[0], kept, _passed_over([source.name for source in sources if not kinds[source.path]])


def _passed_over(names: Sequence[str]) -> list[str]:
    return [f"Skipped, not of this product: {listed(names)}."] if names else []


def _seen(source: Source) -> str:
    """Return the variables, units and sizes of a file, in words."""
    held = [f"{name} [{array.attrs.get('units', 'no unit')}]" for name, array in source.ds.data_vars.items()]
    sizes = ", ".join(f"{dim} {size}" for dim, size in source.ds.sizes.items())
    more = f" and {len(held) - 8} more" if len(held) > 8 else ""
    return f"it holds {', '.join(held[:8]) or 'no variable'}{more} over {sizes or 'nothing'}"


def is_simulated(sources: Sequence[Source]) -> bool:
    """Return whether any file states that its values are synthetic: an attribute, or a word in its title or comment."""
    for source in sources:
        said = source.ds.attrs
        if str(said.get("simulated", 0)).strip().lower() in ("1", "true", "yes"):
            return True
        if any(_MADE_UP.search(str(said.get(key, ""))) for key in ("title", "comment", "summary")):
            return True
    return False
