"""``adapt`` writes the report and the notebook that the Few-shot lab offers."""

import nbformat
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from tamrl.cli.main import main


@pytest.fixture
def arguments(small_workspace, checkpoint, tmp_path):
    site = small_workspace[1][0]
    words = ["adapt", "-w", small_workspace[0].path, "-c", checkpoint, "-s", site, "-o", tmp_path / "a.nc"]
    return [str(word) for word in [*words, "--support", "2011-05-01:2011-05-20"]]


def test_report_and_notebook_are_those_of_the_adaptation(arguments, tmp_path):
    report, notebook = tmp_path / "new" / "a.html", tmp_path / "a.ipynb"
    done = CliRunner().invoke(main, [*arguments, "--report", str(report), "--notebook", str(notebook)])
    assert done.exit_code == 0, done.output
    assert f"Report in {report}." in done.output
    assert f"Notebook in {notebook}." in done.output
    assert "rmse_before" in done.output
    with xr.open_dataset(tmp_path / "a.nc") as fluxes:
        used = int(fluxes["support"].sum())
    assert f"{used} support days" in report.read_text(encoding="utf-8")
    read = nbformat.read(notebook, as_version=4)
    assert any(f"labelled_days(tower, {used}, start=" in cell["source"] for cell in read["cells"])
    assert not list(tmp_path.rglob("*.partial"))


def test_the_address_of_a_page_is_linked_where_it_is_given(arguments, tmp_path):
    report, view = tmp_path / "a.html", "http://localhost:8501/lab?site=XS-GR4&run=1"
    given = [*arguments, "--report", str(report), "--url"]
    assert CliRunner().invoke(main, [*given, view]).exit_code == 0
    assert 'href="http://localhost:8501/lab?site=XS-GR4&amp;run=1"' in report.read_text(encoding="utf-8")
    refused = CliRunner().invoke(main, [*given, "lab?site=XS-GR4"])
    assert refused.exit_code != 0
    assert "not the address of a page" in str(refused.output) + str(refused.exception)


def test_an_adapted_model_predicts_what_was_adapted(arguments, tmp_path):
    folder = tmp_path / "model"
    done = CliRunner().invoke(main, [*arguments, "--method", "modulation", "--steps", "5", "--save-model", str(folder)])
    assert done.exit_code == 0, done.output
    assert f"Adapted model in {folder}." in done.output
    workspace, site = arguments[2], arguments[6]
    words = ["predict", "-w", workspace, "-c", str(folder), "-s", site, "-o", str(tmp_path / "p.nc")]
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 0, again.output
    assert "has read the fluxes of" in again.stderr
    with xr.open_dataset(tmp_path / "a.nc") as adapted, xr.open_dataset(tmp_path / "p.nc") as predicted:
        for flux in ("GPP", "RECO", "NEE"):
            np.testing.assert_array_equal(predicted[flux], adapted[f"{flux}_adapted"])
            assert (adapted[f"{flux}_adapted"] != adapted[f"{flux}_zero_shot"]).any()
        assert predicted.attrs["adapted_to"] == site
        assert predicted.attrs["method"] == "modulation"


def test_neither_is_written_unasked_and_a_folder_is_refused(arguments, tmp_path):
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]
    refused = CliRunner().invoke(main, [*arguments, "--report", str(tmp_path)])
    assert refused.exit_code == 2
    assert "is a directory" in refused.output
