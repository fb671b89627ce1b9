"""The report of an adaptation: one HTML file that asks for nothing, with figures, scores, provenance, references."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest
import tower_files

from tamrl.bundled import bundled_models
from tamrl.figures.lab.report import report
from tamrl.figures.style import number
from tamrl.model.checkpoint import digest, load_ensemble
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.output import before_after
from tamrl.predict.provenance import Run
from tamrl.predict.tower import adapt_tower
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record
from tamrl.towers.ingest import ingest
from tamrl.towers.workspace import Workspace


class Page(HTMLParser):
    """Tags with their attributes, and the text of each heading, cell and paragraph; scripts apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.scripts, self._in = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        (self.scripts if self._in == "script" else self.texts).append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def run(small_workspace, checkpoint):
    workspace, held_out = small_workspace
    ensemble, tower = load_ensemble(checkpoint), record(workspace.archive(), held_out[0])
    made = adapt_tower(ensemble, tower, support_days(tower, 25), AdaptSettings(method="modulation", steps=4))
    return Run(workspace=workspace, ensemble=ensemble, adaptation=made)


@pytest.fixture(scope="module")
def page(run):
    return Page(report(run).decode())


def test_it_asks_for_nothing(page):
    asking = ("src", "href", "srcset", "action", "data", "poster", "background")
    assert not [attrs for _, attrs in page.tags for name in attrs if name in asking]
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "embed", "base", "form"}
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"https?:|\*|connect-src", policy)
    assert not re.search(r"url\(|@import", " ".join(page.texts[:20]))


def test_it_links_to_the_view_where_a_page_showed_it(run, page):
    view = "http://localhost:8501/lab?site=XS-GR4&days=25&igbp=ENF%2CDBF&run=1"
    linked = Page(report(dataclasses.replace(run, url=view)).decode())
    assert [attrs["href"] for tag, attrs in linked.tags if tag == "a"] == [view]
    assert "runs at http://localhost:8501, where this was made" in linked.text
    assert "Restore this view" not in page.text


def test_every_figure_of_the_lab_is_in_it_and_plotly_once(page):
    assert sum(script.startswith("/**\n* plotly.js") for script in page.scripts) == 1
    drawn = [name for script in page.scripts for name in re.findall(r'Plotly\.newPlot\(\s*"([\w-]+)"', script)]
    assert drawn == ["series-1", *(f"{n}-{i}" for n in ("scatter", "season") for i in (1, 2, 3)), "spread-1", "loss-1"]


def test_scores_settings_and_provenance_are_told(page, run):
    for row in before_after(run.adaptation).to_dict("records"):
        cells = [number(row[f"{k}_{w}"]) for k in ("rmse", "r2", "mae", "bias") for w in ("before", "after")]
        assert " ".join([row["flux"], f"{row['n']:,}", *cells]) in page.text
    for said in (
        "SIMULATED tower",
        "Modulation (modulation)",
        digest(run.ensemble.path),
        "small (SIMULATED)",
        "there is no measurement to cite",
        "@misc{Rozanov2026,",
        "Collaborative data science",
    ):
        assert said in page.text, said
    assert str(run.workspace.path) not in page.text
    assert "hunter" not in page.text.lower()  # matplotlib draws nothing here


def test_what_others_wrote_stays_text(run):
    hostile = "</script><script>alert(1)</script><img src=https://x.org/a.png>"
    tower = run.adaptation.tower.assign_coords(source=hostile, name=hostile)
    made = dataclasses.replace(run.adaptation, tower=tower, notes=[hostile])
    changed = Page(report(dataclasses.replace(run, adaptation=made)).decode())
    assert changed.text.count("<img src=https://x.org/a.png>") >= 3
    assert not [tag for tag, _ in changed.tags if tag == "img"]
    assert not [script for script in changed.scripts if script.startswith("alert")]


def test_a_measured_tower_is_named_with_its_doi_and_its_licence(tmp_path):
    source = tmp_path / "source"
    tower_files.write_dd(source / "FLX_AU-Lox_FULLSET_DD_2010-2011.csv", tower_files.values(days=500))
    (source / "citations.csv").write_text("site,doi,policy\nAU-Lox,10.18140/FLX/1440247,CC-BY-4.0\n")
    workspace = Workspace.create(tmp_path / "mine")
    ingest([source], workspace)
    tower, ensemble = record(workspace.archive(), "AU-Lox"), load_ensemble(bundled_models()["fluxnet2015-daily"])
    made = adapt_tower(ensemble, tower, support_days(tower, 20))
    shown = Page(report(Run(workspace=workspace, ensemble=ensemble, adaptation=made)).decode())
    for said in (
        "doi:10.18140/FLX/1440247. Licence: CC-BY-4.0",
        "@misc{AU-Lox,",
        "doi = {10.1038/s41597-020-0534-3},",
        "@article{Nathaniel2023,",
        "The model was trained on AU-Lox",
        "calibrated 90 % prediction intervals",
    ):
        assert said in shown.text, said
    assert "SIMULATED" not in shown.text


def test_a_method_without_steps_has_no_loss_and_calibrated_bands_are_told(run):
    tower = run.adaptation.tower
    made = adapt_tower(run.ensemble, tower, run.adaptation.support)
    shown = Page(report(dataclasses.replace(run, adaptation=made)).decode())
    assert "How the loss fell" not in shown.text
    calibrated = "NEE_low" in made.adapted
    assert ("calibrated 90 % prediction intervals" in shown.text) == calibrated
