"""Lessons 1 to 3: the answers are computed from what was chosen."""

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.teaching import by_hand, course, measured, places
from tamrl.teaching.measured import Year
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled


@pytest.fixture(scope="module")
def archive():
    return bundled("fluxnet2015").archive()


@pytest.fixture(scope="module")
def scores():
    return places.of_flux(places.tower_scores(bundled_folder("scores")), "GPP")


@pytest.fixture
def year():
    """Ten days: a source with photosynthesis, one without, a filled one, sinks."""
    gpp = np.array([3.0, 0.5, 5.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, -0.2])
    reco = np.array([4.0, 2.0, 6.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 1.0])
    qc = np.array([0.9, 0.9, 0.1, 1, 1, 1, 1, 1, 1, 0.2])
    days = pd.DataFrame(
        {"GPP": gpp, "RECO": reco, "NEE": reco - gpp, "NEE_QC": qc}, pd.date_range("2001-06-01", periods=10)
    )
    return Year(site="XX-Abc", days=days)


def test_every_lesson_has_a_guess_a_check_and_papers_to_read():
    for lesson in course.LESSONS.values():
        assert next(iter(lesson.questions)) == "guess"
        assert len(lesson.questions) >= 2
        assert len(lesson.reading) >= 2
        assert all(paper.why.endswith(".") and paper.work.key == paper.key for paper in lesson.reading)
        assert lesson.hook.endswith("?")
        assert lesson.aim.endswith(".")
    assert sum(minutes for _, minutes in course.STEPS.values()) == course.MINUTES


@pytest.mark.parametrize("site", measured.TOWERS)
def test_the_towers_of_lesson_one_are_real_and_hold_what_the_check_asks_for(archive, site):
    tower = record(archive, site)
    years = measured.full_years(tower)
    assert measured.TOWERS[site][1] in years
    first = measured.year_of(tower, measured.TOWERS[site][1])
    assert first.missing == 0
    assert len(first.sources()) >= 3
    days = first.days
    assert np.abs(days["RECO"] - days["GPP"] - days["NEE"]).max() < 1e-4
    with pytest.raises(TamrlError, match="no day of 1950"):
        measured.year_of(tower, 1950)


def test_a_source_day_is_told_from_a_dull_one_a_filled_one_and_a_sink(year):
    days = year.days.index
    assert measured.mark_source_day(year, days[0]).correct
    for day, said in ((days[1], "next to no photosynthesis"), (days[2], "QC is 0.10"), (days[3], "gained carbon")):
        mark = measured.mark_source_day(year, day)
        assert not mark.correct
        assert said in mark.said
    assert year.negative_gpp == 1


def test_nee_is_marked_with_its_sign(year):
    day = year.days.index[3]
    assert measured.mark_nee(year, day, -5.0).correct
    turned = measured.mark_nee(year, day, 5.0)
    assert not turned.correct
    assert "the sign is not" in turned.said
    assert not measured.mark_nee(year, day, -4.9).correct


@given(st.floats(0, 20), st.floats(0, 20))
def test_the_sum_that_is_shown_adds_up(gpp, reco):
    days = pd.DataFrame({"GPP": [gpp], "RECO": [reco], "NEE": [reco - gpp]}, pd.DatetimeIndex(["2010-06-21"]))
    said = measured.mark_nee(Year(site="XX-Abc", days=days), days.index[0], 99.0).said.replace("−", "-")
    first, second, found = (Decimal(n) for n in re.search(r"= ([\d.]+) - ([\d.]+) = ([-+][\d.]+) gC", said).groups())
    assert abs(first - second - found) < Decimal("1e-5")
    assert float(found) == pytest.approx(reco - gpp, abs=0.006)


def test_the_sign_and_the_selection_follow_the_days(year):
    assert measured.mark_sign(year, 6, "negative").correct
    assert not measured.mark_sign(year, 6, "positive").correct
    everything, valid = year.means(0.7)
    assert valid < everything
    assert measured.mark_selection(year, "lower").correct
    assert not measured.mark_selection(year, "same").correct
    whole = Year(site="XX-Abc", days=year.days.assign(NEE_QC=1.0))
    assert measured.mark_selection(whole, "same").correct


def test_scores_are_those_of_the_bundle_and_ranked_from_the_worst(scores):
    assert len(scores) == scores["rank"].nunique() == 163
    assert scores["r2"].idxmin() == scores["rank"].idxmin()
    assert scores.at["DE-Hai", "r2"] == pytest.approx(0.88, abs=0.01)


@pytest.mark.parametrize("pair", places.PAIRS)
def test_one_tower_of_each_pair_is_clearly_worse(scores, pair):
    r2 = scores.loc[list(pair), "r2"]
    assert abs(r2.diff().iloc[1]) > 0.15
    worse, better = r2.idxmin(), r2.idxmax()
    assert places.mark_worse(scores, pair, worse).correct
    assert not places.mark_worse(scores, pair, better).correct


def test_own_tower_and_kind_of_error_are_computed(scores):
    assert places.mark_hard_tower(scores, "GF-Guy").correct
    assert not places.mark_hard_tower(scores, "US-UMB").correct
    assert scores.at["GF-Guy", "level"] > 0.5 > scores.at["CH-Oe2", "level"]
    assert places.mark_kind(scores, "GF-Guy", "level").correct
    assert places.mark_kind(scores, "CH-Oe2", "pattern").correct
    assert not places.mark_kind(scores, "CH-Oe2", "level").correct


def test_what_the_teacher_is_told_of_the_worst_third_is_true(scores):
    worst = scores[scores["rank"] <= len(scores) // 3]
    assert 0.55 < (worst["level"] < places.LEVEL).mean() < 0.65


def test_a_season_is_a_mean_over_observed_days():
    time = pd.date_range("2001-01-01", "2002-12-31")
    observed = np.where(time.year == 2001, 2.0, np.nan)
    table = by_hand.season(time, {"mine": np.where(time.year == 2001, 1.0, 99.0)}, observed)
    assert len(table) == 36
    assert set(table["mine"]) == {1.0}
    assert by_hand.rmse(np.full(len(time), 5.0), observed) == 3.0


def test_marks_of_modulation_follow_the_errors():
    time = pd.date_range("2001-07-01", periods=31)
    truth = np.full(31, 20.0)
    assert by_hand.mark_summer(time, truth * 0.5, truth, "low").correct
    assert by_hand.mark_summer(time, truth * 1.05, truth, "right").correct
    assert not by_hand.mark_summer(time, truth * 1.5, truth, "low").correct
    assert by_hand.mark_setting(1.0, 0.0, 2.8, 5.5, 5.0).correct
    assert not by_hand.mark_setting(0.1, 0.0, 5.0, 5.5, 5.0).correct
    assert by_hand.mark_carried("worse", 1.0, 0.0, 3.5, 2.0).correct
    assert by_hand.mark_carried("better", 0.2, 0.0, 1.6, 2.0).correct
    still = by_hand.mark_carried("better", 0.0, 0.0, 2.0, 2.0)
    assert "neither slider" in still.said
    assert still.correct is None
    assert "the same as the plain network's 5.50" in by_hand.mark_setting(0.0, 0.0, 5.5, 5.5, 5.0).said
