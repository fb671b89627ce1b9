"""Downloads, source lines, errors and the choice of support on a chart."""

import datetime
import io
import re
import zipfile

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyarrow import parquet as pq
from streamlit.testing.v1 import AppTest
from zarr.storage import ZipStore

from tamrl.app.lab.support import selected_span
from tamrl.app.shared import components, files, sidebar
from tamrl.app.shared.components import Origin
from tamrl.bundled import bundled_workspaces
from tamrl.towers.workspace import Workspace

REAL, MADE = Origin("FLUXNET2015", False), Origin("made by a model", True)


def test_simulated_data_say_so_in_line_file_and_content():
    assert REAL.line() == "FLUXNET2015"
    assert MADE.line().startswith("SIMULATED")
    assert MADE.file("XX-One_daily", "csv") == "SIMULATED_XX-One_daily.csv"
    assert REAL.file("XX-One_daily", "csv") == "XX-One_daily.csv"
    frame = pd.DataFrame({"GPP": [1.5, np.nan]}, index=pd.Index([1, 2], name="day"))
    assert b"SIMULATED" in files.csv(frame, MADE)
    assert b"SIMULATED" not in files.csv(frame, REAL)


def test_csv_reads_back():
    frame = pd.DataFrame({"GPP": [1.5, np.nan]}, index=pd.Index([1, 2], name="day"))
    back = pd.read_csv(io.BytesIO(files.csv(frame, MADE)), comment="#", index_col="day")
    pd.testing.assert_frame_equal(back, frame)


def test_netcdf_reads_back_with_source_and_flag():
    ds = xr.Dataset(
        {"GPP": ("time", np.array([1.5, np.nan], "float32"))}, coords={"time": pd.date_range("2004", periods=2)}
    )
    ds = ds.assign_coords(site="XX-One")
    content = files.netcdf(ds, MADE)
    with netCDF4.Dataset("memory", memory=content) as file:
        assert file.simulated == 1
        assert file.source == file.data_source == MADE.line()
        assert file.Conventions == "CF-1.11"
        assert file["GPP"][0] == 1.5


def test_parquet_reads_back_with_its_source():
    frame = pd.DataFrame({"GPP": [1.5, np.nan], "IGBP": ["DBF", "CRO"]}, index=pd.Index([1, 2], name="day"))
    content = io.BytesIO(files.parquet(frame, MADE))
    pd.testing.assert_frame_equal(pd.read_parquet(content), frame)
    said = pq.read_schema(content).metadata
    assert said[b"source"].decode() == MADE.line()
    assert said[b"simulated"] == b"1"
    assert b"gC" in said[b"units"]


def test_zarr_reads_back_zipped_and_unpacked(tmp_path):
    ds = xr.Dataset(
        {"GPP": ("time", np.array([1.5, np.nan], "float32"), {"units": "gC m-2 d-1"})},
        coords={"time": pd.date_range("2004", periods=2)},
    )
    (tmp_path / "a.zarr.zip").write_bytes(files.zarr(ds, REAL))
    with zipfile.ZipFile(tmp_path / "a.zarr.zip") as packed:
        packed.extractall(tmp_path / "a.zarr")
    for store in (ZipStore(tmp_path / "a.zarr.zip", mode="r"), tmp_path / "a.zarr"):
        with xr.open_zarr(store) as back:
            xr.testing.assert_equal(back.load(), ds)
            assert back.attrs["source"] == REAL.line()
            assert back["GPP"].attrs["units"] == "gC m-2 d-1"


def failing(kind):
    from tamrl.app.shared import components
    from tamrl.errors import TamrlError

    with components.guarded():
        if kind == "user":
            raise TamrlError("It costs $5 [sic]", "/some/path", "Pay $5")
        raise RuntimeError("surprise")


@pytest.mark.parametrize("kind", ["user", "other"])
def test_errors_are_shown_in_the_page_without_a_traceback(kind):
    at = AppTest.from_function(failing, args=(kind,), default_timeout=30).run()
    assert not at.exception
    text = at.error[0].value
    assert "Traceback" not in text
    assert "What to do:" in text
    if kind == "user":
        assert "`/some/path`" in text


def shown(kind):
    """Show an error and read it as Markdown does, the text of each emphasis and code span kept."""
    from tamrl.app.shared import components
    from tamrl.errors import TamrlError

    texts = {
        "marks": (
            "Add gpp_*.nc, and ra_*.nc and rh_*.nc ~~or~~ a_b_c",
            "/data/_in_/`odd`/*.nc",
            r"Keep C:\_x_ and <b>",
        ),
        "command": ("No [maps] for $5 or $6", "", "Run `python -m tamrl ingest SRC_* --workspace W` first_*_"),
        "long": ("one\ntwo", "a\nb", "c\n\n# d"),
    }
    components.show_error(TamrlError(*texts[kind]))


@pytest.mark.parametrize("kind", ["marks", "command", "long"])
def test_errors_are_shown_letter_by_letter(kind):
    text = AppTest.from_function(shown, args=(kind,), default_timeout=30).run().error[0].value
    plain = re.sub(r"\\([\\`*_~$\[\]<>])", r"\1", text)
    if kind == "marks":
        assert "Add gpp_*.nc, and ra_*.nc and rh_*.nc ~~or~~ a_b_c" in plain
        assert not re.search(r"(?<!\\)[*_~]", text.split("\n")[0].strip().removeprefix("**").removesuffix("**"))
        assert "Where: `` /data/_in_/`odd`/*.nc ``" in text
        assert "C:\\_x_ and <b>" in plain
    elif kind == "command":
        assert "`python -m tamrl ingest SRC_* --workspace W` first\\_\\*\\_" in text
        assert r"\[maps\]" in text
        assert text.count(r"\$") == 2
    else:
        assert text.count("\n") == 2
        assert "one two" in text


def test_a_change_names_its_arrow_and_its_colour():
    look = components.delta_look
    assert look(-0.1, "low") == {"delta_arrow": "down", "delta_color": "green"}
    assert look(-0.1, "high") == {"delta_arrow": "down", "delta_color": "red"}
    assert look(0.1, "zero") == {"delta_arrow": "up", "delta_color": "red"}
    assert look(0.1, "high", sure=False) == {"delta_arrow": "up", "delta_color": "gray"}
    for nothing in (0.0, np.nan):
        assert look(nothing, "low")["delta_arrow"] == "off"


def test_a_table_of_numbers_has_true_minus_signs_and_keeps_its_numbers():
    frame = pd.DataFrame({"site": ["a", "b", "c"], "NEE": [-1.256, 0.0, np.nan]})
    styled = components.numbers(frame, {"NEE": (2, False, ""), "GPP": (2, False, "")})
    assert list(styled.data["NEE"][:2]) == [-1.256, 0.0]
    html = styled.to_html()
    assert "\N{MINUS SIGN}1.26" in html
    assert "-1.26" not in html


def test_a_chosen_row_comes_first_and_the_others_keep_their_order():
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=["a", "b", "c"])
    assert list(components.first_row(frame, "b").index) == ["b", "a", "c"]
    assert list(components.first_row(frame, "gone").index) == ["a", "b", "c"]


def row(legends):
    import plotly.graph_objects as go
    import streamlit as st

    from tamrl.app.shared import components, widgets
    from tamrl.app.shared.components import Origin

    components.page_header("Title", "lead", True)
    if legends:
        widgets.legend([("●", "#112233", "A & B")], "Points")
    for name in ("one", "two"):
        widgets.chart(st.container(), name, go.Figure(), f"Chart {name}. In words")
    components.footer("pair", Origin("made by a model", True))
    components.footer("none", Origin("made by a model", True))


@pytest.mark.parametrize("legends", [False, True])
def test_a_row_of_charts_has_one_picture_with_all_that_belongs_to_it(legends, monkeypatch):
    from tamrl.app.shared import figure_download

    asked = []
    monkeypatch.setattr(figure_download, "_component", lambda: lambda **settings: asked.append(settings))
    at = AppTest.from_function(row, args=(legends,), default_timeout=30).run()
    assert not at.exception
    (only,) = asked
    data = only["data"]
    assert data["charts"] == [("chart-one", "Chart one"), ("chart-two", "Chart two")]
    assert data["legend"] == ([["●", "#112233", "A & B"]] if legends else [])
    assert data["file"] == "SIMULATED_pair"
    assert data["source"].startswith("SIMULATED")
    assert data["simulated"] is True
    if legends:
        html = at.get("html")[0].proto.body
        assert html.count('role="listitem"') == html.count("<span") == 1
        assert "A &amp; B" in html


VALID = pd.date_range("2004-01-01", "2004-12-31", freq="2D")


@pytest.mark.parametrize("shape", ["box", "lasso"])
def test_a_selection_on_the_chart_becomes_first_day_and_number(shape):
    edges = ["2004-03-20 11:00", "2004-03-01"] if shape == "box" else ["2004-03-01", "2004-03-20 11:00", "2004-03-10"]
    start, days = selected_span({shape: [{"x": edges}]}, VALID)
    inside = VALID[(VALID >= "2004-03-01") & (VALID <= "2004-03-20 11:00")]
    assert start == inside[0].date()
    assert days == len(inside)


def test_a_selection_in_milliseconds_is_understood():
    edges = [pd.Timestamp(day).timestamp() * 1000 for day in ("2004-03-01", "2004-03-05")]
    assert selected_span({"box": [{"x": edges}]}, VALID) == (datetime.date(2004, 3, 1), 3)


def test_an_empty_selection_changes_nothing():
    assert selected_span({"box": [], "lasso": []}, VALID) is None
    assert selected_span({"box": [{"x": ["1999-01-01", "1999-02-01"]}]}, VALID) is None


def test_workspaces_of_the_environment_and_of_a_folder_are_listed_once(tmp_path, monkeypatch):
    first = Workspace.create(tmp_path / "a" / "towers")
    second = Workspace.create(tmp_path / "b" / "towers")
    monkeypatch.setenv(sidebar.ENVIRONMENT, str(first.path))
    options, problems = sidebar.listed(str(tmp_path))
    own = [path for name, path in options.items() if name not in bundled_workspaces()]
    assert own == [first.path, second.path]
    assert {"towers", "towers-2"} <= set(options)
    assert not [p for p in problems if "No workspace found" in p.what]


def test_a_folder_without_workspaces_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(sidebar.ENVIRONMENT, str(tmp_path / "nowhere"))
    _, problems = sidebar.listed("")
    assert any(str(tmp_path / "nowhere") in problem.where for problem in problems)
    assert all(problem.todo for problem in problems)
