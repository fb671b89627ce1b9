"""The Start page and the addresses that once were those of World, run through the router without a browser."""

from types import SimpleNamespace

import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.shared import state
from tamrl.app.start import page
from tamrl.bundled import bundled_folder
from tamrl.maps import catalog
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled

pytestmark = pytest.mark.slow


@pytest.fixture
def app(small_workspace, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)


def test_the_first_view_says_what_is_here(app):
    at = healthy(app.run())
    assert at.title[0].value == "TAM-RL Explorer"
    assert page.LEAD.count(". ") + 1 == 3
    assert len(at.get("plotly_chart")) == 1
    assert len(at.main.get("page_link")) == 3
    table = at.dataframe[0].value
    assert list(table["Kind"].unique()) == ["Towers", "Model", "Maps", "Scores"]
    assert "6 towers" in table["What"].iloc[0]
    assert "SIMULATED" in table["What"].iloc[0]
    assert table["Made"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert "cannot be read" not in " ".join(table["What"])
    at.segmented_control(key="choose_flux").set_value("NEE").run()
    assert dict(healthy(at).query_params) == {}


def test_what_was_chosen_elsewhere_stays_out_of_the_address(app):
    at = healthy(app.switch_page("pages/towers.py").run())
    at.segmented_control(key="choose_flux").set_value("RECO").run()
    assert at.query_params["flux"] == "RECO"
    at.switch_page("pages/start.py")
    at.query_params.clear()  # what a page switch does
    assert healthy(at.run()).title[0].value == "TAM-RL Explorer"
    assert "flux" not in at.query_params
    assert at.segmented_control(key="choose_flux").value == "RECO"


@pytest.mark.parametrize("old", [{"flux": "RECO"}, {"lat": "50", "lon": "10"}, {"month": "99"}])
def test_an_old_address_leads_to_the_world(app, old):
    app.query_params.update(old)
    at = healthy(app.run())
    assert at.title[0].value == "World"
    assert at.query_params.get("flux") == old.get("flux")


def test_the_sidebar_s_choice_alone_stays(app):
    app.query_params["ws"] = "demo"
    at = healthy(app.run())
    assert at.title[0].value == "TAM-RL Explorer"
    assert at.query_params["ws"] == "demo"


def test_doors_lead_to_what_is_there():
    for known in ([], [SimpleNamespace(url_path="lessons")]):
        doors = page._doors(known)
        assert len(doors) == 3
        for *_, file, choices in doors:
            assert (ROOT / file).is_file() or file == "pages/lessons.py"
            for name, text in choices.items():
                assert state.PARAMETERS[name].read(text) is not None
    _, adapt, learn = (door[4] for door in page._doors([]))
    tower = record(bundled("fluxnet2015").archive(), adapt["site"])
    assert adapt["start"] in tower.time.dt.strftime("%Y-%m-%d").values
    assert learn["site"] in bundled("fluxnet2015").archive().site.values
    entries = catalog.entries(None)
    assert {page.MAPS, page._OTHER} <= set(entries)
    assert (bundled_folder("maps") / f"{page.MAPS}.nc").is_file()
