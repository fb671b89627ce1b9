"""Figures of the lessons: what they show is what they were given, in light and dark."""

import numpy as np
import pandas as pd
import pytest

from tamrl.figures.lessons import apart, classroom, labels, measured, seasons, siting, trust
from tamrl.teaching.labels import Benchmark


@pytest.fixture
def days():
    index = pd.date_range("2001-01-01", periods=4)
    columns = {"GPP": [1.0, 2, 3, 4], "RECO": [2.0, 1, 1, 1], "NEE": [1.0, -1, -2, -3], "NEE_QC": [1.0, 0.5, 0.9, 0.1]}
    return pd.DataFrame(columns, index)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_balance_has_uptake_on_the_left_and_net_where_it_may_be_seen(days, theme):
    figure = measured.balance(days.iloc[1], 4.0, theme)
    assert [bar.x[0] for bar in figure.data] == [-2.0, 1.0, -1.0]
    assert len(measured.balance(days.iloc[1], 4.0, theme, net=False).data) == 2


def test_points_below_the_threshold_are_hollow(days):
    figure = measured.year(days, 0.7, days.index[1], "light")
    kept, left = figure.data[2:]
    assert np.isfinite(kept.y).tolist() == [True, False, True, False]
    assert np.isfinite(left.y).tolist() == [False, True, False, True]
    assert "open" in left.marker.symbol


def test_months_that_are_beaten_are_filled():
    found = Benchmark(5.0, np.linspace(4, 1, 12), 0.9)
    figure = labels.curve(found, np.array([4.0, 3.0, 2.5, 2.2]), "GPP", "dark")
    assert list(figure.data[0].y) == [5.0, 4.0, 3.0, 2.5, 2.2]
    symbols = list(figure.data[1].marker.symbol)
    assert symbols.count("circle") == int((found.months > 2.2).sum())


def test_regions_wear_the_mark_of_the_student_and_the_index_its_threshold():
    codes = np.kron([[1, 2], [0, 2]], np.ones((6, 6), int))
    lat, lon = np.linspace(-50, 70, 12), np.linspace(-170, 170, 12)
    towers = pd.DataFrame({"lat": [0.0], "lon": [1.0]}, index=["XX-Abc"])
    drawn = trust.marked(codes, {1: "A", 2: "B"}, ["B"], lat, lon, towers, "light").data[0]
    assert set(drawn.z[np.isfinite(drawn.z)]) == {0, 2}
    field = trust.index(codes / 3, 0.7, lat, lon, towers, "dark")
    assert 0.7 in field.data[0].colorbar.tickvals
    table = pd.DataFrame({"index": [0.4, 0.5], "r2": [0.2, np.nan], "towers": [3, 0]}, index=["A", "B"])
    assert sum(len(trace.x) for trace in trust.against(table, "r2", "R²", ["A"], "light").data) == 1


def test_every_axis_of_simulated_places_says_so():
    columns = {"temperature": [1.0, 2, 3], "rain": [1.0, 2, 3], "igbp": "GRA", "koeppen": "Dfb"}
    places = pd.DataFrame(columns, index=["XS-A", "XS-B", "XS-C"])
    for theme in ("light", "dark"):
        figure = siting.climates(places, np.array([1.0, 2, 3]), 4.0, ["XS-A"], ["XS-B"], theme)
        assert [len(trace.x) for trace in figure.data] == [1, 1, 1]
        assert "SIMULATED" in figure.layout.xaxis.title.text
        assert "SIMULATED" in siting.among(np.ones(5), {"yours": 1.0}, theme).layout.xaxis.title.text


def test_a_season_and_the_towers_of_a_strip():
    table = pd.DataFrame({"observed": [1.0, 2], "mine": [0.5, 1.5]}, index=[5, 15])
    figure = seasons.seasons(table, "GPP", "light", top=9.0)
    assert [trace.name for trace in figure.data] == ["Observed", "Your γ and β"]
    assert figure.layout.yaxis.range[1] == 9.0
    scores = pd.DataFrame({"r2": [-60.0, 0.5, 0.9], "igbp": ["CRO", "CRO", "DBF"]}, index=["a", "b", "c"])
    others, chosen = seasons.strip(scores, {"b": "b"}, -2.0, "dark").data
    assert list(others.x) == [-2.0, 0.9]
    assert list(chosen.x) == [0.5]


def test_answers_of_a_class_are_counted_by_right_and_wrong():
    rows = pd.DataFrame(
        {
            "student": [1, 2, 3, 4],
            "lesson": "days",
            "question": "weeks",
            "answer": ["a", "b", "b", "a"],
            "correct": pd.array([True, False, pd.NA, True], dtype="boolean"),
            "value": [1.0, 2.0, np.nan, 1.0],
            "tries": [1, 3, 1, 2],
        }
    )
    assert classroom.kinds(rows).tolist() == ["right at once", "not right", "not marked", "right after more tries"]
    drawn = classroom.progress(rows, {("days", "weeks"): "4 · Weeks", ("days", "best"): "4 · Best"}, "light")
    names = ["Right at once", "Right after more tries", "Not right", "Not marked"]
    assert [(bar.name, list(bar.x)) for bar in drawn.data] == [(name, [1]) for name in names]
    assert sum(sum(bar.x) for bar in classroom.answers(rows, "dark").data) == 4
    assert len(classroom.values(rows.dropna(subset=["value"]), "x", {"median": 1.5}, "light").data) == 3


@pytest.mark.parametrize("width", [250, 320, 900])
def test_names_lie_over_no_other_name_and_no_other_point_on_any_screen(width):
    rng = np.random.default_rng(1)
    places = pd.DataFrame(
        {"temperature": rng.uniform(-8, 29, 40), "rain": rng.uniform(100, 2600, 40), "igbp": "GRA", "koeppen": "Dfb"},
        index=[f"XS-AB{i}" for i in range(40)],
    )
    errors, start, added = rng.uniform(0, 5, 40), ["XS-AB1", "XS-AB2"], ["XS-AB3"]
    figure = siting.climates(places, errors, 5.0, start, added, "light")
    plot = apart.Plot(x=tuple(figure.layout.xaxis.range), y=tuple(figure.layout.yaxis.range), px=(width, 290))
    taken, markers, named = np.empty((0, 4)), np.empty((0, 4)), []
    for trace in figure.data:
        points, radius = plot.at(trace.x, trace.y), trace.marker.size / 2
        markers = np.vstack([markers, np.concatenate([points - radius, points + radius], axis=1)])
        named += [
            apart.boxes(point, radius, text, 10)[side]
            for point, text, side in zip(points, trace.text, trace.textposition, strict=True)
            if text
        ]
    for box in named:
        assert apart.common(box, taken) == 0
        assert apart.common(box, markers) == 0
        taken = np.vstack([taken, box])
    assert len(named) >= len(start) + len(added)


def test_a_name_that_must_be_shown_takes_the_best_of_bad_sides_and_another_is_left_out():
    plot = apart.Plot(x=(0, 1), y=(0, 1), px=(60, 40))
    points, radii = plot.at(np.array([0.5, 0.52]), np.array([0.5, 0.5])), np.array([6.0, 6.0])
    names = [(0, "a long name", True), (1, "another one", False)]
    assert list(apart.sides(points, radii, names, plot, 10)) == [0]


def test_names_of_the_lines_among_draws_stand_above_the_plot_one_over_the_other():
    marks = {"yours": 1.5, "knowing the truth": 1.1, "as unlike as can be": 1.4}
    notes = siting.among(np.linspace(1, 2, 20), marks, "light").layout.annotations
    assert [note.text for note in notes] == ["knowing the truth", "as unlike as can be", "yours"]
    assert len({note.yshift for note in notes}) == 3
    assert all((note.y, note.yanchor) == (1, "bottom") for note in notes)


def test_numbers_of_weeks_that_are_near_stand_together():
    values = pd.Series(1.0, pd.date_range("2003-01-01", "2003-12-31"))
    weeks = [pd.Timestamp(day) for day in ("2003-06-08", "2003-01-06", "2003-06-01", "2003-10-06")]
    shown = labels.calendar(values, "GPP", weeks, "light")
    assert [note.text for note in shown.layout.annotations] == ["2", "3, 1", "4"]
    assert shown.layout.annotations[1].x == pd.Timestamp("2003-06-08")
    assert len(shown.layout.shapes) == 4
