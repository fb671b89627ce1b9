"""The recipes of docs/extend work as they stand: their code goes into a copy of the project, which then uses it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from small_workspace import ROOT

pytestmark = pytest.mark.slow

BLOCK = re.compile(r'```python title="([\w/.]+)(?:, (?:a row of (\w+)|(an import)))?"\n(.*?)```', re.DOTALL)
#: Line after which a row of a table is put.
TABLES = {
    "PRODUCTS": "    for product in (",
    "METHODS": "    for method in (",
    "BASELINES": "BASELINES: dict[str, Baseline] = {",
    "_VARIABLES": "_VARIABLES = (",
    "sections": '        "Learn and teach": [',
}
RECIPES = sorted(path.stem for path in (ROOT / "docs" / "extend").glob("*.md") if path.stem not in ("index", "design"))


def follow(recipe: str, project: Path) -> set[str]:
    """Do what a recipe says; return the files that were touched."""
    touched = set()
    for name, table, imported, code in BLOCK.findall((ROOT / "docs" / "extend" / f"{recipe}.md").read_text("utf-8")):
        path = project / name
        touched.add(name)
        if not table and not imported:
            assert not path.exists(), f"{name} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parts[-3] == "app":
                (path.parent / "__init__.py").touch()
            path.write_text(code, "utf-8")
            continue
        text = path.read_text("utf-8")
        after = TABLES[table] if table else next(line for line in text.splitlines() if line.startswith("from tamrl"))
        assert text.count(f"{after}\n") == 1, f"{name} has no one line {after!r}"
        path.write_text(text.replace(f"{after}\n", f"{after}\n{code.rstrip()}{',' * bool(table)}\n"), "utf-8")
    return touched


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which every recipe was followed, and the files that each touched."""
    copy = tmp_path_factory.mktemp("extended")
    for name in ("tamrl", "pages"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("assets", "static", ".streamlit"):
        os.symlink(ROOT / name, copy / name)
    shutil.copy(ROOT / "app.py", copy)
    return copy, {recipe: follow(recipe, copy) for recipe in RECIPES}


def run(project, code, cwd):
    env = {**os.environ, "PYTHONPATH": str(project[0]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_each_recipe_is_one_file_and_one_row(project):
    most = {"product": 2, "driver": 1, "method": 2, "baseline": 2, "page": 3}
    assert {recipe: len(files) for recipe, files in project[1].items()} == most


def test_a_product(project, tmp_path):
    lat, lon = np.arange(-85.0, 90, 10), np.arange(-175.0, 180, 10)
    uptake = np.full((12, lat.size, lon.size), 2.0, np.float32)
    time = np.arange("2015-01", "2016-01", dtype="datetime64[M]").astype("datetime64[ns]")
    ds = xr.Dataset(
        {"uptake": (("time", "lat", "lon"), uptake, {"units": "gC m-2 d-1"})}, {"time": time, "lat": lat, "lon": lon}
    )
    ds.to_netcdf(tmp_path / "toyflux_2015.nc")
    said = run(
        project,
        "import tamrl; m = tamrl.open_product('toyflux_2015.nc'); print(m.attrs['product'], float(m.NEE.mean()))",
        tmp_path,
    )
    assert said.split() == ["toyflux", "-2.0"]


def test_a_driver(project, tmp_path):
    code = f"""
import sys; sys.path.insert(0, {str(ROOT / "tests" / "helpers")!r})
import tower_files, tamrl
from pathlib import Path
from tamrl.config import ModelConfig
from tamrl.model.drivers import GROUPS, driver_table
from tamrl.towers.units import conversion
table = tower_files.values().assign(RH=61.0)
tower = tamrl.read_tower(tower_files.write_dd(Path(tower_files.name("AT-Aaa")), table))
print(float(tower.RH.mean()), tower.RH.attrs["units"], ("RH",) in GROUPS, conversion("RH", "1", "x").factor)
print(ModelConfig(drivers=("TA", "RH")).drivers, driver_table(tower, ("RH",))[3, 0])
"""
    said = run(project, code, tmp_path)
    assert said.splitlines() == ["61.0 % True 100.0", "('TA', 'RH') 61.0"]


def test_a_method(project, tmp_path):
    code = """
import numpy as np, tamrl
tower = tamrl.read_tower(tamrl.open_workspace("demo"), "XS-CR1")
model, days = tamrl.load_model("fluxnet2015-daily", "cpu"), tamrl.labelled_days(tower, 60)
made = tamrl.adapt(model, tower, days, method="mean-bias")
error = (made.adapted.GPP.mean("member") - tower.GPP).sel(time=made.support)
print(abs(float(error.mean())) < 1e-3, float((made.zero_shot.GPP - made.adapted.GPP).std("time").max()) < 1e-3)
"""
    assert run(project, code, tmp_path).split() == ["True", "True"]
    shown = run(project, "from tamrl.cli.main import main; main(['adapt', '--help'])", tmp_path)
    assert "mean-bias: The mean error" in " ".join(shown.split())


def test_a_baseline(project, tmp_path):
    code = """
from tamrl.evaluation.models import fit_baselines
import tamrl
workspace = tamrl.open_workspace("demo")
constant = fit_baselines(["constant"], workspace.archive(), ["XS-CR1"], ("TA",))["constant"]
made = constant(tamrl.read_tower(workspace, "XS-CR1"))
print(made.shape[1], (made == made[0]).all())
"""
    assert run(project, code, tmp_path).split() == ["3", "True"]


def test_a_page(project, tmp_path):
    code = f"""
from streamlit.testing.v1 import AppTest
at = AppTest.from_file({str(project[0] / "app.py")!r}, default_timeout=90)
at.run().switch_page("pages/hello.py").run()
print([t.value for t in at.title], at.metric[0].value, len(at.exception))
"""
    assert run(project, code, tmp_path).strip().endswith("['Hello'] 163 0")
