"""Intervals: they cover what they say on towers that they were not fitted on."""

import dataclasses

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from tamrl.errors import TamrlError
from tamrl.model.calibration import Calibration, Residuals, crps_gaussian, fit_calibration, interval_scores
from tamrl.schema import IGBP_CLASSES


def made_up(count, seed, days=600, heavy=False):
    """Towers whose errors grow with the flux and a little with the spread, each with a bias of its own."""
    rng = np.random.default_rng(seed)
    towers = []
    for _ in range(count):
        season = (1 + np.sin(np.linspace(0, 12, days)))[:, None] * rng.uniform(0.3, 4, 3)
        mean = season.copy()
        mean[:, 2] = mean[:, 1] - mean[:, 0]
        spread = rng.gamma(4, 0.1, (days, 3))
        size = np.stack([mean[:, 0], mean[:, 1], mean[:, 0] + mean[:, 1]], 1)
        sd = np.sqrt(0.1 + 2 * spread**2 + 0.09 * size**2)
        noise = rng.standard_t(3, (days, 3)) / np.sqrt(3) if heavy else rng.normal(size=(days, 3))
        towers.append(Residuals(observed=mean + sd * noise, mean=mean, spread=spread, used=rng.random(days) < 0.8))
    return towers


@pytest.mark.parametrize("heavy", [False, True])
def test_intervals_cover_what_they_say_on_new_towers(heavy):
    calibration = fit_calibration(made_up(40, 0, heavy=heavy))
    scores = [interval_scores(t, calibration) for t in made_up(40, 1, heavy=heavy)]
    for flux in range(3):
        assert np.mean([s["coverage50"][flux] for s in scores]) == pytest.approx(0.5, abs=0.03)
        assert np.mean([s["coverage90"][flux] for s in scores]) == pytest.approx(0.9, abs=0.03)
        if not heavy:
            assert np.mean([s["spread"][flux] / s["rmse"][flux] for s in scores]) == pytest.approx(1, abs=0.05)


def test_the_variance_is_found_again():
    calibration = fit_calibration(made_up(60, 3, days=1500))
    for a, b, c in calibration.variance:
        assert a == pytest.approx(0.1, rel=0.3)
        assert b == pytest.approx(2, rel=0.2)
        assert c == pytest.approx(0.09, rel=0.1)
    assert calibration.factors[0.9][0] == pytest.approx(1.645, rel=0.05)
    assert calibration.factors[0.5][0] == pytest.approx(0.674, rel=0.05)


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(0.05, 20))
def test_in_another_unit_the_intervals_are_the_same(scale):
    towers = made_up(6, 5, days=200)
    scaled = [
        Residuals(observed=t.observed * scale, mean=t.mean * scale, spread=t.spread * scale, used=t.used)
        for t in towers
    ]
    one, other = fit_calibration(towers), fit_calibration(scaled)
    low, high = one.interval(towers[0].mean, towers[0].spread, 0.9)
    far_low, far_high = other.interval(scaled[0].mean, scaled[0].spread, 0.9)
    np.testing.assert_allclose(far_low, low * scale, rtol=5e-3, atol=5e-3 * scale)
    np.testing.assert_allclose(far_high - far_low, (high - low) * scale, rtol=5e-3)


def test_each_tower_counts_the_same():
    """A long tower with small errors must not narrow the intervals of the many short ones."""
    short = made_up(9, 7, days=100)
    long = made_up(1, 8, days=9000)[0]
    calm = Residuals(
        observed=long.mean + 0.01 * (long.observed - long.mean), mean=long.mean, spread=long.spread, used=long.used
    )
    calibration = fit_calibration([*short, calm])
    covered = [interval_scores(t, calibration)["coverage90"].mean() for t in short]
    assert np.mean(covered) > 0.85


def test_days_that_do_not_count_do_not_matter():
    tower = made_up(1, 2)[0]
    observed = tower.observed.copy()
    observed[~tower.used] = 1e6
    observed[np.flatnonzero(tower.used)[0], 1] = np.nan
    spoilt = Residuals(observed=observed, mean=tower.mean, spread=tower.spread, used=tower.used)
    calibration = fit_calibration([spoilt])
    assert calibration.variance[0] == fit_calibration([tower]).variance[0]
    scores = interval_scores(spoilt, calibration)
    assert scores["n"].tolist() == [tower.used.sum(), tower.used.sum() - 1, tower.used.sum()]
    per_flux = Residuals(
        observed=tower.observed, mean=tower.mean, spread=tower.spread, used=np.repeat(tower.used[:, None], 3, 1)
    )
    assert fit_calibration([per_flux]) == fit_calibration([tower])


@given(mean=st.floats(-5, 5), sd=st.floats(0.1, 5), observed=st.floats(-10, 10))
@settings(max_examples=30, deadline=None)
def test_crps_is_the_integral_of_its_definition(mean, sd, observed):
    below = quad(lambda x: norm.cdf(x, mean, sd) ** 2, min(mean, observed) - 12 * sd, observed, limit=200)[0]
    above = quad(lambda x: (1 - norm.cdf(x, mean, sd)) ** 2, observed, max(mean, observed) + 12 * sd, limit=200)[0]
    value = crps_gaussian(*(np.array([x]) for x in (observed, mean, sd)))[0]
    assert value == pytest.approx(below + above, rel=1e-5, abs=1e-7)


def test_a_calibration_survives_yaml():
    calibration = fit_calibration(made_up(3, 4))
    again = Calibration.from_dict(yaml.safe_load(yaml.safe_dump(calibration.to_dict())))
    assert again == calibration
    for wrong in (
        {},
        {"variance": 3},
        calibration.to_dict() | {"variance": {f: [1, -1, 0] for f in ("GPP", "RECO", "NEE")}},
    ):
        with pytest.raises(TamrlError, match=r"alibration"):
            Calibration.from_dict(wrong)


def test_unknown_levels_and_missing_towers_are_errors():
    with pytest.raises(TamrlError, match=r"Known levels: 0\.5, 0\.9"):
        fit_calibration(made_up(2, 0)).interval(np.ones((2, 3)), np.ones((2, 3)), 0.8)
    tower = made_up(1, 0)[0]
    with pytest.raises(TamrlError, match="No tower has a valid day of GPP"):
        fit_calibration(
            [Residuals(observed=tower.observed, mean=tower.mean, spread=tower.spread, used=np.zeros(600, bool))]
        )
    nothing = interval_scores(
        Residuals(observed=tower.observed, mean=tower.mean, spread=tower.spread, used=np.zeros(600, bool)),
        fit_calibration([tower]),
    )
    assert nothing["n"].eq(0).all()
    assert nothing["crps"].isna().all()


def test_a_spread_that_is_zero_everywhere_gets_no_coefficient():
    """One member without a site effect: what says nothing must not leave what the search began with."""
    towers = [
        Residuals(observed=t.observed, mean=t.mean, spread=np.zeros_like(t.spread), used=t.used) for t in made_up(20, 7)
    ]
    calibration = fit_calibration(towers)
    assert all(b == 0 for _, b, _ in calibration.variance)
    wide = calibration.interval(towers[0].mean, np.full_like(towers[0].spread, 9), 0.9)
    np.testing.assert_allclose(wide, calibration.interval(towers[0].mean, towers[0].spread, 0.9))


def classed(count, igbp, seed, noisier=1.0):
    """Towers of one class whose errors are larger by a factor than what is said of them."""
    return [
        dataclasses.replace(t, observed=t.mean + noisier * (t.observed - t.mean), site=f"{igbp}-{i}", igbp=igbp)
        for i, t in enumerate(made_up(count, seed))
    ]


def test_the_intervals_of_a_noisier_class_are_wider():
    learnt = [*classed(60, "ENF", 0), *classed(60, "CRO", 1, noisier=2.0)]
    calibration = fit_calibration(learnt)
    for igbp, noisier in (("ENF", 1.0), ("CRO", 2.0)):
        new = classed(30, igbp, 2, noisier)
        covered = [interval_scores(t, calibration.of_class(igbp))["coverage90"].mean() for t in new]
        assert np.mean(covered) == pytest.approx(0.9, abs=0.05)
    pooled = [interval_scores(t, calibration)["coverage90"].mean() for t in classed(30, "CRO", 2, 2.0)]
    assert np.mean(pooled) < 0.85


def test_the_factor_of_a_class_is_shrunk_where_few_towers_are_known():
    factors = [
        fit_calibration([*classed(60, "ENF", 0), *classed(count, "CRO", 1, 2.0)]).classes["CRO"][0]
        for count in (1, 4, 30)
    ]
    assert 1 < factors[0] < factors[1] < factors[2] < 2.1
    # The same tower again is no second tower; a calm class must show it at more towers than a noisy one.
    one = classed(1, "CRO", 1, 2.0)
    again = fit_calibration([*classed(60, "ENF", 0), *one, *one]).classes["CRO"][0]
    assert again == pytest.approx(factors[0], rel=0.05)
    calm = fit_calibration([*classed(60, "ENF", 0), *classed(4, "CRO", 1, 0.5)]).classes["CRO"][0]
    assert 1 / factors[1] < calm < 1


def test_a_mixture_of_classes_has_the_mean_of_their_factors():
    calibration = dataclasses.replace(fit_calibration(made_up(3, 4)), classes={"CRO": (2.0, 1.0, 3.0)})
    shares = np.zeros((2, len(IGBP_CLASSES) + 6))
    shares[0, IGBP_CLASSES.index("CRO")] = 1
    shares[1, [IGBP_CLASSES.index("CRO"), IGBP_CLASSES.index("GRA")]] = 0.5
    np.testing.assert_allclose(calibration.widening(shares), [[2, 1, 3], [1.5, 1, 2]])
    mean, spread = np.ones((4, 3)), np.ones((4, 3))
    own = calibration.of_class("CRO")
    np.testing.assert_allclose(own.sd(mean, spread), calibration.sd(mean, spread) * [2, 1, 3])
    for a, b in zip(
        own.interval(mean, spread, 0.9), calibration.interval(mean, spread, 0.9, np.array([2, 1, 3])), strict=True
    ):
        np.testing.assert_allclose(a, b)


def test_classes_survive_the_manifest_and_older_manifests_have_none():
    calibration = fit_calibration([*classed(5, "ENF", 0), *classed(5, "CRO", 1, 2.0)])
    content = yaml.safe_load(yaml.safe_dump(calibration.to_dict()))
    assert Calibration.from_dict(content) == calibration
    del content["classes"]
    assert Calibration.from_dict(content).classes == {}
