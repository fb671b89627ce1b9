"""The project as a whole: what imports what, and that README, requirements and assets say what is there."""

import ast
import json
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "tamrl").rglob("*.py")])


def imported(path):
    """Top-level names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def requirements(name="requirements.txt"):
    """Lines that name a package."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


def distribution(line):
    return re.match(r"[\w.-]+", line).group().lower().replace("_", "-")


def test_nothing_prints():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
            assert called != "print", f"{path}:{node.lineno}"


def test_every_import_is_required_and_every_requirement_is_imported():
    names = {name for path in SOURCES for name in imported(path)} - sys.stdlib_module_names - {"tamrl"}
    known = packages_distributions()
    used = {dist.lower().replace("_", "-") for name in names for dist in known[name]}
    required = {distribution(line) for line in requirements()}
    twins = {"xgboost", "xgboost-cpu"}  # the same module: one on macOS, the other elsewhere
    engines = {"netcdf4", "zarr", "pyarrow", "scikit-learn"}  # xarray, pandas and xgboost load these
    assert used - twins <= required
    assert required - twins - engines <= used
    if used & twins:
        assert twins <= required


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_and_give_a_reason(name):
    for line in requirements(name):
        assert re.match(r"[\w.-]+==[\w.]+\s*(;[^#]*)?\s*# \w.{7,}", line), line


def test_readme_has_exactly_two_commands_for_a_fresh_machine():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 -m venv .*$", text, re.MULTILINE)
    assert len(commands) == 2
    start, test = commands
    assert start.endswith("streamlit run app.py")
    assert test.endswith("-m pytest -n auto")
    assert text.index("![") < text.index(start) < 1500, "the picture comes first, on the first screen"


def test_readme_picture_of_the_layout_is_true():
    block = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Layout")[2]
    block = block.split("```")[1].partition("app.py")
    package = re.search(r"^tamrl/\n((?:  .*\n)+)", block[2], re.MULTILINE).group(1)
    named = set(re.findall(r"^  ((?:[\w]+(?:\.py|/)\s+)+)", package, re.MULTILINE))
    named = {name for group in named for name in group.split()}
    for name in named:
        assert (ROOT / "tamrl" / name).exists(), f"the README names tamrl/{name}"
    for path in (ROOT / "tamrl").iterdir():
        name = path.name + "/" * path.is_dir()
        assert name in named or path.name == "__init__.py" or path.name.startswith((".", "__pyc")), (
            f"the README does not name tamrl/{name}"
        )


def test_citation_and_package_agree_on_the_version():
    import tamrl

    assert f"version: {tamrl.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_assets_are_small_and_each_has_its_provenance():
    provenance = (ROOT / "assets" / "PROVENANCE.md").read_text(encoding="utf-8")
    for path in (ROOT / "static").rglob("*"):
        if path.is_file() and not path.name.startswith("LICENSE"):
            assert f"static/{path.relative_to(ROOT / 'static').as_posix()}" in provenance, path
    files = [path for folder in ("static", "assets") for path in (ROOT / folder).rglob("*") if path.is_file()]
    sizes = {path: path.stat().st_size for path in files}
    maps = {path for path in files if path.parent == ROOT / "assets" / "maps"}
    # A few MB each, so that a clone stays quick.
    assert max(sizes[path] for path in maps) < 4.5e6
    assert sum(sizes[path] for path in maps) < 12e6
    # The models of the five folds, about 1 MB each.
    folds = {path for path in files if path.is_relative_to(ROOT / "assets" / "models" / "fluxnet2015-folds")}
    assert sum(sizes[path] for path in folds) < 5.5e6
    # The towers of FLUXNET2015, 435,380 site-days.
    towers = {path for path in files if path.is_relative_to(ROOT / "assets" / "fluxnet2015")}
    assert sum(sizes[path] for path in towers) < 18e6
    # Scores of thirteen models, three designs and the ablations are 8 MB of it, the bundled global drivers 4 MB.
    assert sum(size for path, size in sizes.items() if path not in maps | folds | towers) < 16.5e6
    for name in (
        "demo",
        "fluxnet2015",
        "stories.yaml",
        "models/fluxnet2015-daily",
        "models/fluxnet2015-folds",
        "models/fluxnet2015-climate",
        "scores",
        "maps",
        "earth.nc",
    ):
        assert f"`assets/{name}" in provenance, name


def test_country_outlines_are_whole():
    import geopandas as gpd

    path = ROOT / "static" / "countries.geojson"
    assert path.stat().st_size < 180_000
    frame = gpd.read_file(path)
    assert len(frame) == 177
    assert frame.geometry.is_valid.all()
    assert set(frame.columns) >= {"name", "continent"}
    assert json.loads((ROOT / "static" / "blank.json").read_text())["layers"] == []
