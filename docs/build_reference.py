"""Write the tables of docs/reference/ that follow from the code; all else in these pages is written by hand.

Run ``python docs/build_reference.py`` after a change of the schema, the settings, the mappings or the results folder;
tests/test_docs.py fails where the pages are stale.
"""

import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tamrl import api
from tamrl.config import ModelConfig, TrainConfig
from tamrl.evaluation.results import TABLES
from tamrl.evaluation.temporal_scales import SCALES
from tamrl.maps.products.cf import KEYS
from tamrl.maps.products.registry import PRODUCTS
from tamrl.model.drivers import DERIVED
from tamrl.schema import DRIVERS, FLUX_UNIT, IGBP, KOEPPEN, UNKNOWN, VARIABLES
from tamrl.upscale.amounts import PERIODS
from tamrl.upscale.drivers.mapping import CLASSES, bundled_mappings, load_mapping

DOCS = Path(__file__).resolve().parent
#: Meaning and unit of the columns of a results folder.
COLUMNS = {
    "site": ("tower id", ""),
    "lat": ("latitude", "degrees north"),
    "lon": ("longitude", "degrees east"),
    "igbp": ("land-cover class", ""),
    "koeppen": ("climate class, one to three letters", ""),
    "network": ("regional network that runs the tower", ""),
    "days": ("valid days: of a tower in `sites`, in the cell of the histogram in `density`", ""),
    "design": ("how towers were held out: `igbp`, `koeppen`, `carbonfluxbench` or `carbonfluxbench-koeppen`", ""),
    "model": ("model; in `ablations` what was left out, in `cycles` also `observed`", ""),
    "shots": ("number of labelled days", ""),
    "placement": ("where in the record the support lies: `growing`, `dormant`, `random`; `all`: every valid day", ""),
    "flux": ("GPP, RECO or NEE", ""),
    "scale": ("time scale of what is scored, see below", ""),
    "n": ("number of scored values", ""),
    "r2": ("coefficient of determination, 1 - SSE / SST", "1"),
    "rmse": ("root mean square error", FLUX_UNIT),
    "mae": ("mean absolute error", FLUX_UNIT),
    "bias": ("predicted minus observed, mean", FLUX_UNIT),
    "kge": ("Kling-Gupta efficiency (Gupta et al. 2009)", "1"),
    "nmae": ("MAE over the mean absolute observation", "1"),
    "rae": ("sum of absolute errors over that of the observed mean as the prediction", "1"),
    "correlation": ("Pearson correlation", "1"),
    "sd_observed": ("standard deviation of the observed values", FLUX_UNIT),
    "sd_predicted": ("standard deviation of the predicted values", FLUX_UNIT),
    "mean_observed": ("mean of the observed values", FLUX_UNIT),
    "mean_predicted": ("mean of the predicted values", FLUX_UNIT),
    "coverage50": ("share of days inside the 50 % prediction interval", "1"),
    "coverage90": ("share of days inside the 90 % prediction interval", "1"),
    "width50": ("mean width of the 50 % prediction interval", FLUX_UNIT),
    "width90": ("mean width of the 90 % prediction interval", FLUX_UNIT),
    "crps": ("continuous ranked probability score", FLUX_UNIT),
    "spread": ("root mean square of the calibrated standard deviation; equal to `rmse` where it is right", FLUX_UNIT),
    "observed": ("middle of the bin of the observed flux, 0.5 wide", FLUX_UNIT),
    "predicted": ("middle of the bin of the predicted flux, 0.5 wide", FLUX_UNIT),
    "group": ("IGBP class, or `all`", ""),
    "month": ("calendar month, 1 to 12", ""),
    "mean": ("mean over towers of their monthly means", FLUX_UNIT),
    "sd": ("standard deviation between towers", FLUX_UNIT),
    "towers": ("number of towers", ""),
}
#: What one row of each table is.
ROWS = {
    "sites": "a scored tower",
    "scores": "a tower, model, number of labelled days, placement, flux and scale",
    "intervals": "the same for the prediction intervals of TAM-RL, daily values",
    "density": "a cell of the two-dimensional histogram of observed and predicted daily fluxes",
    "cycles": "a month of the mean seasonal cycle of a class of towers",
    "ablations": "as `scores`, one member without one part of the model, or without one group of drivers",
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (head, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def code(names: Iterable[str]) -> str:
    """Return names as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def meanings(cls: type) -> dict[str, str]:
    """Return the attributes that a docstring describes, each with its description in one line."""
    body = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")[2]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", body, re.MULTILINE)
    return {name: re.sub(r"``?([^`]+)``?", r"`\1`", " ".join(text.split()).rstrip(".")) for name, text in found}


def variables() -> str:
    """Return the table of variables, in the order of the schema."""
    rows = [
        (
            f"`{v.name}`",
            v.long_name,
            v.unit,
            f"{v.bounds[0]:g} to {v.bounds[1]:g}",
            v.role,
            v.resolution,
            code(v.columns),
            v.accepted_units,
            v.group,
        )
        for v in VARIABLES.values()
    ]
    head = ("name", "meaning", "unit", "bounds", "role", "resolution", "FLUXNET columns", "units of gridded files")
    return table((*head, "hidden together"), rows)


def derived() -> str:
    """Return the table of inputs that are computed."""
    return table(("name", "meaning"), [(f"`{name}`", meaning) for name, meaning in DERIVED.items()])


def classes() -> str:
    """Return the tables of the two classifications."""
    parts = [("IGBP", IGBP), ("Köppen", KOEPPEN)]
    return "\n\n".join(
        table((title, "meaning"), [*((f"`{k}`", v) for k, v in names.items()), (f"`{UNKNOWN}`", "not known")])
        for title, names in parts
    )


def in_words(hint: Any) -> str:
    """Return the type of a setting as a reader of YAML knows it."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(f"`{item.value}`" for item in hint)
    plain = {int: "integer", float: "number", str: "text", bool: "true or false"}
    if hint in plain:
        return plain[hint]
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if get_origin(hint) is tuple:
        many = "list of" if inner[-1] is Ellipsis else f"list of {len(inner)}"
        return {"text": f"{many} names", "number": f"{many} numbers"}[in_words(inner[0])]
    raise TypeError(f"No words for {hint!r}")


def settings(cls: type) -> str:
    """Return the table of the settings of one part of a configuration."""
    hints, meant, rows = get_type_hints(cls), meanings(cls), []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        value = field.default
        default = "[" + ", ".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value)
        default = default.lower() if isinstance(value, bool) else default
        rows.append((f"`{field.name}`", in_words(hints[field.name]), f"`{default}`", meant[field.name]))
    return table(("key", "type", "default", "meaning"), rows)


def mapping_drivers() -> str:
    """Return what each driver may be called and come in, with what the shipped mappings read."""
    shipped = {name: load_mapping(name).drivers for name in bundled_mappings()}
    rows = []
    for name in DRIVERS:
        cells = []
        for drivers in shipped.values():
            entry = drivers.get(name)
            point = entry.dew_point if entry else None
            unit = (point or entry).units if entry else ""  # type: ignore[union-attr]
            said = "dew point " + code(point.names) if point else code(entry.names) if entry else ""
            cells.append(f"{said} in {unit}" if unit else said)
        rows.append((f"`{name}`", VARIABLES[name].unit, VARIABLES[name].accepted_units, *cells))
    return table(("driver", "unit in the model", "units that are read", *(f"`{name}`" for name in shipped)), rows)


def mapping_keys() -> str:
    """Return the keys of one driver, with their meaning."""
    rows = [
        ("`variable`", "name or list of names", "variable in the files; of a list the first one found"),
        ("`units`", "text", "of its values; where absent, what the file says"),
        ("`average`", "`month`", "take the mean over each calendar month of finer steps"),
        (
            "`per`",
            code(PERIODS),
            "time over which an amount such as `m` or `J m-2` was summed; where absent, the file says it",
        ),
        (
            "`dew_point`",
            "`{variable, units}`",
            "of VPD alone, in place of all others: derive it from the dew point and temperature",
        ),
    ]
    return table(("key", "value", "meaning"), rows)


def mapping_classes() -> str:
    """Return the fields of classes, and whether they have codes."""
    meant = {
        "igbp": "land-cover class of a cell",
        "igbp_fraction": "shares of the classes of a cell (class, lat, lon); counts where there is `igbp`, too",
        "koeppen": "climate class of a cell",
        "land_fraction": "share of land of a cell",
    }
    rows = [
        (f"`{name}`", meant[name], "`variable`, `codes`" if coded else "`variable`") for name, coded in CLASSES.items()
    ]
    return table(("field", "meaning", "keys"), rows)


def products() -> str:
    """Return the table of products that are known."""
    rows = [(p.label, f"`{p.key}`", p.files.replace("*", "\\*")) for p in PRODUCTS.values()]
    return table(("product", "`--kind`", "files"), rows) + f"\n\nKeys of a mapping (`--kind cf`): {code(KEYS)}."


def results() -> str:
    """Return the tables of a results folder, and the meaning of their columns."""
    tables = [(f"`{name}.parquet`", ROWS[name], code(columns)) for name, columns in TABLES.items()]
    used = dict.fromkeys(column for columns in TABLES.values() for column in columns)
    columns = [(f"`{name}`", *COLUMNS[name]) for name in used]
    return table(("file", "one row is", "columns"), tables) + "\n\n" + table(("column", "meaning", "unit"), columns)


def scales() -> str:
    """Return the table of time scales."""
    return table(("scale", "what is scored"), [(f"`{name}`", meaning) for name, meaning in SCALES.items()])


def example() -> str:
    """Return the example of the public Python API."""
    text = inspect.cleandoc(api.__doc__ or "")
    found = re.search(r"(?m)^    import tamrl\n(?:(?:    .*)?\n)+", text)
    return f"```python\n{textwrap.dedent(found.group()).strip()}\n```" if found else ""


def functions() -> str:
    """Return the functions of the public Python API with their docstrings."""
    parts = []
    for name in api.__all__:
        function = getattr(api, name)
        if inspect.isfunction(function):
            about = inspect.cleandoc(function.__doc__ or "").replace("``", "`")
            signature = f"{name}({', '.join(inspect.signature(function).parameters)})"
            parts.append(f"### {name}\n\n`tamrl.{signature}`\n\n{_sections(about)}")
    return "\n\n".join(parts)


def _sections(text: str) -> str:
    """Return a docstring in Markdown: its arguments, results and errors as lists."""
    lines: list[str] = []
    for line in text.splitlines():
        if re.fullmatch(r"(Args|Returns|Raises):", line):
            lines += [f"**{line[:-1]}**", ""]
        elif found := re.fullmatch(r"    (\w+): (.*)", line):
            lines.append(f"- `{found[1]}`: {found[2]}")
        else:
            lines.append(f"  {line.strip()}" if line.startswith("        ") else line.strip())
    return "\n".join(lines)


#: Page -> part -> what writes it.
PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "reference/variables.md": {"variables": variables, "derived": derived, "classes": classes},
    "reference/configuration.md": {"model": lambda: settings(ModelConfig), "train": lambda: settings(TrainConfig)},
    "reference/drivers-mapping.md": {"keys": mapping_keys, "drivers": mapping_drivers, "classes": mapping_classes},
    "reference/results-folder.md": {"tables": results, "scales": scales},
    "reference/python-api.md": {"example": example, "functions": functions},
    "how-to/import-a-product.md": {"products": products},
}


def rebuilt(page: str, text: str) -> str:
    """Return a page with its generated parts written anew.

    Raises:
        ValueError: the page has no place for a part.
    """
    for name, write in PARTS[page].items():
        begin, end = f"<!-- {name}: generated by docs/build_reference.py -->", f"<!-- {name}: end -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"{page} needs the lines {begin} and {end} once each")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{write()}\n\n{end}{rest.partition(end)[2]}"
    return text


def main() -> None:
    """Write all pages."""
    for page in PARTS:
        file = DOCS / page
        file.write_text(rebuilt(page, file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
