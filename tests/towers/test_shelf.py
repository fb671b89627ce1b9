"""What a visitor sends is read apart, bounded in number, and becomes workspaces of his own."""

import time

import numpy as np
import pytest
import tidy_files
import tower_files

from tamrl.errors import TamrlError
from tamrl.system.contained import Bounds
from tamrl.towers.readers.column_map import ColumnMap
from tamrl.towers.shelf import MOST_DRAFTS, MOST_FILES, MOST_MAPS, Shelf, file_name, slug

BOUNDS = Bounds(200 * 2**20, seconds=120)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / ".workspaces", 2)


def sent(shelf, **files):
    """A draft of files, by the tower that each is of."""
    draft = shelf.new_draft()
    for site, settings in files.items():
        name = tower_files.name(site.replace("_", "-"))
        tower_files.write_dd(draft.place_for(name), **settings)
    return draft


def test_files_are_read_apart_and_reported(shelf):
    draft = sent(shelf, XX_One={"days": 40}, XX_Two={"days": 50})
    draft.place_for("notes.txt").write_text("no tower")
    shares = []
    report = draft.read(shares.append, BOUNDS)
    assert shares[-1] == 1.0
    assert report.sites == ["XX-One", "XX-Two"]
    assert report.tower("XX-Two")["days"] == 50
    assert {row["name"]: row["status"] for row in report.files}["notes.txt"] == "failed"
    assert draft.ready
    assert draft.report() == report
    assert draft.workspace.archive()["site"].values.tolist() == ["XX-One", "XX-Two"]
    assert shelf.workspaces() == []
    assert [d.path for d in shelf.drafts()] == [draft.path]


def test_a_place_that_was_typed_is_read_with_the_files(shelf):
    draft = sent(shelf, XX_One={})
    assert not draft.read(lambda share: None, BOUNDS).tower("XX-One")["position"]
    draft.put_place("XX-One", {"lat": "47.5", "lon": "8.4", "igbp": "GRA", "koeppen": "Cfb"})
    row = draft.read(lambda share: None, BOUNDS).tower("XX-One")
    assert (row["position"], row["igbp"], row["koeppen"]) == (True, "GRA", "Cfb")
    assert draft.workspace.archive()["lat"].item() == 47.5
    assert draft.places()["XX-One"]["lon"] == "8.4"


@pytest.mark.parametrize("values", [{"lat": "95"}, {"lon": "x"}, {"igbp": "ZZZ"}])
def test_a_place_that_cannot_be_is_refused(shelf, values):
    draft = shelf.new_draft()
    with pytest.raises(TamrlError):
        draft.put_place("XX-One", values)
    assert draft.places() == {}


def test_a_table_and_the_tables_beside_it_are_read_together(shelf, tmp_path):
    folder = tower_files.write_table(tmp_path / "table", {"XX-One": 59, "XX-Two": 59})
    draft = shelf.new_draft()
    for path in sorted(folder.iterdir()):
        draft.place_for(path.name).write_bytes(path.read_bytes())
    report = draft.read(lambda share: None, BOUNDS)
    assert report.sites == ["XX-One", "XX-Two"]
    assert all(row["position"] for row in report.towers)
    assert np.isfinite(draft.workspace.archive()["LAI"].values).any()


def test_files_of_one_name_are_both_kept(shelf):
    draft = shelf.new_draft()
    draft.place_for("a.csv").write_text("1")
    draft.place_for("a.csv").write_text("2")
    assert sorted(path.read_text() for path in draft.files) == ["1", "2"]


def test_numbers_are_bounded(shelf, monkeypatch):
    drafts = [shelf.new_draft() for _ in range(MOST_DRAFTS + 2)]
    assert [d.path for d in shelf.drafts()] == [d.path for d in drafts[-MOST_DRAFTS:]]
    monkeypatch.setattr("tamrl.towers.shelf.MOST_FILES", 1)
    drafts[-1].place_for("a").touch()
    with pytest.raises(TamrlError, match="were uploaded at once"):
        drafts[-1].place_for("b")
    assert MOST_FILES >= 163
    shelf.create("One"), shelf.create("Two")
    with pytest.raises(TamrlError, match="2 workspaces"):
        shelf.create("Three")


def test_workspaces_are_made_and_deleted_by_name(shelf, tmp_path):
    made = shelf.create("  Märzwald, 2020 ")
    assert (made.name, made.path.name) == ("Märzwald, 2020", "marzwald-2020")
    with pytest.raises(TamrlError, match="already"):
        shelf.create("marzwald 2020")
    assert shelf.holds(made.path)
    outside = tmp_path / "other"
    (outside / "models").mkdir(parents=True)
    (outside / "workspace.yaml").write_text("name: other\n")
    for path in (outside, shelf.path, shelf.path / ".." / "other"):
        with pytest.raises(TamrlError, match="not one of your"):
            shelf.delete(path)
    assert outside.is_dir()
    shelf.delete(made.path)
    assert shelf.workspaces() == []


@pytest.mark.parametrize("name", ["", " ", "../..", "\n", "x" * 61])
def test_a_name_that_says_nothing_is_refused(shelf, name):
    with pytest.raises(TamrlError):
        shelf.create(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c", "\u6797 1", "\u6797", "CON ...", "a\0b"])
def test_any_other_name_is_a_folder_inside(shelf, name):
    assert shelf.place_for(name).parent == shelf.path.resolve()
    assert slug(name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.csv", "a.csv"),
        ("../../x.csv", "x.csv"),
        ("C:\\t\\x.csv", "x.csv"),
        ("..", "file"),
        ("y" * 300 + ".csv", "file.csv"),
    ],
)
def test_names_of_files_lead_nowhere(name, kept):
    assert file_name(name) == kept


def test_what_bursts_ends_alone(shelf):
    draft = sent(shelf, XX_One={})
    with pytest.raises(TamrlError, match=r"longer than 0 minutes"):
        draft.read(lambda share: None, Bounds(2**20, seconds=0.05))
    assert not draft.ready


def test_a_reading_that_is_cancelled_leaves_nothing(shelf):
    draft = sent(shelf, **{f"XX_A{i:02}": {"days": 3000} for i in range(20)})
    began = time.monotonic()
    with pytest.raises(TamrlError, match="Reading stopped before its end"):
        draft.read(lambda share: None, BOUNDS, cancelled=lambda: time.monotonic() > began + 0.3)
    assert not draft.ready


def test_a_map_of_columns_is_kept_for_files_with_these_columns_and_no_other(shelf):
    draft = shelf.new_draft()
    tidy_files.own(50).to_csv(draft.place_for("own.csv"), index=False)
    report = draft.read(lambda share: None, BOUNDS)
    (table,) = report.tables
    assert (report.sites, table["mapped"], table["steps"]) == ([], False, False)
    assert table["first"]["LE"] == ["50.0", "50.0", "50.0"]
    columns = ColumnMap.from_dict(table["columns"], "own.csv")
    draft.put_columns(columns)
    report = draft.read(lambda share: None, BOUNDS)
    assert (report.sites, report.tables[0]["mapped"]) == (["XX-Abc"], True)
    assert draft.report() == report
    draft.discard()
    other = shelf.new_draft()
    tidy_files.own(50, "XX-Def").to_csv(other.place_for("same.csv"), index=False)
    tidy_files.own(50, "XX-Ghi").assign(more=1).to_csv(other.place_for("wider.csv"), index=False)
    report = other.read(lambda share: None, BOUNDS)
    assert report.sites == ["XX-Def"]
    assert {row["name"]: row["mapped"] for row in report.tables} == {"same.csv": True, "wider.csv": False}
    with pytest.raises(TamrlError, match="gives no column a variable"):
        other.put_columns(ColumnMap(time=("Date",), columns={}))
    for number in range(MOST_MAPS + 2):
        other.put_columns(ColumnMap(time=("Date",), columns=columns.columns, ignored=(f"c{number}",)))
    assert len(list((shelf.path / ".columns").iterdir())) == MOST_MAPS
