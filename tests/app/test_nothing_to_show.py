"""What pages say where there is nothing to show: a message that tells what to do, and no figure without data."""

import base64
import json
import shutil

import map_files
import numpy as np
import pandas as pd
import pytest
import score_files
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.start import loaded
from tamrl.errors import TamrlError
from tamrl.maps import catalog
from tamrl.towers.archive import save_archive
from tamrl.towers.workspace import Workspace

pytestmark = pytest.mark.slow

#: Valid days of the tower with few of them.
FEW = 20


@pytest.fixture(scope="module")
def holes(small_workspace, tmp_path_factory):
    """The small workspace without positions: one held-out tower has no GPP, the other few valid days."""
    copy = tmp_path_factory.mktemp("holes") / "holes"
    shutil.copytree(small_workspace[0].path, copy)
    workspace, (bare, short) = Workspace.open(copy), small_workspace[1]
    archive = workspace.archive().load()
    unknown = np.full(archive.sizes["site"], np.nan)
    archive = archive.assign_coords(lat=("site", unknown, archive["lat"].attrs), lon=("site", unknown))
    archive["GPP"] = archive["GPP"].where(archive["site"] != bare).assign_attrs(archive["GPP"].attrs)
    quality = archive["NEE_QC"].where(archive["site"] != short, np.float32(0.1)).astype("float32")
    quality.loc[{"site": short, "time": archive["time"].values[400 : 400 + FEW]}] = 1.0
    shutil.rmtree(workspace.archive_path)
    save_archive(archive.assign(NEE_QC=quality.assign_attrs(archive["NEE_QC"].attrs)), workspace.archive_path)
    return workspace, bare, short


@pytest.fixture
def opened(holes, monkeypatch):
    """A function that opens a page on ``holes``."""
    monkeypatch.setenv("TAMRL_WORKSPACE", str(holes[0].path))

    def run(name, **query):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page(f"pages/{name}.py")
        at.query_params.update({key: str(value) for key, value in query.items()})
        return healthy(at.run())

    return run


def healthy(at):
    assert not at.exception
    assert [error.value for error in at.error] == []
    return at


def told(at):
    return " ".join(info.value for info in at.info)


def charts(at):
    """Return the charts by their id; each has a value in it."""
    found = {part.proto.id: json.loads(part.proto.spec)["data"] for part in at.get("plotly_chart")}
    for name, traces in found.items():
        assert any(holds(trace) for trace in traces if trace.get("name") != "1:1"), f"{name} has no data"
    return found


def holds(trace):
    """Return whether a trace has a value."""
    for axis in ("z", "y", "x"):
        values = trace.get(axis)
        if isinstance(values, dict):
            found = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
            return bool(np.isfinite(found.astype(float)).any())
        if values is not None:
            return any(value is not None for value in np.ravel(np.array(values, dtype=object)))
    return False


def adapt(at):
    at.button(key="adapt").click().run()
    healthy(at).session_state["tamrl_job"].wait(60)
    return healthy(at.run())


def test_towers_without_positions_have_a_table_and_no_map(opened, holes):
    at = opened("towers", site=holes[1], flux="GPP")
    assert "None of these towers has a known position" in told(at)
    assert not at.get("deck_gl_json_chart")
    assert f"The record of {holes[1]} has no GPP. Choose another flux" in told(at)
    assert len(charts(at)) == 1
    at.segmented_control(key="choose_flux").set_value("NEE").run()
    assert "has no" not in told(healthy(at)).replace("has no known", "")
    assert len(charts(at)) == 2


def test_a_tower_that_lacks_a_flux_is_adapted_to_and_has_figures_of_the_others_alone(opened, holes):
    at = opened("lab", site=holes[1], flux="GPP")
    assert f"The record of {holes[1]} has no GPP" in told(at)
    assert not charts(at)
    at.segmented_control(key="choose_flux").set_value("NEE").run()
    assert len(charts(healthy(at))) == 1
    adapt(at)
    assert [info.value for info in at.info if "No scored day" in info.value] == ["No scored day has GPP."]
    drawn = " ".join(charts(at))
    for kind in ("scatter", "season"):
        assert [flux for flux in ("GPP", "RECO", "NEE") if f"{kind}_{flux}" in drawn] == ["RECO", "NEE"]
    first, *others = [metric.delta for metric in at.metric if metric.label == "RMSE"]
    assert first == "not scored"
    assert "not scored" not in others


def test_where_every_valid_day_is_support_nothing_is_scored_and_nothing_drawn_of_it(opened, holes):
    at = adapt(opened("lab", site=holes[2], start="2000-01-01", days=FEW))
    assert "Every valid day is support, so none is left to score" in told(at)
    assert not [name for name in charts(at) if "scatter" in name or "season" in name]
    at = opened("present", site=holes[2], start="2000-01-01", days=FEW, step=6)
    assert "No day with GPP is left to score" in told(at)
    assert not at.get("plotly_chart")
    assert "little changes" not in " ".join(str(part.proto) for part in at.get("html"))
    at.button(key="stage_undo").click().run()
    assert "No day with GPP is left to score" in told(healthy(at))


@pytest.fixture(scope="module")
def unscored(tmp_path_factory):
    """Made-up scores without those of one class, with towers of which the filters leave that class alone."""
    folder = tmp_path_factory.mktemp("unscored") / "scores"
    shutil.copytree(score_files.shared(tmp_path_factory), folder)
    sites = pd.read_parquet(folder / "sites.parquet")
    kind = sites["igbp"].iloc[0]
    gone = set(sites.loc[sites["igbp"] == kind, "site"])
    for name in ("scores", "intervals", "ablations"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        table[~table["site"].astype(str).isin(gone)].to_parquet(folder / f"{name}.parquet", index=False)
    for name in ("cycles", "density"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        table[table["design"] != "igbp"].to_parquet(folder / f"{name}.parquet", index=False)
    return folder, kind


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("Overview", ["None of these towers was scored in this way"]),
        ("Map and towers", ["None of these towers was scored in this way"]),
        ("Learning curves", ["None of these towers was scored in this way"]),
        ("Distribution", ["None of these towers was scored in this way"]),
        ("Patterns", ["scored in this way", "no seasonal cycles", "no such counts"]),
        ("Intervals", ["no intervals for these towers"]),
        ("Ablations", ["not scored in the ablations"]),
    ],
)
def test_towers_that_were_not_scored_are_told_in_each_section_and_not_drawn(opened, unscored, section, words):
    folder, kind = unscored
    at = opened("scorecard", scores=folder, igbp=kind, section=section)
    assert all(word in told(at) for word in words), told(at)
    assert not at.get("plotly_chart")
    assert not at.get("deck_gl_json_chart")
    assert not at.metric


def test_what_is_published_needs_no_score_of_ours(opened, unscored):
    at = opened("scorecard", scores=unscored[0], igbp=unscored[1], section="Published")
    assert len(charts(at)) == 2


def test_a_month_without_a_value_is_told_and_has_no_map(opened, monkeypatch, tmp_path):
    maps = map_files.dataset(10.0, title="Made-up maps")
    maps["GPP"] = maps["GPP"].where(maps["time"].dt.month != 7).assign_attrs(maps["GPP"].attrs)
    maps.to_netcdf(tmp_path / "first.nc", encoding={"time": {"units": "days since 2001-01-01"}})
    monkeypatch.setattr(catalog, "bundled_maps", lambda: tmp_path)
    at = opened("world", month=7, flux="GPP", section="Zonal mean")
    assert "Made-up maps has no value anywhere: GPP, July. Choose another" in told(at)
    assert "world_map" not in [part.key for part in at.get("bidi_component")]
    at.session_state["tamrl_world_begun"] = True
    assert told(healthy(at.run())).count("has no value anywhere") == 2
    assert not at.get("plotly_chart")
    at.select_slider(key="world_month").set_value(8).run()
    assert "world_map" in [part.key for part in healthy(at).get("bidi_component")]
    assert len(charts(at)) == 2


def test_an_app_without_anything_loaded_says_so(opened, monkeypatch):
    def missing(*_):
        raise TamrlError("There are no scores", "scores", "Restore them")

    monkeypatch.setattr(loaded, "_workspace", list)
    monkeypatch.setattr(loaded, "bundled_models", dict)
    monkeypatch.setattr(loaded.world, "entries", lambda _: {})
    monkeypatch.setattr(loaded.scorecard, "results", missing)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).run()
    assert not at.exception
    said = [error.value for error in at.error]
    assert any("The bundled maps are missing" in text for text in said)
    assert any("Nothing is loaded" in text and "What to do:" in text for text in said)
    assert not at.dataframe
