"""The Workspace page with tables of own making: their columns are guessed, shown, corrected and kept."""

import time

import pytest
import tidy_files
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.workspace.columns import NOTHING, SITE, TIME, rows, to_map
from tamrl.errors import TamrlError
from tamrl.towers.readers import tidy


def table(path):
    guess = tidy.offer(path)
    return {
        "name": path.name,
        "mapped": False,
        "columns": guess.columns.to_dict(),
        "names": list(guess.names),
        "remarks": [],
        "steps": guess.steps,
        "first": guess.first,
    }


@pytest.fixture
def edited(tmp_path):
    tidy_files.own(60).to_csv(tmp_path / "own.csv", index=False)
    return rows(table(tmp_path / "own.csv")), tidy.offer(tmp_path / "own.csv").columns


def test_rows_say_the_map_and_come_back_as_it(edited):
    shown, columns = edited
    assert shown.set_index("column").loc["Date"].tolist() == [TIME, "", False, "01.01.2019, 02.01.2019, 03.01.2019"]
    assert shown.set_index("column").loc["Station", "what"] == SITE
    assert shown.set_index("column").loc["LE", "what"] == NOTHING
    assert to_map(shown, "begin", False, "own.csv") == columns


def test_an_empty_unit_is_the_usual_one(edited):
    shown, _ = edited
    shown.loc[shown["what"] == "GPP", "unit"] = None
    assert to_map(shown, "begin", False, "x").columns["GPP_umol_m2_s"].unit == "gC m-2 d-1"
    assert to_map(shown, "begin", True, "x").columns["GPP_umol_m2_s"].unit == "umol m-2 s-1"


@pytest.mark.parametrize(
    ("column", "what", "words"),
    [
        ("LE", SITE, "Two columns name the tower"),
        ("LE", "TA", "Two columns are given TA"),
        ("LE", TIME, "do not make a date"),
        ("Date", NOTHING, "names no column of dates"),
    ],
)
def test_rows_that_make_no_map_are_refused_in_words(edited, column, what, words):
    shown, _ = edited
    shown.loc[shown["column"] == column, "what"] = what
    with pytest.raises(TamrlError, match=words):
        to_map(shown, "begin", False, "own.csv")


@pytest.fixture
def app(monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).switch_page("pages/workspace.py").run()


def wait(at):
    until = time.monotonic() + 110
    while any(b.key == "workspace_cancel" for b in at.button):
        assert time.monotonic() < until, "the reading does not end"
        time.sleep(0.5)
        at.run()
    return healthy(at)


def drop(at, *files):
    next(b for b in at.file_uploader if b.key.startswith("workspace_files_")).set_value(list(files)).run()
    return wait(at)


def editor(at):
    return next(d.value for d in at.data_editor).set_index("column")


def use(at):
    next(b for b in at.button if b.key.startswith("workspace_use_columns_")).click().run()
    return wait(at)


def sent(name, site, days=60):
    return name, tidy_files.own(days, site).to_csv(index=False).encode(), "text/csv"


@pytest.mark.slow
def test_a_table_of_own_making_is_shown_read_and_remembered(app):
    at = drop(app, sent("own.csv", "XX-Abc"))
    assert at.header[0].value == "No tower was read"
    shown = editor(at)
    assert shown.loc["T_air [K]", ["what", "unit"]].tolist() == ["TA", "K"]
    assert shown.loc["NEP [umol m-2 s-1]", ["what", "negate"]].tolist() == ["NEE", True]
    assert "--show-columns" not in " ".join(str(d.value.to_dict()) for d in at.dataframe)
    use(at)
    assert at.header[0].value == "XX-Abc"
    assert any("· 60 days ·" in m.value for m in at.markdown)
    done = " ".join(m.value for m in at.markdown).replace("\\", "")
    assert "column Rg_MJ converted from MJ m-2 d-1 to W m-2" in done
    # The map is kept for the next file of these columns.
    next(b for b in at.button if b.key.startswith("workspace_discard")).click().run()
    at = drop(at, sent("next.csv", "XX-Def", days=50))
    assert at.header[0].value == "XX-Def"


@pytest.mark.slow
def test_a_corrected_column_counts(app):
    at = drop(app, sent("own.csv", "XX-Abc"))
    box = next(d for d in at.data_editor)
    row = box.value["column"].tolist().index("LE")
    edits = {row: {"what": "LW_IN", "unit": "W m-2"}}
    at.session_state[box.key] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    at.run()
    use(at)
    assert at.header[0].value == "XX-Abc"
    variables = next(d.value for d in at.dataframe if "share" in d.value).set_index("variable")
    assert variables.loc["LW_IN", "unit"] == "W m⁻²"
