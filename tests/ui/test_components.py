"""Downloads, source lines, errors and the choice of support on a chart."""

import datetime
import io

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from streamlit.testing.v1 import AppTest

from tamrl.ui import components, sidebar
from tamrl.ui.components import Origin
from tamrl.ui.lab_support import selected_span
from tamrl.workspace import Workspace

REAL, MADE = Origin("FLUXNET2015", False), Origin("made by a model", True)


def test_simulated_data_say_so_in_line_file_and_content():
    assert REAL.line() == "FLUXNET2015"
    assert MADE.line().startswith("SIMULATED")
    assert MADE.file("XX-One_daily", "csv") == "SIMULATED_XX-One_daily.csv"
    assert REAL.file("XX-One_daily", "csv") == "XX-One_daily.csv"
    frame = pd.DataFrame({"GPP": [1.5, np.nan]}, index=pd.Index([1, 2], name="day"))
    assert b"SIMULATED" in components.csv_bytes(frame, MADE)
    assert b"SIMULATED" not in components.csv_bytes(frame, REAL)


def test_csv_reads_back():
    frame = pd.DataFrame({"GPP": [1.5, np.nan]}, index=pd.Index([1, 2], name="day"))
    back = pd.read_csv(io.BytesIO(components.csv_bytes(frame, MADE)), comment="#", index_col="day")
    pd.testing.assert_frame_equal(back, frame)


def test_netcdf_reads_back_with_source_and_flag():
    ds = xr.Dataset(
        {"GPP": ("time", np.array([1.5, np.nan], "float32"))}, coords={"time": pd.date_range("2004", periods=2)}
    )
    ds = ds.assign_coords(site="XX-One")
    content = components.netcdf_bytes(ds, MADE)
    with netCDF4.Dataset("memory", memory=content) as file:
        assert file.simulated == 1
        assert file.source == file.data_source == MADE.line()
        assert file.Conventions == "CF-1.11"
        assert file["GPP"][0] == 1.5


def failing(kind):
    from tamrl.errors import TamrlError
    from tamrl.ui import components

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
    assert [path for name, path in options.items() if name != "demo"] == [first.path, second.path]
    assert {"towers", "towers-2"} <= set(options)
    assert not [p for p in problems if "No workspace found" in p.what]


def test_a_folder_without_workspaces_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(sidebar.ENVIRONMENT, str(tmp_path / "nowhere"))
    _, problems = sidebar.listed("")
    assert any(str(tmp_path / "nowhere") in problem.where for problem in problems)
    assert all(problem.todo for problem in problems)
