"""Any CF NetCDF or Zarr, with a mapping that says which variable is which flux.

GPP: {variable: gpp_estimate, unit: gC m-2 d-1}
NEE: {variable: nep, unit: kg m-2 s-1, sign: -1}
GPP_sd: gpp_uncertainty
land_fraction: {variable: landmask, unit: "%"}
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tamrl.errors import TamrlError
from tamrl.globe.contract import SD
from tamrl.maps.products.assemble import Field, ProductReading, attach_land, read_fields
from tamrl.maps.products.naming import steps_named
from tamrl.maps.products.sources import Source
from tamrl.maps.products.units import parse_unit
from tamrl.schema import FLUXES

KEYS = (*FLUXES, *(flux + SD for flux in FLUXES), "land_fraction")
_ENTRY = ("variable", "unit", "sign")
_LAND = "land_fraction"
_EXAMPLE = "Write for example {GPP: {variable: gpp, unit: 'gC m-2 d-1', sign: 1}}"


def parse_mapping(mapping: Mapping[str, Any] | str | Path) -> dict[str, Field]:
    """Return a mapping as fields, checked.

    Args:
        mapping: flux -> variable, or flux -> {variable, unit, sign}; or the path of a YAML file of that.

    Raises:
        TamrlError: the file cannot be read, a key or an entry is not known, a unit or a sign is impossible.
    """
    where = "mapping" if isinstance(mapping, Mapping) else Path(mapping).name
    if not isinstance(mapping, Mapping):
        try:
            mapping = yaml.safe_load(Path(mapping).expanduser().read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise TamrlError(f"The mapping cannot be read: {error}", where, _EXAMPLE) from error
    if not isinstance(mapping, Mapping) or not mapping:
        raise TamrlError("The mapping names no flux", where, _EXAMPLE)
    fields = {}
    for key, entry in mapping.items():
        if key not in KEYS:
            raise TamrlError(f"The mapping has an unknown key {key!r}", where, f"Known keys: {', '.join(KEYS)}")
        entry = {"variable": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping) or not isinstance(entry.get("variable"), str):
            raise TamrlError(f"{key} names no variable", where, _EXAMPLE)
        if unknown := [str(name) for name in entry if name not in _ENTRY]:
            what = f"{key} has an unknown entry {unknown[0]!r}"
            raise TamrlError(what, where, f"Known entries: {', '.join(_ENTRY)}")
        sign, unit = entry.get("sign", 1), str(entry.get("unit", ""))
        if sign not in (1, -1) or (sign == -1 and (key.endswith(SD) or key == _LAND)):
            raise TamrlError(f"{key} cannot have the sign {sign!r}", where, "Give 1 or -1, and -1 to a flux only")
        if unit and key != _LAND:
            parse_unit(unit, f"{where}, {key}")
        fields[str(key)] = Field(variable=entry["variable"], unit=unit, sign=int(sign), stated="sign" in entry)
    if not set(fields) & set(FLUXES):
        raise TamrlError("The mapping names none of GPP, RECO and NEE", where, _EXAMPLE)
    return fields


def recognise(source: Source) -> bool:
    """Return False: these files are recognised by their mapping alone."""
    return False


def read(sources: Sequence[Source], mapping: Mapping[str, Any] | str | Path) -> ProductReading:
    """Return the fluxes that the mapping names, each from the files that have it.

    Raises:
        TamrlError: the mapping is not valid, or names a variable that no file has.
    """
    fields = parse_mapping(mapping)
    for key, one in fields.items():
        if not any(one.variable in source.ds.variables for source in sources):
            seen = sorted({str(name) for source in sources for name in source.ds.data_vars})
            what = f"No file has the variable {one.variable!r} for {key}"
            raise TamrlError(what, sources[0].name, f"There are {', '.join(seen) or 'none'}")
    land = fields.pop(_LAND, None)
    pieces = []
    for source in sources:
        if here := {key: one for key, one in fields.items() if one.variable in source.ds.data_vars}:
            pieces.append(read_fields(source, here, steps_named(source.name), land=""))
    if land is not None:
        holder = next(source for source in sources if land.variable in source.ds.variables)
        attach_land(pieces[0], holder, land.variable, land.unit)
    said = sources[0].ds.attrs
    attrs = {
        "title": str(said.get("title", sources[0].path.stem)),
        "source": str(said.get("source", sources[0].name)),
        "citation": str(said.get("citation", said.get("references", "not given by the file"))),
        "license": str(said.get("license", said.get("licence", "not given by the file"))),
        "version": str(said.get("version", said.get("product_version", ""))),
    }
    if "doi" in said:
        attrs["doi"] = str(said["doi"])
    stated = frozenset(key for key, one in fields.items() if one.stated)
    return ProductReading(pieces=pieces, attrs=attrs, signed="NEE" in stated, stated=stated)
