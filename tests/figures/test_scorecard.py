"""Figures of the Scorecard: what is drawn is what the tables hold, in both themes."""

import numpy as np
import pandas as pd
import pytest

from tamrl.evaluation.labels import LABELS, in_order
from tamrl.evaluation.results import METRICS
from tamrl.figures.colours import ACCENT, GLYPHS, LOSS_INK, PURPLE_ORANGE, UNSURE, rgb
from tamrl.figures.scorecard import checks, models, names, patterns
from tamrl.figures.scorecard import map as maps

THEMES = ("light", "dark")
RMSE, R2, BIAS = METRICS["rmse"], METRICS["r2"], METRICS["bias"]


@pytest.fixture
def summary():
    rows = [("GPP", "tamrl", s, v, v - 0.1, v + 0.2, 9) for s, v in ((0, 2.0), (30, 1.7), (365, 1.4))]
    rows += [("GPP", "xgboost", 0, 2.3, 2.2, 2.5, 9), ("NEE", "tamrl", 0, 1.5, 1.4, 1.6, 9)]
    return pd.DataFrame(rows, columns=["flux", "model", "shots", "value", "low", "high", "towers"])


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


@pytest.mark.parametrize("theme", THEMES)
def test_learning_curve_has_values_bands_and_a_line_across_for_models_without_labels(summary, theme):
    figure = models.learning_curve(summary, "GPP", RMSE, theme)
    ours = named(figure, "TAM-RL")
    assert list(ours.y) == [2.0, 1.7, 1.4]
    assert list(figure.layout.xaxis.ticktext) == ["0", "30", "365"]
    band = next(trace for trace in figure.data if trace.fill == "toself")
    assert max(band.y) == 2.2
    assert min(band.y) == pytest.approx(1.3)
    across = next(trace for trace in figure.data if trace.mode == "lines" and trace.line.dash == "dot")
    assert list(across.y) == [2.3, 2.3]
    assert "gC m⁻² d⁻¹" in figure.layout.yaxis.title.text
    assert ours.line.color == ACCENT[theme]
    assert figure.data[-1] is ours, "ours is drawn on top"


def test_models_have_one_colour_each_and_baselines_are_muted():
    def chroma(colour):
        return max(rgb(colour)[:3]) - min(rgb(colour)[:3])

    for theme in THEMES:
        colours = [look.colour(theme) for look in map(names.look, LABELS)]
        assert len({(look.colour(theme), look.dash, look.symbol) for look in map(names.look, LABELS)}) == len(colours)
        ours = chroma(names.look("tamrl").colour(theme))
        assert all(chroma(names.look(m).colour(theme)) < ours for m in LABELS if not m.startswith("tamrl"))
    assert names.look("something new").label == "something new"
    assert {look.symbol for look in map(names.look, LABELS)} <= set(GLYPHS)


def test_order_and_words():
    assert in_order(["zzz", "climatology", "tamrl", "xgboost", "tamrl"]) == ["tamrl", "xgboost", "climatology", "zzz"]
    columns = [("xgboost", 0), ("tamrl", 0), ("tamrl", 30)]
    assert names.plain(columns) == ("xgboost",)
    assert names.column_label(("xgboost", 0), names.plain(columns)) == "XGBoost"
    assert names.column_label(("tamrl", 0), names.plain(columns)) == "TAM-RL, zero-shot"
    assert names.change_text(-14.26, RMSE) == "\N{MINUS SIGN}14.3 %"
    assert names.change_text(0.0812, R2) == "+0.08"
    assert names.number(float("nan")) == "\N{EN DASH}"


def test_classes_are_in_their_rows_with_intervals():
    table = pd.DataFrame(
        {
            "class": ["ENF", "GRA"],
            "model": "tamrl",
            "shots": 30,
            "towers": [9, 4],
            "value": [1.0, 2.0],
            "change": [-12.0, 3.0],
            "change_low": [-20.0, np.nan],
            "change_high": [-5.0, np.nan],
        }
    )
    figure = models.classes(table, "GPP", RMSE, "XGBoost", {}, "light")
    assert list(figure.data[0].x) == [-12, 3]
    assert figure.data[0].error_x.array[0] == 7
    # An interval that holds zero, or none at all, cannot tell a difference.
    assert list(figure.data[0].marker.color) == [ACCENT["light"], UNSURE["light"]]
    assert list(figure.layout.yaxis.ticktext) == ["ENF (9)", "GRA (4)"]
    assert figure.layout.xaxis.title.text == "GPP RMSE against XGBoost [%]"


def test_cumulative_reaches_every_tower():
    columns = pd.MultiIndex.from_tuples([("tamrl", 30), ("xgboost", 0)])
    values = pd.DataFrame([[3.0, 4.0], [1.0, 2.0], [2.0, 9.0]], columns=columns)
    figure = models.cumulative(values, "GPP", RMSE, "light")
    ours = named(figure, "TAM-RL")
    assert list(ours.x) == [1, 2, 3]
    np.testing.assert_allclose(ours.y, [1 / 3, 2 / 3, 1])
    empty = models.cumulative(values[:0], "GPP", RMSE, "light")
    assert len(empty.data) == 2


def test_contest_is_in_shares_and_names_p():
    table = pd.DataFrame({"label": ["A"], "win": [6], "tie": [1], "loss": [3], "towers": [10], "p": [0.0004]})
    figure = models.contest(table, "NEE", "dark")
    assert [trace.x[0] for trace in figure.data] == [0.6, 0.1, 0.3]
    assert figure.layout.annotations[0].text == "p < 0.001"
    assert models.p_text(0.034) == "p = 0.034"
    assert models.p_text(float("nan")) == ""


def test_taylor_angle_is_the_correlation_and_a_negative_one_opens_the_left_half():
    points = pd.DataFrame({"model": ["tamrl"], "shots": [30], "correlation": [0.5], "deviation": [0.8]})
    figure = patterns.taylor(points, "GPP", "light")
    ours = named(figure, "TAM-RL, 30 days")
    assert ours.theta[0] == pytest.approx(60)
    assert ours.r[0] == 0.8
    assert list(figure.layout.polar.sector) == [0, 90]
    axis = figure.layout.polar.angularaxis
    for tick, text in zip(axis.tickvals, axis.ticktext, strict=True):
        assert np.cos(np.radians(tick)) == pytest.approx(float(text), abs=1e-9)
    worse = patterns.taylor(points.assign(correlation=-0.2), "GPP", "light")
    assert list(worse.layout.polar.sector) == [0, 180]


def test_arcs_of_the_taylor_diagram_are_one_centred_error_from_the_observed():
    arc = patterns._arc(0.5, 1.5, "light")
    x = arc.r * np.cos(np.radians(arc.theta))
    y = arc.r * np.sin(np.radians(arc.theta))
    np.testing.assert_allclose(np.hypot(x - 1, y), 0.5)


@pytest.mark.parametrize("theme", THEMES)
def test_density_is_logarithmic_and_keeps_empty_bins_empty(theme):
    rows = pd.DataFrame({"observed": [0.0, 2.0], "predicted": [0.5, 2.0], "days": [1000, 1]}, dtype=float)
    heat, line = patterns.density(rows, "GPP", theme).data
    z = np.asarray(heat.z, dtype=float)
    assert np.nanmax(z) == 3
    assert np.isfinite(z).sum() == 2
    assert list(line.x) == list(line.y)
    assert len(patterns.density(rows[:0], "GPP", theme).data) == 0


def test_season_shows_observed_band_and_models():
    months = np.arange(1, 13)
    parts = [
        pd.DataFrame({"model": m, "shots": s, "month": months, "mean": value + months, "sd": 1.0, "towers": 5})
        for m, s, value in (("observed", 0, 0.0), ("tamrl", 0, 1.0), ("tamrl", 30, 0.5))
    ]
    figure = patterns.season(pd.concat(parts), "GPP", [("tamrl", 30), ("tamrl", 0)], "light")
    np.testing.assert_allclose(named(figure, "Observed").y, months)
    assert named(figure, "TAM-RL, zero-shot").line.dash == "dot"
    assert named(figure, "TAM-RL, 30 days").line.dash == "solid"
    assert max(figure.data[0].y) == 13


def test_map_colours_run_from_low_to_high_and_differences_are_centred():
    values = np.array([1.0, 2.0, 3.0, np.nan])
    colours, low, high = maps.scale(values, RMSE, False)
    assert low < high
    tints = maps.colours_of(values, colours, low, high)
    assert sum(tints[0][:3]) > sum(tints[2][:3]), "a larger error is darker"
    assert tints[3] == rgb("#8b929c", 150)
    diverging, low, high = maps.scale(np.array([-30.0, 5.0]), RMSE, True)
    assert low == -high
    assert diverging[0] == PURPLE_ORANGE[0], "a smaller error is purple"
    assert maps.scale(np.array([-0.3, 0.1]), R2, True)[0][-1] == PURPLE_ORANGE[0], "a higher skill is purple"
    assert maps.scale(np.array([-0.3, 0.1]), BIAS, False)[1] < 0
    assert maps.scale(np.array([np.nan]), RMSE, False)[1:] == (0.0, 1.0)


def test_map_names_the_score_and_asks_for_nothing_outside():
    table = pd.DataFrame(
        {
            "lat": [50.0, np.nan],
            "lon": [8.0, 1.0],
            "igbp": "ENF",
            "koeppen": "Cfb",
            "network": "ICOS",
            "days": 900,
            "value": [1.234, 2.0],
        },
        index=["XX-001", "XX-002"],
    )
    colours = maps.scale(table["value"].to_numpy(), RMSE, False)
    deck = maps.score_map(table, "value", "RMSE: {}", colours, "XX-001", "light")
    assert "http" not in deck.to_json()
    records = next(layer for layer in deck.layers if layer.id == "towers-0").data
    assert [record["said"] for record in records] == ["RMSE: 1.23"]
    legend = maps.legend(("#000000", "#ffffff"), -1.0, 2.0, "RMSE [gC]", 1)
    assert "\N{MINUS SIGN}1.0" in legend
    assert "0.5" in legend


def test_coverage_and_spread_and_ablations_and_published():
    stats = pd.DataFrame({"shots": [0, 30], "coverage50": [0.48, 0.5], "coverage90": [0.88, 0.91]})
    for level in ("coverage50", "coverage90"):
        stats[f"{level}_low"], stats[f"{level}_high"] = stats[level] - 0.1, stats[level] + 0.1
    figure = checks.coverage(stats, "GPP", "light")
    assert [list(trace.y) for trace in figure.data] == [[0.88, 0.91], [0.48, 0.5]]
    assert {line.y0 for line in figure.layout.shapes} >= {0.5, 0.9, 0.88}

    classes = pd.DataFrame({"class": ["ENF"], "spread": [1.0], "rmse": [1.5], "towers": [4]})
    point = checks.spread_skill(classes, "GPP", {"ENF": "Forest"}, "dark").data[0]
    assert (point.x[0], point.y[0]) == (1.0, 1.5)

    rows = pd.DataFrame(
        {
            "model": ["no modulation", "five members", "tamrl-1"],
            "value": 1.0,
            "towers": 9,
            "change": [8.0, -3.0, np.nan],
            "change_low": [5.0, -4.0, np.nan],
            "change_high": [9.0, -1.0, np.nan],
        }
    )
    bar = checks.ablations(rows, "GPP", RMSE, "tamrl-1", "light").data[0]
    assert list(bar.y) == ["five members", "no modulation"]
    assert bar.marker.color[0] == ACCENT["light"] != bar.marker.color[1]

    unsure = rows.assign(change_low=[-1.0, -4.0, np.nan], change_high=[9.0, 0.5, np.nan])
    bar = checks.ablations(unsure, "GPP", RMSE, "tamrl-1", "light").data[0]
    assert set(bar.marker.color) == {UNSURE["light"]}

    by_class = pd.DataFrame(
        {
            "class": ["CRO", "ENF"],
            "coverage90": [0.8, 0.9],
            "coverage90_low": [0.7, 0.85],
            "coverage90_high": [0.9, 0.95],
            "towers": [3, 5],
        }
    )
    points = checks.class_coverage(by_class, "NEE", {}, "light").data[0]
    assert list(points.y) == ["CRO (3)", "ENF (5)"]
    assert list(points.marker.symbol) == ["diamond", "circle"]

    both = {"whose": ["theirs", "ours"], "r2": [0.57, 0.5]}
    table = pd.DataFrame(both).assign(split="IGBP", model="tamrl", flux="GPP")
    theirs, ours = checks.published(table, "r2", "light").data
    assert theirs.marker.symbol == "circle-open"
    assert ours.marker.symbol == "circle"
    assert "theirs" in theirs.name


def test_a_line_of_the_season_is_dashed_as_its_legend_says():
    columns = [("tamrl", 30), ("tamrl", 0), ("xgboost-support", 30), ("maml", 0)]
    assert [patterns.season_dash(column, columns) for column in columns] == ["solid", "dot", "dash", "dashdot"]
    assert patterns.season_dash(("tamrl", 0), columns[1:]) == "solid", "alone it needs no dots"
    assert {names.look(model).dash for model in names._DRAWN} <= set(names.LINES)


def test_models_without_drivers_do_not_squeeze_the_learning_curves():
    rows = [
        ("tamrl", 0, 1.7),
        ("tamrl", 30, 1.6),
        ("xgboost", 0, 1.7),
        ("seasonal-cycle", 30, 4.2),
        ("climatology", 0, 1.75),
    ]
    table = pd.DataFrame(rows, columns=["model", "shots", "value"]).assign(flux="GPP", towers=9)
    table = table.assign(low=table["value"] - 0.1, high=table["value"] + 0.1)
    figure = models.learning_curve(table, "GPP", RMSE, "light")
    low, high = figure.layout.yaxis.range
    assert low < 1.5
    assert 1.8 < high < 2.0
    (note,) = figure.layout.annotations
    assert "4.20" in note.text, "and not that of climatology, which is within the axis"
    (beyond,) = [trace for trace in figure.data if trace.y is not None and 4.2 in trace.y]
    assert list(beyond.y) == [4.2], "the data are what they were"
    near = models.learning_curve(table[table["value"] < 4], "GPP", RMSE, "light")
    assert near.layout.yaxis.range is None
    assert not near.layout.annotations


def _changes(*rows):
    columns = ["class", "towers", "change", "change_low", "change_high"]
    return pd.DataFrame(rows, columns=columns).assign(model="tamrl", shots=30, value=1.0)


def test_a_class_of_one_tower_does_not_stretch_the_axis_and_is_not_lost():
    common = [("ENF", 39, 0.06, 0.02, 0.1), ("GRA", 28, -0.04, -0.1, 0.02)]
    alone = ("SNO", 1, -3.25, np.nan, np.nan)
    figure = models.classes(_changes(*common, alone), "GPP", R2, "XGBoost", {}, "light")
    low, high = figure.layout.xaxis.range
    assert -0.2 < low < -0.1
    assert 0.1 < high < 0.2
    note, side = figure.layout.annotations
    assert (side.text, side.xanchor) == ("better →", "right"), "a larger R² is better"
    assert note.text == "◂ \N{MINUS SIGN}3.25"
    assert (note.x, note.y) == (low, 2)
    assert list(figure.data[0].x) == [0.06, -0.04, -3.25], "the data are what they were"
    far = [("ENF", 30, -31.0, -32.0, -30.0), ("SNO", 1, -40.0, np.nan, np.nan)]
    for rows in (
        common,
        [alone],
        [*common, ("SNO", 1, -0.2, np.nan, np.nan)],
        [*common, ("SNO", 9, -3.25, -4, -2)],
        far,
    ):
        figure = models.classes(_changes(*rows), "GPP", R2, "XGBoost", {}, "light")
        assert figure.layout.xaxis.range is None
        assert [note.text for note in figure.layout.annotations] == ["better →"]


@pytest.mark.parametrize(("metric", "better"), [(RMSE, "b"), (R2, "a")])
def test_what_is_worse_has_a_colour_of_its_own_and_what_is_not_known_is_grey(metric, better):
    table = _changes(("a", 9, 4.0, 2.0, 6.0), ("b", 9, -4.0, -6.0, -2.0), ("c", 9, 1.0, -2.0, 4.0))
    (points,) = models.classes(table, "GPP", metric, "XGBoost", {}, "light").data
    colour = dict(zip("abc", points.marker.color, strict=True))
    worse = "a" if better == "b" else "b"
    assert colour == {better: ACCENT["light"], worse: LOSS_INK["light"], "c": UNSURE["light"]}


def test_an_interval_that_the_axis_cuts_off_is_marked_at_its_ends():
    common = [("ENF", 39, 6.0, 2.0, 10.0), ("GRA", 28, -4.0, -10.0, 2.0)]
    wide = ("CSH", 2, 3.0, -200.0, 100.0)
    figure = models.classes(_changes(*common, wide), "GPP", RMSE, "XGBoost", {}, "light")
    assert [(note.text, note.y, note.xanchor) for note in figure.layout.annotations] == [
        ("◂", 2, "left"),
        ("▸", 2, "right"),
        ("← better", 1, "left"),
    ]
