"""The Towers page, run as a user runs it: through the router, without a browser."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from tamrl.towers.archive import load_archive, save_archive
from tamrl.towers.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def app(small_workspace, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    return towers_page()


def towers_page():
    """The app at the Towers page, not yet run."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/towers.py")


def texts(at):
    return " ".join(m.value for m in at.markdown)


def test_the_page_shows_towers_figures_and_sources(app, small_workspace):
    at = healthy(app.run())
    assert at.title[0].value == "Towers"
    table = at.dataframe[0].value
    assert len(table) == 6
    assert {"site", "igbp", "koeppen", "years", "valid_days", "GPP", "RECO", "NEE", "country", "continent"} <= set(
        table
    )
    assert at.header[0].value.startswith(table["site"].iloc[0])
    assert len(at.get("plotly_chart")) == 2
    assert sum("Source:" in c.value for c in at.caption) == 2
    assert all("SIMULATED" in c.value for c in at.caption if "Source:" in c.value)
    assert len(at.get("download_button")) == 8


def test_simulated_towers_are_badged_in_header_and_sidebar(app):
    at = healthy(app.run())
    assert sum("SIMULATED" in m.value for m in at.main.markdown) >= 1
    assert sum("SIMULATED" in m.value for m in at.sidebar.markdown) >= 1


def test_a_tower_is_picked_by_select_box_and_kept_in_the_url(app):
    at = healthy(app.run())
    other = at.dataframe[0].value["site"].iloc[3]
    at.selectbox(key="tower_select").set_value(other).run()
    healthy(at)
    assert at.header[0].value.startswith(other)
    assert at.query_params["site"] == other


def test_filters_narrow_the_table_and_can_be_cleared(app):
    at = healthy(app.run())
    table = at.dataframe[0].value
    chosen = table["igbp"].iloc[0]
    at.multiselect(key="choose_igbp").set_value([chosen]).run()
    healthy(at)
    assert set(at.dataframe[0].value["igbp"]) == {chosen}
    assert len(at.dataframe[0].value) == (table["igbp"] == chosen).sum()
    # A continent that no tower of this class stands on.
    elsewhere = sorted(set(table["continent"]) - set(table.loc[table["igbp"] == chosen, "continent"]))
    if not elsewhere:
        pytest.skip("every continent has a tower of this class")
    at.multiselect(key="choose_continent").set_value(elsewhere[:1]).run()
    healthy(at)
    assert "No tower passes" in at.info[0].value
    next(b for b in at.button if b.label == "Clear the filters").click().run()
    assert len(healthy(at).dataframe[0].value) == 6


def test_a_deep_link_restores_tower_filter_flux_and_page(app):
    first = healthy(app.run()).dataframe[0].value
    row = first.iloc[-1]
    at = towers_page()
    at.query_params.update({"site": row["site"], "igbp": row["igbp"], "flux": "GPP", "drivers": "TA"})
    healthy(at.run())
    assert at.header[0].value.startswith(row["site"])
    assert at.multiselect(key="choose_igbp").value == [row["igbp"]]
    assert at.multiselect(key=f"drivers_{row['site']}").value == ["TA"]
    at.switch_page("pages/lab.py").run()
    assert at.query_params["site"] == row["site"]
    assert at.query_params["igbp"] == row["igbp"]


def test_an_unknown_tower_or_workspace_in_the_url_is_told_and_passed_over(app):
    app.query_params.update({"site": "XX-Not", "ws": "nowhere"})
    at = healthy(app.run())
    said = " ".join(w.value for w in at.warning)
    assert "XX-Not" in said
    assert "nowhere" in said
    assert len(at.get("plotly_chart")) == 2


def test_a_damaged_archive_is_an_error_in_three_parts(tmp_path, monkeypatch):
    workspace = Workspace.create(tmp_path / "broken")
    workspace.archive_path.mkdir()
    (workspace.archive_path / "zarr.json").write_text("{not json")
    monkeypatch.setenv("TAMRL_WORKSPACE", str(workspace.path))
    at = towers_page().run()
    assert not at.exception
    assert "What to do:" in at.error[0].value
    assert "archive.zarr" in at.error[0].value


def test_an_empty_workspace_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(Workspace.create(tmp_path / "empty").path))
    at = towers_page().run()
    assert not at.exception
    assert "ingest" in at.error[0].value


def test_a_workspace_with_damaged_yaml_says_so(tmp_path, monkeypatch):
    workspace = Workspace.create(tmp_path / "broken")
    (workspace.path / "workspace.yaml").write_text("just text")
    monkeypatch.setenv("TAMRL_WORKSPACE", str(workspace.path))
    at = towers_page().run()
    assert not at.exception
    assert "workspace.yaml" in at.error[0].value


def test_a_tower_without_valid_days_is_shown_with_a_warning_and_not_adapted_to(small_workspace, tmp_path, monkeypatch):
    workspace = small_workspace[0]
    copy = tmp_path / "low"
    shutil.copytree(workspace.path, copy)
    archive = load_archive(copy / "archive.zarr").load()
    site = small_workspace[1][0]
    quality = archive["NEE_QC"].values.copy()
    quality[list(archive["site"].values).index(site)] = np.float32(0.1)
    save_archive(
        archive.assign(NEE_QC=(archive["NEE_QC"].dims, quality, archive["NEE_QC"].attrs)), copy / "archive.zarr"
    )
    monkeypatch.setenv("TAMRL_WORKSPACE", str(copy))
    at = towers_page()
    at.query_params["site"] = site
    healthy(at.run())
    assert "no valid day" in at.warning[0].value
    at.switch_page("pages/lab.py").run()
    assert not at.exception
    assert "no valid day" in at.error[0].value


def test_a_folder_lists_its_workspaces_and_one_can_be_chosen(small_workspace, tmp_path, monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    copy = tmp_path / "folder" / "mine"
    shutil.copytree(small_workspace[0].path, copy)
    at = healthy(towers_page().run())
    assert len(at.dataframe[0].value) > 6
    at.text_input(key="choose_folder").set_value(str(tmp_path / "folder")).run()
    at.selectbox(key="choose_ws").set_value("mine").run()
    assert len(healthy(at).dataframe[0].value) == 6
    assert at.query_params == {"folder": str(tmp_path / "folder"), "ws": "mine"}
    at.text_input(key="choose_folder").set_value(str(tmp_path / "nothing")).run()
    assert not at.exception
    assert "There is no such file or folder" in at.sidebar.error[0].value
    late = at.text_input(key="choose_folder")._widget_state  # a request that left before it heard of the next run
    at.run()
    assert not at.sidebar.error
    at._run(WidgetStates(widgets=[late]))
    assert not at.sidebar.error
    assert "folder" not in at.query_params
    at.query_params["folder"] = str(tmp_path / "nothing")  # the address as the browser still has it
    at.run()
    assert not at.sidebar.error
    again = next(box for box in at.text_input if box.key.startswith("choose_folder"))
    again.set_value(str(tmp_path / "nothing")).run()
    assert at.sidebar.error, "who types it once more hears of it"


def test_the_page_does_not_load_torch():
    """Torch costs about a second, which a page of tables and maps need not wait for."""
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; "
        f"at = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=90); "
        "at.switch_page('pages/towers.py').run(); "
        "assert at.title[0].value == 'Towers' and not at.exception; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_bundled_workspace_is_the_default(monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    at = healthy(towers_page().run())
    assert len(at.dataframe[0].value) == 163
    assert "SIMULATED" not in texts(at)
    assert any("Cite as: doi:10.18140/FLX/" in c.value for c in at.caption)
    at = towers_page()
    at.query_params["ws"] = "demo"
    assert "SIMULATED" in texts(healthy(at.run()))


def test_what_was_done_to_the_data_of_a_tower_is_shown(small_workspace, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(small_workspace[0].path, copy)
    space = Workspace.open(copy)
    site = str(space.archive()["site"].values[0])
    entry = {"kind": "rejected", "subject": site, "words": "VPD: 3 values <b>outside</b>", "count": 3}
    space.add_provenance({"command": "ingest x", "inputs": [], "account": [entry]})
    monkeypatch.setenv("TAMRL_WORKSPACE", str(copy))
    at = healthy(towers_page().run())
    assert f"the data of {site} on the way in (1)" in at.expander[-1].label + at.expander[0].label
    assert [frame.value["words"].tolist() for frame in at.dataframe if "words" in frame.value] == [[entry["words"]]]
