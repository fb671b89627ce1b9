"""Maps against the towers of the open workspace."""

import map_files
import pytest
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.maps import catalog
from tamrl.maps.mean_year import bundled_means, load_means
from tamrl.simulation.towers import simulate
from tamrl.towers.archive import save_archive
from tamrl.towers.workspace import Workspace


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    return map_files.folder(tmp_path_factory.mktemp("world") / "maps", step=10.0)


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory):
    """Three towers, once as if they were measured, and once as made up."""
    made = {}
    for name in ("real", "simulated"):
        made[name] = Workspace.create(tmp_path_factory.mktemp("towers") / name, simulated=name == "simulated")
        archive = simulate(3).assign_attrs(simulated=int(name == "simulated"))
        # Where the made-up maps have land.
        save_archive(
            archive.assign_coords(lat=("site", [5.0, 15, 45]), lon=("site", [15.0, 25, 35])), made[name].archive_path
        )
    return made


@pytest.fixture
def open_tab(workspaces, maps, monkeypatch):
    monkeypatch.setattr(catalog, "bundled_maps", lambda: maps)

    def run(name, sound=True, **choices):
        monkeypatch.setenv("TAMRL_WORKSPACE", str(workspaces[name].path))
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
        at.query_params.update({"section": "At towers", **choices})
        at.run().run()
        assert not at.exception
        assert not sound or [e.value for e in at.error] == []
        return at

    return run


def test_maps_are_scored_at_observed_towers(open_tab):
    at = open_tab("real", mode="side", **{"with": "third"})
    table = at.dataframe[0].value
    assert set(table["maps"]) == {"First model (SIMULATED)", "Third product (SIMULATED)"}
    mine = table[table["maps"] == "First model (SIMULATED)"]
    assert list(mine["flux"]) == ["GPP", "RECO", "NEE"]
    assert (mine["towers"] == 3).all()
    assert (mine["n"] > 20).all()
    assert len(at.get("plotly_chart")) == 2
    assert any("some hundred metres" in c.value for c in at.caption)


def test_the_bundled_maps_say_which_towers_they_have_seen(open_tab, monkeypatch):
    from tamrl.app.world import numbers

    class Known:
        sites = ("XS-DB1", "elsewhere")

    asked = []
    monkeypatch.setattr(numbers, "SAME_TOWERS", ("first",))
    monkeypatch.setattr(numbers, "reference", lambda model: asked.append(model.name) or Known())
    at = open_tab("real")
    assert set(asked) == {numbers.MODEL}
    assert any(
        "trained on 1 of these 3 towers, so agreement there is no independent test" in c.value for c in at.caption
    )


def test_without_observed_towers_maps_are_held_against_the_mean_year_that_comes_with_the_project(open_tab):
    at = open_tab("simulated")
    assert any("mean year of the FLUXNET2015 towers" in i.value for i in at.info)
    assert any("python -m tamrl ingest" in i.value for i in at.info)
    table = at.dataframe[0].value.set_index("flux")
    means = load_means(bundled_means())
    assert 0 < table.loc["GPP", "towers"] <= means["site"].nunique()
    assert len(at.get("plotly_chart")) == 1
    assert any("Pastorello" in c.value for c in at.caption)
    assert any("at least two years" in c.value for c in at.caption)
    assert not any("XS-" in c.value for c in at.caption)  # the simulated towers of the workspace have no part in it


def test_a_missing_mean_year_is_said(open_tab, monkeypatch, tmp_path):
    from tamrl.app.world import at_towers

    monkeypatch.setattr(at_towers, "bundled_means", lambda: tmp_path / "gone.parquet")
    at = open_tab("simulated", sound=False)
    assert any("mean year of the towers cannot be read" in e.value for e in at.error)
