"""The Workspace page, run as a user runs it: files are dropped, looked at, accepted or discarded, and adapted to."""

import time
import zipfile
from io import BytesIO

import pytest
import tower_files
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.shared import visitor
from tamrl.towers.shelf import FOLDER
from tamrl.towers.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def app(monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).switch_page("pages/workspace.py").run()
    yield at
    own = visitor.visits().folder(at.session_state["tamrl_visitor"])
    assert own is None or own.parent == visitor.visits().path


def content(**settings):
    return tower_files.values(**settings).to_csv(index=False).encode()


def csv(site, **settings):
    return tower_files.name(site), content(**settings), "text/csv"


def drop(at, *files):
    """Drop files and wait until they are read."""
    box = next(b for b in at.file_uploader if b.key.startswith("workspace_files_"))
    box.set_value(list(files)).run()
    until = time.monotonic() + 110
    while any(b.key == "workspace_cancel" for b in at.button):
        assert time.monotonic() < until, "the reading does not end"
        time.sleep(0.5)
        at.run()
    return at


def files_table(at):
    return next(d.value for d in at.dataframe if "reason" in d.value).set_index("name")


def facts(at):
    return next(m.value for m in at.markdown if " · land cover " in m.value)


def press(at, key):
    next(b for b in at.button if b.key.startswith(key)).click().run()
    return at


def keys(at):
    return {b.key for b in at.button}


def test_an_empty_page_says_what_it_takes_and_how_long_it_is_kept(app):
    healthy(app)
    assert app.title[0].value == "Workspace"
    said = " ".join(c.value for c in app.caption)
    assert "stay until the server stops" in said  # whoever runs the test sits at the computer
    assert "8 workspaces and 4 GB" in said
    assert [h.value for h in app.header] == ["Your workspaces"]


def test_a_tower_is_dropped_looked_at_and_accepted(app):
    at = healthy(drop(app, csv("XX-One", days=400)))
    assert at.header[0].value == "XX-One"
    assert "· 400 days ·" in facts(at)
    variables = next(d.value for d in at.dataframe if "unit" in d.value).set_index("variable")
    assert variables.loc["NEE", "unit"] == "gC m⁻² d⁻¹"
    assert variables.loc["NEE", "share"] == 100
    assert len(at.get("plotly_chart")) == 1
    assert "workspace_files_1" in {b.key for b in at.file_uploader}  # what was sent has left the memory
    assert at.sidebar.selectbox[0].value != "my-towers"
    healthy(press(at, "workspace_accept"))
    assert "XX-One is in the workspace 'My towers'" in at.success[0].value
    assert at.query_params["ws"] == "my-towers"
    assert at.sidebar.selectbox[0].value == "my-towers"
    assert [h.value for h in at.header] == ["Your workspaces"]
    table = next(d.value for d in at.dataframe if "count" in d.value)
    assert table[["name", "count", "towers"]].to_numpy().tolist() == [["My towers", 1, "XX-One"]]
    healthy(at.switch_page("pages/towers.py").run())
    assert at.header[0].value == "XX-One"


def test_what_is_discarded_is_gone(app):
    at = healthy(drop(app, csv("XX-One")))
    healthy(press(at, "workspace_discard"))
    assert [h.value for h in at.header] == ["Your workspaces"]
    assert not any("My towers" in name for name in at.sidebar.selectbox[0].options)
    own = visitor.visits().folder(at.session_state["tamrl_visitor"])
    assert [p for p in own.rglob("*") if p.is_file()] == []


def test_files_that_hold_no_tower_are_rejected_in_words(app):
    at = drop(
        app, ("notes.txt", b"hello", "text/plain"), ("FLX_XX-Bad_FLUXNET2015_SUBSET_DD_2010-2010_1-4.csv", b"\0\1", "")
    )
    healthy(at)
    assert at.header[0].value == "No tower was read"
    table = files_table(at)
    assert set(table["status"]) == {"rejected"}
    assert "not a CSV" in table.loc["notes.txt", "reason"]
    # In full below the table, whose columns are narrow.
    assert any("notes.txt" in c.value and "not a CSV" in c.value for c in at.caption)
    assert "Traceback" not in str(table.to_dict())
    assert "/tmp" not in str(table.to_dict())
    assert "workspace_accept" not in keys(at)
    healthy(press(at, "workspace_discard"))
    assert [h.value for h in at.header] == ["Your workspaces"]


def test_a_bad_file_does_not_cost_the_good_one(app):
    at = healthy(drop(app, csv("XX-One"), ("notes.txt", b"hello", "text/plain")))
    assert at.header[0].value == "XX-One"
    assert any("Rejected: notes.txt" in w.value for w in at.warning)
    assert files_table(at)["status"].to_dict()["notes.txt"] == "rejected"


def test_of_two_towers_one_is_kept_and_then_replaced(app):
    at = healthy(drop(app, csv("XX-One"), csv("XX-Two", days=60)))
    assert at.header[0].value == "2 towers"
    overview = next(d.value for d in at.dataframe if "odd" in d.value)
    assert overview[["site", "days", "position"]].to_numpy().tolist() == [["XX-One", 40, False], ["XX-Two", 60, False]]
    tower = next(s for s in at.selectbox if s.key.startswith("workspace_tower_"))
    healthy(tower.set_value("XX-Two").run())
    assert "· 60 days ·" in facts(at)
    keep = next(m for m in at.multiselect if m.key.startswith("workspace_keep_"))
    healthy(keep.set_value(["XX-Two"]).run())
    healthy(press(at, "workspace_accept"))
    table = next(d.value for d in at.dataframe if "count" in d.value)
    assert table["towers"].tolist() == ["XX-Two"]
    healthy(drop(at, csv("XX-Two", days=80)))
    assert any("XX-Two: is in 'My towers' already" in w.value for w in at.warning)
    healthy(press(at, "workspace_accept"))
    assert "'My towers'" in at.success[0].value


def test_a_place_that_the_files_do_not_say_is_asked_for_and_looked_up(app):
    at = healthy(drop(app, csv("XX-One")))
    assert any("do not say the position, the land cover and the climate" in i.value for i in at.info)
    for name, value in (("lat", 48.2), ("lon", 11.7)):
        next(n for n in at.number_input if n.key.startswith(f"workspace_{name}_")).set_value(value).run()
    healthy(at)
    igbp = next(s for s in at.selectbox if s.key.startswith("workspace_igbp_"))
    koeppen = next(s for s in at.selectbox if s.key.startswith("workspace_koeppen_"))
    assert (igbp.value, koeppen.value) == ("CRO", "Cfb")
    assert any("48.25° N, 11.75° E" in c.value for c in at.caption)
    igbp.set_value("GRA").run()
    press(at, "workspace_place_")
    until = time.monotonic() + 110
    while "workspace_cancel" in keys(at) and time.monotonic() < until:
        time.sleep(0.5)
        at.run()
    healthy(at)
    assert "land cover GRA · Grassland · climate Cfb (temperate)" in facts(at)
    assert not at.info


def test_leaves_and_rain_that_are_lacking_can_be_filled_and_are_marked(app):
    from tamrl.towers.fill import SOURCE

    places = b"site,lat,lon,igbp,koeppen\nXX-One,48.2,11.7,CRO,Cfb\n"
    at = healthy(drop(app, csv("XX-One"), ("sites.csv", places, "text/csv")))
    assert "LAI (" in next(c.value for c in at.caption if "files lack" in c.value)
    toggle = next(t for t in at.toggle if t.key.startswith("workspace_fill_"))
    assert not toggle.value
    toggle.set_value(True).run()
    until = time.monotonic() + 110
    while "workspace_cancel" in keys(at) and time.monotonic() < until:
        time.sleep(0.5)
        at.run()
    healthy(at)
    assert next(t for t in at.toggle if t.key.startswith("workspace_fill_")).value
    assert "LAI (" not in " ".join(c.value for c in at.caption if "files lack" in c.value)
    press(at, "workspace_accept")
    workspace = Workspace.open(next(iter(visitor_workspaces(at))))
    archive = workspace.archive()
    assert bool(archive["LAI"].notnull().any())
    assert SOURCE in str(archive["source"].values[0])


def visitor_workspaces(at):
    folder = visitor.visits().folder(at.session_state["tamrl_visitor"])
    return [path.parent for path in (folder / FOLDER).rglob("workspace.yaml") if "draft" not in path.as_posix()]


def test_a_position_at_sea_is_said(app):
    at = healthy(drop(app, csv("XX-One")))
    for name, value in (("lat", 0.0), ("lon", -30.0)):
        next(n for n in at.number_input if n.key.startswith(f"workspace_{name}_")).set_value(value).run()
    assert any("no land in this half-degree cell" in c.value for c in at.caption)


def test_adapting_leads_to_the_lab_with_the_bundled_model(app):
    at = healthy(drop(app, csv("XX-One", days=700)))
    press(at, "workspace_adapt_now")
    assert not at.exception
    assert at.title[0].value == "Few-shot lab"
    assert at.query_params["ws"] == "my-towers"
    assert at.query_params["model"] == "cross-fitted"
    assert at.query_params["site"] == "XX-One"
    assert at.query_params["run"] == "1"


def test_workspaces_are_made_exported_imported_and_deleted(app):
    from tamrl.app.workspace.manage import packed

    at = healthy(drop(app, csv("XX-One")))
    press(at, "workspace_accept")
    at.text_input(key="workspace_name_0").set_value("Empty one").run()
    healthy(press(at, "workspace_create"))
    own = next(s for s in at.selectbox if s.key.startswith("workspace_own_"))
    assert own.options == ["Empty one", "My towers"]
    path = visitor.visits().folder(at.session_state["tamrl_visitor"]) / FOLDER / "my-towers"
    data = packed(path)
    assert "workspace.yaml" in zipfile.ZipFile(BytesIO(data)).namelist()
    box = next(b for b in at.file_uploader if b.key.startswith("workspace_zip_"))
    box.set_value(("my-towers.zip", data, "application/zip")).run()
    press(at, "workspace_import")
    assert any("of this name already" in e.value for e in at.error)
    next(t for t in at.text_input if t.key.startswith("workspace_zip_name_")).set_value("Back again").run()
    healthy(press(at, "workspace_import"))
    assert at.query_params["ws"] == "back-again"
    table = next(d.value for d in at.dataframe if "count" in d.value).set_index("name")
    assert table.loc["Back again", "towers"] == "XX-One"
    own = next(s for s in at.selectbox if s.key.startswith("workspace_own_"))
    healthy(own.set_value(path.with_name("back-again")).run())
    healthy(press(at, "workspace_delete"))
    assert any("This cannot be undone" in m.value for m in at.markdown)
    healthy(press(at, "workspace_delete_sure"))
    assert not path.with_name("back-again").exists()
    assert path.is_dir()
    assert at.sidebar.selectbox[0].value not in ("back-again", "my-towers")


def test_a_zip_that_is_no_workspace_is_refused_in_words(app):
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("../../x.csv", "x")
    box = next(b for b in app.file_uploader if b.key.startswith("workspace_zip_"))
    box.set_value(("x.zip", packed.getvalue(), "application/zip")).run()
    press(app, "workspace_import")
    assert not app.exception
    assert "no workspace has" in app.error[0].value


def test_what_is_larger_than_may_be_kept_is_refused(app, monkeypatch):
    monkeypatch.setattr(type(visitor.visits()), "bytes_left", lambda self, name: 100)
    at = drop(app, csv("XX-One"))
    assert not at.exception
    assert "may still keep here" in at.error[0].value
    assert [h.value for h in at.header] == ["Your workspaces"]


def test_the_place_of_a_listed_tower_is_proposed(app):
    at = healthy(drop(app, csv("DE-Hai")))
    numbers = {
        name: next(n for n in at.number_input if n.key.startswith(f"workspace_{name}_")) for name in ("lat", "lon")
    }
    assert (round(numbers["lat"].value, 1), round(numbers["lon"].value, 1)) == (51.1, 10.5)
    classes = [next(s for s in at.selectbox if s.key.startswith(f"workspace_{n}_")).value for n in ("igbp", "koeppen")]
    assert classes == ["DBF", "Dfb"]
    assert any("is a tower of FLUXNET2015" in c.value for c in at.caption)
    listed = numbers["lat"].value
    healthy(numbers["lat"].set_value(48.2).run())
    assert any("Half-degree cell at 48.25° N" in c.value for c in at.caption)
    assert not any("is a tower of FLUXNET2015" in c.value for c in at.caption)
    next(n for n in at.number_input if n.key.startswith("workspace_lat_")).set_value(listed).run()
    press(at, "workspace_place_")
    until = time.monotonic() + 110
    while "workspace_cancel" in keys(at) and time.monotonic() < until:
        time.sleep(0.5)
        at.run()
    assert "land cover DBF" in facts(healthy(at))
