"""The report of many towers at once: one HTML file with map, distribution, every score, and what is to be cited."""

import re

import nbformat
import pandas as pd
import pytest
from test_lab_report import Page

from tamrl.bundled import bundled_models, bundled_workspaces
from tamrl.figures.lab.network_report import report
from tamrl.figures.style import number
from tamrl.model.cross_fitted import open_model
from tamrl.predict import network_run
from tamrl.predict.network import adapt_network
from tamrl.predict.network_notebook import notebook
from tamrl.predict.network_run import NetworkRun
from tamrl.towers.workspace import Workspace

SITES = ("DE-Hai", "US-Ton", "AU-Lox")
VIEW = "http://localhost:8501/lab?scope=network&days=14&placement=random&run=1"


@pytest.fixture(scope="module")
def run():
    workspace, model = Workspace.open(bundled_workspaces()["fluxnet2015"]), open_model(bundled_models()["cross-fitted"])
    result = adapt_network(model, workspace.archive(), SITES, 14, "random")
    return NetworkRun(workspace=workspace, model=model, result=result, days=14, placement="random", url=VIEW)


@pytest.fixture(scope="module")
def page(run):
    return Page(report(run).decode())


def test_it_asks_for_nothing_and_links_to_the_view_alone(page):
    assert [attrs["href"] for tag, attrs in page.tags if "href" in attrs] == [VIEW]
    assert not [attrs for _, attrs in page.tags for name in attrs if name in ("src", "srcset", "action", "data")]
    assert "runs at http://localhost:8501" in page.text


def test_distribution_and_a_map_a_flux_are_drawn(page):
    drawn = [name for script in page.scripts for name in re.findall(r'Plotly\.newPlot\(\s*"([\w-]+)"', script)]
    assert drawn == ["change-1", "map-GPP-1", "map-RECO-1", "map-NEE-1"]


def test_every_tower_has_its_scores(page, run):
    assert set(run.result.table["site"]) == set(SITES)
    for row in run.result.table.to_dict("records"):
        first, last = (f"{row[name]:%Y-%m-%d}" for name in ("first", "last"))
        scores = " ".join([number(row["rmse_before"]), number(row["rmse_after"]), number(row["change"], 0, True)])
        assert f"{row['n']:,} 14 from {first} to {last} {scores}" in page.text
    median = run.result.table.query("flux == 'NEE'")["change"].median()
    assert number(median, 1, True) in page.text


def test_what_is_cited_is_these_towers_and_no_others(page, run):
    works = network_run.works(run)
    assert [work.key for work in works["Towers"]] == ["AU-Lox", "Pastorello2020", "DE-Hai", "US-Ton"]
    keys = [work.key for works in works.values() for work in works]
    assert len(keys) == len(set(keys))
    for said in ("CC-BY-4.0 (3 towers)", "@misc{DE-Hai,", "10.18140/FLX/", "random: around"):
        assert said in page.text, said
    assert "@misc{FI-Hyy," not in page.text
    for ensemble, sites in run.ensembles:
        assert not ensemble.seen_sites & set(sites)
        assert f"adapted to {len(sites)} others" in page.text


def test_the_notebook_repeats_it(run):
    """Its code is run here: a process of its own would load the package once more."""
    exported = nbformat.reads(notebook(run).decode(), as_version=4)
    assert VIEW in exported["cells"][0]["source"]
    code = [cell["source"] for cell in exported["cells"] if cell["cell_type"] == "code"]
    assert "tamrl.open_workspace('fluxnet2015')" in code[1]
    assert "tamrl.load_model('cross-fitted')" in code[1]
    named: dict = {}
    for cell in code:
        exec(cell, named)
    assert named["sites"] == sorted(SITES)
    pd.testing.assert_frame_equal(named["table"], run.result.table)
    assert len(named["axis"].get_yticks()) == 3
