"""Whatever a visitor writes into an address or a box, the server's disk stays unknown to him."""

import os
from pathlib import Path

import hostile_names
import map_files
import pytest
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.shared import state
from tamrl.bundled import bundled_folder
from tamrl.maps import catalog
from tamrl.system import access
from tamrl.towers.workspace import Workspace

PAGES = (
    "start",
    "world",
    "towers",
    "workspace",
    "lab",
    "present",
    "task_space",
    "scorecard",
    "lessons",
    "teacher",
    "glossary",
)
#: Values that every parameter is given, one after the other.
VALUES = ("<script>alert(1)</script>[a](javascript:alert(1))`$x$:red[y]", "../" * 40 + "etc/passwd", "A" * 5000)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A server for visitors: its workspace lies in a root, a secret workspace beside it."""
    shared, secret = tmp_path / "shared", tmp_path / "shared-secret"
    for place in (shared / "mine", secret / "zz-private", tmp_path / "listed" / "named"):
        Workspace.create(place)
    (shared / "link").symlink_to(secret)
    leaky = Workspace.create(shared / "leaky")
    (leaky.path / "archive.zarr").symlink_to(secret / "zz-private")
    monkeypatch.setenv(access.ENVIRONMENT, str(shared))
    monkeypatch.setenv("TAMRL_WORKSPACE", str(tmp_path / "listed"))
    return shared, secret


def said(at) -> list[str]:
    """Return all texts that the page shows, without the boxes that hold what was typed."""
    kinds = (
        "error",
        "warning",
        "info",
        "caption",
        "markdown",
        "title",
        "header",
        "subheader",
        "text",
        "success",
        "toast",
    )
    shown = [str(element.value) for kind in kinds for element in at.get(kind)]
    shown += [str(element.proto) for element in at.get("html")]
    return shown + [str(option) for box in at.selectbox for option in box.options]


def reveals_nothing(at, disk):
    assert not at.exception
    texts = "\n".join(said(at))
    for secret in (
        *map(str, disk),
        str(disk[0].parent),
        str(ROOT),
        "zz-private",
        "root:x:",
        "Traceback",
        str(Path.home()),
    ):
        if secret != "/":
            assert secret not in texts, secret


def sidebars():
    from tamrl.app.scorecard import frame as scorecard
    from tamrl.app.shared import sidebar, state

    state.restore()
    sidebar.show()
    scorecard.folder_choice()
    state.publish()


def test_folders_and_scores_reveal_nothing(disk, monkeypatch):
    monkeypatch.setattr(state, "_LATE_S", 0.0)  # some of them are the same text, and each is asked for anew
    at = AppTest.from_function(sidebars, default_timeout=60)
    errors = set()
    for text in hostile_names.hostile(*disk):
        if not text.isprintable() or not text.strip():
            continue  # an address cannot hold it, or it asks for nothing
        at.query_params.update({"folder": text, "scores": text})
        at.run()
        reveals_nothing(at, disk)
        if len(text) <= state._LONGEST:
            errors.add(tuple(error.value for error in at.error))
    assert len(errors) == 1, errors
    assert len(next(iter(errors))) == 2  # one for each of the two


def test_boxes_reveal_nothing_and_forget_what_was_refused(disk):
    at = AppTest.from_function(sidebars, default_timeout=60).run()
    for text in ("a\0b", "\n", "/etc", "~root", f"{disk[0]}/../shared-secret"):
        box = next(one for one in at.text_input if one.key.startswith("choose_folder"))
        box.set_value(text).run()
        reveals_nothing(at, disk)
        at.run()
        assert not at.error
        assert "folder" not in at.query_params


def test_workspaces_in_the_roots_are_listed_and_links_out_are_not(disk):
    at = AppTest.from_function(sidebars, default_timeout=60)
    at.query_params["folder"] = "."
    at.run()
    assert {"named", "mine"} <= set(at.selectbox(key="choose_ws").options)
    assert not {"zz-private", "leaky"} & set(at.selectbox(key="choose_ws").options)
    reveals_nothing(at, disk)


def test_without_roots_there_are_no_boxes_and_addresses_open_nothing(disk, monkeypatch):
    monkeypatch.setenv(access.ENVIRONMENT, "")
    at = AppTest.from_function(sidebars, default_timeout=60)
    at.query_params["folder"] = str(disk[0])
    at.run()
    assert [box.key for box in at.text_input] == []
    assert "Files of the server cannot be opened here" in at.error[0].value
    assert "mine" not in at.selectbox(key="choose_ws").options
    reveals_nothing(at, disk)


@pytest.mark.parametrize("page", PAGES)
def test_no_parameter_reveals_anything(disk, page, tmp_path, monkeypatch):
    maps = map_files.folder(tmp_path / "maps", step=10.0)
    monkeypatch.setattr(catalog, "bundled_maps", lambda: maps)
    monkeypatch.setenv("TAMRL_WORKSPACE", str(bundled_folder("demo")))
    for text in VALUES:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
        at.switch_page(f"pages/{page}.py")
        at.query_params.update(dict.fromkeys(state.PARAMETERS, text))
        at.run()
        reveals_nothing(at, disk)
        assert all(text not in shown for shown in said(at))
        assert "javascript:alert" not in "\n".join(said(at))


def importing(path):
    import streamlit as st

    from tamrl.app.shared import state, visitor
    from tamrl.app.world import frame, import_form, imported, session
    from tamrl.towers.workspace import Workspace

    state.restore()
    workspace = Workspace.open(path)
    visitor.know([workspace.path])
    import_form.form(workspace)
    entries = session.catalogue(workspace)
    imported.remarks(frame.asked(entries))
    st.text(" ".join(entries))
    state.publish()


@pytest.fixture
def import_form(disk, tmp_path, monkeypatch):
    maps = map_files.folder(tmp_path / "maps", step=10.0)
    monkeypatch.setattr(catalog, "bundled_maps", lambda: maps)
    return lambda: AppTest.from_function(importing, args=(str(disk[0] / "mine"),), default_timeout=600).run()


def test_import_by_path_reveals_nothing(disk, import_form):
    (disk[0] / "text.nc").write_text("secret words")
    os.mkfifo(disk[0] / "pipe.nc")
    at, errors = import_form(), set()
    for text in hostile_names.hostile(*disk):
        if not text.strip() or "\ud800" in text:
            continue  # it asks for nothing, or no browser can send it
        at.text_input(key="world_import_path").set_value(text).run()
        at.button(key="world_import_go").click().run()
        reveals_nothing(at, disk)
        errors.add(at.error[0].value)
    assert len(errors) == 1, errors
    at.text_input(key="world_import_path").set_value("text.nc").run()
    at.button(key="world_import_go").click().run()
    assert "secret words" not in "\n".join(said(at))
    reveals_nothing(at, disk)


def test_an_import_belongs_to_its_visitor(disk, import_form):
    map_files.write(disk[0] / "x.nc", step=10.0, title="Imported one", kind="product", years=1)
    at = import_form()
    assert "for this session only" in at.caption[0].value
    at.text_input(key="world_import_path").set_value("x.nc").run()
    at.button(key="world_import_go").click().run()
    assert not at.error, at.error
    assert "imported-one" in at.text[0].value
    assert "nobody else sees it" in at.info[0].value
    assert not list((disk[0] / "mine").rglob("*.zarr"))
    assert "imported-one" not in import_form().text[0].value
    reveals_nothing(at, disk)
    at.button(key="world_import_remove").click().run()
    assert "imported-one" not in at.text[0].value
