"""The task space: distances in all dimensions, neighbours, and what neighbours share."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from tamrl.model.task_space import TaskSpace, join
from tamrl.model.training_towers import COMPONENTS, Reference


def made(rng, towers=20, prefix="XX"):
    return Reference(
        sites=tuple(f"{prefix}-{i:03d}" for i in range(towers)),
        lat=rng.uniform(-60, 60, towers),
        lon=rng.uniform(-180, 180, towers),
        igbp=("ENF",) * towers,
        koeppen=("Cfb",) * towers,
        codes=rng.normal(size=(3, towers, 6)).astype(np.float32) * [[[1.0]], [[3.0]], [[0.2]]],
        summaries=rng.normal(size=(towers, 8)).astype(np.float32),
    )


@pytest.fixture
def space(rng):
    reference = made(rng)
    return TaskSpace(reference, join(reference, made(rng, 4, "YY")))


def standardised(space):
    reference = space.reference.codes
    return (space.places.codes - reference.mean(1)[:, None]) / reference.std(1)[:, None]


def test_the_picture_is_that_of_scikit_learn(space):
    codes = standardised(space).transpose(1, 0, 2).reshape(24, -1)
    pca = PCA(COMPONENTS).fit(codes[:20])
    np.testing.assert_allclose(space.reference.explained, pca.explained_variance_ratio_, rtol=1e-4)
    expected = pca.transform(codes)
    signs = np.sign((space.components * expected).sum(0))
    np.testing.assert_allclose(space.components * signs, expected, atol=1e-4)


def test_distances_are_means_over_members_in_all_dimensions(space):
    codes = standardised(space)
    squared = ((codes[:, :, None] - codes[:, None]) ** 2).sum(-1).mean(0)
    apart = np.sqrt(squared)
    training = apart[:20, :20] + np.diag(np.full(20, np.inf))
    usual = np.median(training.min(1))
    assert space.usual == pytest.approx(usual, rel=1e-5)
    np.testing.assert_allclose(space.distances("YY-002"), apart[22] / usual, rtol=1e-4, atol=1e-6)
    nearest = space.neighbours("YY-002", 3)
    assert nearest == [int(i) for i in np.argsort(apart[22]) if i != 22][:3]


def test_only_training_towers_set_scale_and_axes(space, rng):
    alone = TaskSpace(space.reference, space.reference)
    np.testing.assert_allclose(space.components[:20], alone.components, atol=1e-6)
    assert space.trained.tolist() == [True] * 20 + [False] * 4
    assert space.usual == alone.usual


def test_what_neighbours_share_is_seen_and_chance_is_chance(rng):
    one = made(rng)
    codes = one.codes.copy()
    codes[:, 10:] += 40
    apart = Reference(**{**one.__dict__, "codes": codes})
    space = TaskSpace(apart, apart)
    groups = np.array(["ENF"] * 10 + ["GRA"] * 10)
    share, chance = space.alike(groups)
    assert share == 1
    assert chance == pytest.approx(2 * 10 * 9 / (20 * 19))
    assert space.alike(np.where(groups == "GRA", "", groups))[0] == 1
    assert np.isnan(space.alike(np.full(20, ""))[0])
    assert space.follows(np.r_[np.zeros(10), np.ones(10)]) == 1
    assert space.follows(rng.normal(size=20)) < 0.5
    assert np.isnan(space.follows(np.full(20, np.nan)))
    assert np.isnan(space.follows(np.ones(20)))


def test_an_unknown_place_is_an_error(space):
    with pytest.raises(ValueError, match="not in tuple"):
        space.distances("ZZ-000")
