"""What an adaptation was made from: settings, data, model, and exactly the works that are to be cited for it."""

import re

import numpy as np
import pandas as pd
import pytest
import tower_files
import yaml
from small_workspace import ROOT

import tamrl
from tamrl.bundled import bundled_models
from tamrl.model.checkpoint import digest, load_ensemble
from tamrl.predict import provenance, references
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.provenance import Run
from tamrl.predict.tower import adapt_tower
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record
from tamrl.towers.ingest import ingest
from tamrl.towers.workspace import Workspace


def run(workspace, ensemble, site, days=20, **settings):
    tower = record(workspace.archive(), site)
    made = adapt_tower(ensemble, tower, support_days(tower, days), AdaptSettings(**settings))
    return Run(workspace=workspace, ensemble=ensemble, adaptation=made)


@pytest.fixture(scope="module")
def simulated(small_workspace, checkpoint):
    workspace, held_out = small_workspace
    return run(workspace, load_ensemble(checkpoint), held_out[0], method="all", steps=3)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A workspace of two tower files, one of them with a DOI of FLUXNET2015, and the bundled daily model."""
    source = tmp_path_factory.mktemp("source")
    for site in ("AU-Lox", "XX-Abc"):
        tower_files.write_dd(source / f"FLX_{site}_FULLSET_DD_2010-2011.csv", tower_files.values(days=500))
    (source / "citations.csv").write_text("site,doi,policy\nAU-Lox,10.18140/FLX/1440247,CC-BY-4.0\n")
    workspace = Workspace.create(tmp_path_factory.mktemp("real") / "mine")
    assert len(ingest([source], workspace).summary) == 2
    return workspace, load_ensemble(bundled_models()["fluxnet2015-daily"])


def test_settings_are_those_of_the_method(simulated):
    said = provenance.settings(simulated)
    assert said["Method"].startswith("All weights (all): ")
    assert said["Support"] == "20 days"
    assert said["Steps"] == "3 at a learning rate of 0.1"
    assert said["Held back"] == "20 % of the support"
    assert said["Scored"].startswith(f"{simulated.adaptation.scored.sum():,} days")
    assert "Days without weather" not in said
    closed = provenance.settings(run(simulated.workspace, simulated.ensemble, simulated.site))
    assert {"Steps", "Held back"}.isdisjoint(closed)


def test_days_are_told_as_spans():
    days = pd.DatetimeIndex(["2009-05-01", "2009-05-02", "2009-05-04", "2010-01-01", "2010-01-02"])
    assert provenance.spans(days, "1D") == "2009-05-01 to 2009-05-02, 2009-05-04, 2010-01-01 to 2010-01-02"
    months = pd.DatetimeIndex(["2009-11-01", "2009-12-01", "2010-01-01", "2010-03-01"])
    assert provenance.spans(months, "1MS") == "2009-11 to 2010-01, 2010-03"


def test_a_simulated_tower_has_nothing_to_cite(simulated):
    works = provenance.works(simulated)
    assert list(works) == ["Method", "Software"]
    assert works["Software"][0].key == "TAMRLExplorer"
    assert "SIMULATED" in provenance.uncited(simulated)
    assert provenance.data(simulated)["Workspace"] == "small (SIMULATED)"
    assert "SIMULATED towers" in provenance.model(simulated)["Trained on"]
    assert provenance.model(simulated)["SHA-256"] == digest(simulated.ensemble.path)


def test_exactly_the_tower_and_the_products_of_the_model_are_cited(real):
    workspace, ensemble = real
    made = run(workspace, ensemble, "AU-Lox")
    works = provenance.works(made, ["plotly"])
    assert [work.key for work in works["Tower"]] == ["AU-Lox", "Pastorello2020"]
    assert [work.key for work in works["What the model learnt from"]] == ["Nathaniel2023"]
    assert works["Tower"][0].text() == (
        "Eddy covariance data of the tower AU-Lox. FLUXNET2015. doi:10.18140/FLX/1440247. Licence: CC-BY-4.0"
    )
    assert provenance.uncited(made) == ""
    assert any("trained on AU-Lox" in line for line in made.warnings())
    data = provenance.data(made)
    assert data["Licence"] == "CC-BY-4.0"
    assert re.fullmatch(r"FLX_AU-Lox_\S+, ingested \d{4}-\d\d-\d\d, SHA-256 [0-9a-f]{64}", data["Input 1"])
    assert "Input 2" not in data
    assert provenance.model(made)["Licence"] == "CC-BY-4.0"
    assert made.model_name == "fluxnet2015-daily"


def test_a_tower_without_a_citation_is_told(real):
    made = run(*real, "XX-Abc")
    assert "Tower" not in provenance.works(made)
    assert "No citation came with the files of XX-Abc" in provenance.uncited(made)
    learnt = [work.key for work in provenance.works(made)["What the model learnt from"]]
    assert learnt == ["Pastorello2020", "Nathaniel2023", "AU-Lox"]  # of its training towers those whose DOI is known


def test_no_folder_is_named(real):
    made = run(*real, "AU-Lox")
    everything = [*provenance.settings(made).values(), *provenance.data(made).values()]
    assert not [text for text in everything if str(real[0].path) in text or "/" in text.split(", SHA")[0]]


def test_a_model_of_ones_own_names_the_towers_of_its_training(simulated):
    from tamrl.towers.citations import Citation

    ensemble = simulated.ensemble
    site, other = sorted(ensemble.seen_sites)[:2]
    known = {site: Citation("", "10.18140/FLX/1", ""), other: Citation("Somebody 2009"), "US-Not": Citation("Nobody")}
    found = references.training_works(ensemble, known)
    assert [work.key for work in found] == ["Pastorello2020", site, other]


def test_the_project_is_cited_as_its_citation_file_says():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    own = references.software([])[0]
    assert own.fields["title"] == cff["title"]
    assert own.fields["author"] == cff["authors"][0]["name"]
    assert own.fields["version"] == cff["version"] == tamrl.__version__
    assert own.licence == cff["license"]
    for work, entry in zip(references.METHOD, cff["references"], strict=True):
        assert work.fields["title"] == " ".join(entry["title"].split())
        assert work.fields["year"] == str(entry["year"])
        assert f"arXiv:{work.fields['eprint']}" == entry["identifiers"][0]["value"]
        names = [f"{a['family-names']}, {a['given-names'][0]}." for a in entry["authors"]]
        assert work.fields["author"] == " and ".join(names)


def test_software_is_named_with_the_version_that_runs():
    assert provenance.software(["plotly"])["numpy"] == np.__version__
    assert f"numpy {np.__version__}" in references.software(["numpy"])[1].text()
    assert references.release("no-such-distribution") == "unknown"
