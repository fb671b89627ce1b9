"""The Task space page, run as a user runs it: through the router, without a browser."""

import numpy as np
import pandas as pd
import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.task_space import cache, parts, picture
from tamrl.bundled import bundled_folder
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict import task_space
from tamrl.towers.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def open_page(small_workspace, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))

    def run(**query):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/task_space.py")
        at.query_params.update(query)
        return healthy(at.run())

    return run


def said(at):
    return " ".join(element.value for element in (*at.markdown, *at.caption, *at.info))


def test_the_first_view_shows_all_towers_and_says_what_they_are(open_page, small_workspace):
    at = open_page()
    assert at.title[0].value == "Task space"
    assert len(at.selectbox(key="space_site").options) == 6
    assert len(at.get("plotly_chart")) == 3
    text = said(at)
    assert "All towers are read by one ensemble (2 members, trained on 4 of them)" in text
    assert "does not move the embedding at all" in text
    assert sum("SIMULATED" in c.value for c in at.caption if "Source:" in c.value) == 2
    assert any("SIMULATED" in m.value for m in at.sidebar.markdown)
    # Scores are of real towers.
    assert "score" not in at.segmented_control(key="choose_hue").options
    held = small_workspace[1][0]
    at.selectbox(key="space_site").set_value(held).run()
    assert "the model was not trained on it" in said(healthy(at))
    assert at.query_params["site"] == held


def test_neighbours_are_those_of_all_dimensions(open_page, small_workspace):
    workspace, held = small_workspace
    at = open_page(site=held[0])
    shown = at.dataframe[0].value
    ensemble = load_ensemble(workspace.path / "models" / "tiny")
    archive = Workspace.open(workspace.path).archive()
    sites = archive.site.values.astype(str).tolist()
    codes = task_space.read_places(ensemble, archive, sites).codes
    trained = [i for i, site in enumerate(sites) if site not in held]
    scaled = (codes - codes[:, trained].mean(1)[:, None]) / codes[:, trained].std(1)[:, None]
    apart = np.sqrt(((scaled - scaled[:, [sites.index(held[0])]]) ** 2).sum(2).mean(0))
    expected = [sites[i] for i in np.argsort(apart) if sites[i] != held[0]]
    assert shown["site"].tolist() == expected


@pytest.mark.parametrize("part", list(parts.PARTS))
def test_each_part_is_drawn_and_kept_in_the_address(open_page, part):
    at = open_page(part=part, hue="koeppen", plane="1-3")
    assert at.query_params["part"] == part
    assert len(at.get("plotly_chart")) == (3 if part == "path" else 2)
    if part == "decoded":
        assert "right at" in said(at)
        assert "no single day, no flux" in said(at)
    if part == "modulation":
        assert "Correlation with" in said(at)
        at.selectbox(key="choose_member").set_value(2).run()
        assert at.query_params["member"] == "2"


@pytest.mark.parametrize("way", list(parts.WAYS))
def test_each_way_starts_or_ends_at_the_tower(open_page, way):
    at = open_page(way=way)
    assert parts._SAID[way].split(".")[0] in said(at)
    assert len(at.get("plotly_chart")) == 3


def test_traits_and_hidden_classes(open_page):
    at = open_page(hue="trait", trait="TA")
    assert "Air temperature" in at.selectbox(key="choose_trait").options[0]
    at.toggle(key="choose_blind").set_value(True).run()
    assert "reads drivers alone" in said(healthy(at))
    assert "of the embedding with classes" in said(at)
    assert at.query_params["blind"] == "1"


def test_what_an_address_asks_for_in_vain_is_said_or_forgotten(open_page):
    at = open_page(site="<b>no</b>", hue="zodiac", plane="9-9", way="x", part="y", trait="z", member="77")
    assert "is not in this task space" in at.warning[0].value
    assert not {"site", "hue", "plane", "way", "part"} & set(at.query_params)


def test_scores_of_the_bundled_towers_are_zero_shot_and_held_out():
    asked = dict(design="igbp", model="tamrl", shots=0, placement="all", scale="daily", flux="NEE", site="DE-Hai")
    filters = [(name, "==", value) for name, value in asked.items()]
    (mine,) = pd.read_parquet(bundled_folder("scores") / "scores.parquet", filters=filters)["rmse"]
    found = cache.scores("NEE")
    assert len(found) == 163
    assert found["DE-Hai"] == pytest.approx(float(mine))
    assert list(picture.PLANES) == ["1-2", "1-3", "2-3"]
