"""The exported notebook: run as it stands, in a process of its own, it gives the numbers of the adaptation."""

import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from small_workspace import ROOT

from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.notebook import notebook
from tamrl.predict.output import adaptation_dataset, before_after
from tamrl.predict.provenance import Run
from tamrl.predict.tower import adapt_tower
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record


@pytest.fixture(scope="module")
def space(small_workspace, checkpoint):
    workspace, held_out = small_workspace
    return workspace, load_ensemble(checkpoint), record(workspace.archive(), held_out[0])


def made(space, days, allow_gaps=False, **settings):
    workspace, ensemble, tower = space
    adapted = adapt_tower(ensemble, tower, days, AdaptSettings(**settings), allow_gaps)
    return Run(workspace=workspace, ensemble=ensemble, adaptation=adapted, allow_gaps=allow_gaps)


def code(exported):
    read = nbformat.reads(exported.decode(), as_version=4)
    nbformat.validate(read)
    return "\n".join(cell["source"] for cell in read["cells"] if cell["cell_type"] == "code")


def executed(exported, folder):
    """Run the code cells in an empty folder; return the scores, the fluxes and what was printed."""
    keep = 'scores.to_json("scores.json", double_precision=15)\nfluxes.to_netcdf("fluxes.nc")\nfigure.savefig("f.png")'
    done = subprocess.run(
        [sys.executable, "-c", f"{code(exported)}\n{keep}"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "f.png").stat().st_size > 10_000
    with xr.open_dataset(folder / "fluxes.nc") as fluxes:
        return pd.read_json(folder / "scores.json"), fluxes.load(), done.stdout


@pytest.mark.parametrize("settings", [{"method": "site-effect"}, {"method": "all", "steps": 2, "learning_rate": 0.25}])
def test_it_runs_as_exported_and_gives_the_same_numbers(space, tmp_path, settings):
    run = made(space, support_days(space[2], 25), **settings)
    exported = notebook(run)
    assert exported == notebook(run)
    scores, fluxes, said = executed(exported, tmp_path)
    expected = before_after(run.adaptation)
    pd.testing.assert_frame_equal(scores, expected, check_dtype=False, rtol=1e-13)
    wanted = adaptation_dataset(run.adaptation, True)
    for name in wanted.data_vars:
        np.testing.assert_array_equal(fluxes[name].values, wanted[name].values, err_msg=name)
    assert fluxes.attrs["method"] == settings["method"]
    assert said.splitlines()[-1] == "Largest difference: 0"


def test_support_that_is_no_plain_run_of_days_is_listed(space):
    days = support_days(space[2], 40)
    text = code(notebook(made(space, days)))
    assert f'tamrl.labelled_days(tower, 40, start="{days[0]:%Y-%m-%d}")' in text
    apart = days.delete([3, 4, 20])
    text = code(notebook(made(space, apart)))
    assert "labelled_days" not in text
    block = text.split("days = pd.DatetimeIndex(")[1].split("\ndays")[0]
    listed = eval(f"pd.DatetimeIndex({block}", {"pd": pd})
    assert listed.equals(pd.DatetimeIndex(apart))


def test_it_says_what_was_done_and_how_to_cite_it(space):
    run = made(space, support_days(space[2], 25), method="encode", allow_gaps=True)
    text = notebook(run).decode()
    assert "SIMULATED" in text
    assert "allow_gaps=True, held_back=0.2" in code(notebook(run))
    read = nbformat.reads(text, as_version=4)
    words = "\n".join(cell["source"] for cell in read["cells"] if cell["cell_type"] == "markdown")
    assert "- Method: Encoder (encode)" in words
    assert "there is no measurement to cite" in words
    for key in ("Rozanov2026", "Renganathan2025", "TAMRLExplorer", "Paszke2019", "Hunter2007"):
        assert f"{{{key}," in words
    assert "Plotly" not in words
    assert read["metadata"]["kernelspec"]["name"] == "python3"


def test_folders_are_named_to_their_owner_alone(space, tmp_path):
    run = made(space, support_days(space[2], 25))
    folder = str(run.workspace.path)
    assert f"open_workspace({folder!r})" in code(notebook(run))
    assert "load_model(workspace.path / 'models' / 'tiny')" in code(notebook(run))
    hidden = notebook(run, paths=False).decode()
    assert folder not in hidden
    assert "tamrl.open_workspace('small')  # say where" in code(hidden.encode())


def test_bundled_models_and_the_bundled_workspace_go_by_their_names():
    from tamrl.bundled import bundled_models
    from tamrl.towers.workspace import bundled

    workspace, ensemble = bundled(), load_ensemble(bundled_models()["fluxnet2015-daily"])
    tower = record(workspace.archive(), "DE-Hai")
    text = code(notebook(made((workspace, ensemble, tower), support_days(tower, 10))))
    assert "tamrl.open_workspace('fluxnet2015')" in text
    assert "tamrl.load_model('fluxnet2015-daily')" in text
