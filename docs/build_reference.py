"""Write the pages of docs/reference that say what the code says: ``python docs/build_reference.py``.

A test holds them against the code, so that they cannot fall behind.
"""

import dataclasses
import inspect
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from tamrl import config, schema  # noqa: E402
from tamrl.evaluation import results  # noqa: E402
from tamrl.globe import contract  # noqa: E402
from tamrl.model.drivers import DERIVED  # noqa: E402
from tamrl.upscale.drivers import mapping  # noqa: E402

MADE = "<!-- Made by docs/build_reference.py from the code; change it there. -->\n"


def cell(value: object) -> str:
    """Return a value as a cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", "\\|")


def table(head: tuple[str, ...], rows: list[tuple]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines) + "\n"


def attributes(cls: type) -> dict[str, str]:
    """Return what the docstring of a class says of each attribute."""
    text = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): ((?:.*\n?)(?:^        .*\n?)*)", text + "\n", re.MULTILINE)
    return {name: " ".join(said.split()) for name, said in found}


def plain(text: str) -> str:
    """Return a docstring as Markdown: double backticks are single ones there."""
    return inspect.cleandoc(text).replace("``", "`")


def variables() -> str:
    """Return the page of variables and classes."""
    rows = [
        (
            f"`{v.name}`",
            v.long_name,
            v.unit,
            f"{v.bounds[0]:g} to {v.bounds[1]:g}",
            v.role,
            v.resolution,
            ", ".join(f"`{c}`" for c in v.columns),
            v.accepted_units,
        )
        for v in schema.VARIABLES.values()
    ]
    head = ("name", "meaning", "unit", "bounds", "role", "resolution", "FLUXNET columns", "units of gridded files")
    parts = [
        "# Variables and classes\n",
        MADE,
        "Fluxes are in gC m-2 d-1; NEE = RECO - GPP, negative for uptake. Values outside the bounds become missing "
        "and are counted.\n",
        table(head, rows),
        "## Drivers that are computed\n",
        table(("name", "what it is"), [(f"`{name}`", text) for name, text in DERIVED.items()]),
        "## Land-cover classes (IGBP)\n",
        table(("code", "class"), list(schema.IGBP.items())),
        "## Main groups of the Köppen-Geiger classification\n",
        table(("code", "group"), list(schema.KOEPPEN.items())),
    ]
    return "\n".join(parts)


def configuration() -> str:
    """Return the page of settings of a training."""
    parts = [
        "# Configuration\n",
        MADE,
        "`tamrl train --config settings.yaml` reads YAML with the keys below, under `model` and `train`. What is left "
        "out has its default; a key that is not known is an error. The settings are kept beside every checkpoint, in "
        "`ensemble.yaml`.\n",
    ]
    for name, cls in (("model", config.ModelConfig), ("train", config.TrainConfig)):
        said = attributes(cls)
        rows = []
        for field in dataclasses.fields(cls):
            default = getattr(cls(), field.name)
            shown = list(default) if isinstance(default, tuple) else default
            rows.append((f"`{field.name}`", f"`{shown}`", said[field.name]))
        parts += [f"## `{name}`\n", table(("key", "default", "meaning"), rows).replace("``", "`")]
    return "\n".join(parts)


def results_folder() -> str:
    """Return the page of the results folder."""
    rows = [(f"`{name}.parquet`", ", ".join(f"`{c}`" for c in columns)) for name, columns in results.TABLES.items()]
    scores = [(f"`{m.name}`", m.label, m.unit, m.best) for m in results.METRICS.values()]
    return "\n".join(
        [
            "# Results folder\n",
            MADE,
            plain(results.__doc__ or "") + "\n",
            "## Tables and their columns\n",
            table(("table", "columns"), rows),
            "## Scores\n",
            table(("column", "label", "unit", "better"), scores),
            "## Time scales\n",
            ", ".join(f"`{scale}`" for scale in results.SCALES) + ".\n",
        ]
    )


def drivers_mapping() -> str:
    """Return the page of mappings of gridded drivers."""
    said = attributes(mapping.DriverEntry)
    keys = {"names": "variable", "units": "units", "average": "average: month", "per": "per", "dew_point": "dew_point"}
    shipped = mapping.bundled_mappings()["era5land-modis"].read_text("utf-8")
    return "\n".join(
        [
            "# Mapping of gridded drivers\n",
            MADE,
            plain(mapping.__doc__ or "") + "\n",
            table(("key", "meaning"), [(f"`{keys[name]}`", text) for name, text in said.items()]).replace("``", "`"),
            f"Fields of classes that a mapping may name: {', '.join(f'`{name}`' for name in mapping.CLASSES)}.\n",
            "## The mapping that comes with the project: `--mapping era5land-modis`\n",
            f"```yaml\n{shipped.rstrip()}\n```\n",
        ]
    )


def maps_contract() -> str:
    """Return the page of what maps are."""
    return "\n".join(["# What a set of maps is\n", MADE, plain(contract.__doc__ or "") + "\n"])


def python_api() -> str:
    """Return the page of the public Python API."""
    from tamrl import api

    about, _, example = inspect.cleandoc(api.__doc__ or "").partition("\n\n")
    code, _, end = example.partition("\n\nFluxes")
    code = inspect.cleandoc("\n" + code)
    parts = ["# Python API\n", MADE, plain(about) + "\n", f"```python\n{code}\n```\n", plain("Fluxes" + end) + "\n"]
    for name in api.__all__:
        function = getattr(api, name)
        if inspect.isfunction(function):
            parts += [f"## `tamrl.{name}`\n", f"```python\n{name}{inspect.signature(function)}\n```\n"]
            parts += [_sections(function.__doc__ or "")]
    return "\n".join(parts)


def _sections(text: str) -> str:
    """Return a docstring with its arguments as a list."""
    out = []
    for line in plain(text).split("\n"):
        if re.fullmatch(r"(Args|Returns|Raises):", line):
            out += [f"**{line[:-1]}**", ""]
        elif found := re.match(r"    (\w+): (.*)", line):
            out.append(f"- `{found[1]}`: {found[2]}")
        else:
            out.append(line.replace("        ", "  ", 1) if line.startswith("        ") else line.strip())
    return "\n".join(out) + "\n"


PAGES = {
    "python-api": python_api,
    "variables": variables,
    "configuration": configuration,
    "results-folder": results_folder,
    "drivers-mapping": drivers_mapping,
    "maps-contract": maps_contract,
}


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (DOCS / "reference" / f"{name}.md").write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
