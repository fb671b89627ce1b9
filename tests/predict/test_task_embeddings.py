"""Task embeddings of places, how they move with labels and drivers, and what is decoded from them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from tamrl.errors import TamrlError
from tamrl.landcover import STATIC_SIZE
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.network import TAMRL
from tamrl.model.prior import CodePrior
from tamrl.predict import task_space
from tamrl.predict.adapt import Cancelled, adapt
from tamrl.predict.ensemble import member_code, member_record, member_records
from tamrl.predict.methods import AdaptSettings
from tamrl.protocol.support_days import support_days


@pytest.fixture(scope="module")
def ensemble(config, normaliser):
    """Two members that were never trained: what is tested here holds for any weights."""
    scale, code = torch.from_numpy(normaliser.flux_scale), config.model.code
    members = []
    for seed in range(2):
        torch.manual_seed(seed)
        model = TAMRL(config.model, scale).eval()
        torch.nn.init.normal_(model.modulator.linear.weight, std=0.3)
        members.append(Member(model, normaliser, CodePrior(torch.eye(code), torch.ones(3)), {}))
    return Ensemble(members, config, torch.device("cpu"))


@pytest.fixture
def unseen(towers):
    return towers[-1]


def zero(ensemble, tower):
    records = member_records(ensemble, tower)
    return np.stack([member_code(ensemble, m, r, None) for m, r in zip(ensemble.members, records, strict=True)])


def test_places_are_read_without_labels(ensemble, archive, towers):
    sites = archive.site.values.astype(str)[:3]
    found = task_space.read_places(ensemble, archive, sites)
    assert found.sites == tuple(sites)
    for i in range(3):
        np.testing.assert_allclose(found.codes[:, i : i + 1], zero(ensemble, towers[i]), rtol=1e-5)
    bare = archive.drop_vars([name for name in ensemble.config.model.drivers if name in archive])
    with pytest.raises(TamrlError, match="driver that the model reads"):
        task_space.read_places(ensemble, bare, sites)


def test_hidden_classes_do_not_matter_and_known_ones_do(ensemble, archive):
    site = str(archive.site.values[0])
    other = archive.assign_coords(igbp=("site", np.full(archive.sizes["site"], "WET")))
    pairs = {
        classes: [task_space.read_places(ensemble, one, [site], classes).codes for one in (archive, other)]
        for classes in (True, False)
    }
    assert np.abs(pairs[True][0] - pairs[True][1]).max() > 1e-4
    np.testing.assert_array_equal(*pairs[False])


def test_labels_move_the_embedding_step_by_step(ensemble, unseen):
    supports = [support_days(unseen, count) for count in (7, 30)]
    codes = task_space.path_of_labels(ensemble, unseen, supports)
    np.testing.assert_allclose(codes[:, :1], zero(ensemble, unseen), rtol=1e-5)
    for i, support in enumerate(supports):
        record = member_record(ensemble, ensemble.members[1], unseen)
        own = member_code(ensemble, ensemble.members[1], record, support)[0]
        np.testing.assert_allclose(codes[1, i + 1], own, rtol=1e-5)
    assert np.abs(np.diff(codes, axis=1)).max(axis=(0, 2)).min() > 1e-5


def test_the_first_days_are_read_alone(ensemble, unseen):
    codes = task_space.path_of_drivers(ensemble, unseen, (40, 400))
    np.testing.assert_allclose(codes[:, -1:], zero(ensemble, unseen), rtol=1e-5)
    later = unseen.copy(deep=True)
    for name in ("TA", "SW_IN"):
        later[name][400:] = 5
    changed = task_space.path_of_drivers(ensemble, later, (40, 400))
    np.testing.assert_array_equal(codes[:, :2], changed[:, :2])
    assert np.abs(codes[:, 2] - changed[:, 2]).max() > 1e-4


def test_fine_tuning_ends_where_its_prediction_comes_from(ensemble, unseen):
    support = support_days(unseen, 40)
    codes = task_space.fitted(ensemble, unseen, support)
    states = adapt(ensemble, unseen, support, AdaptSettings(method="modulation")).states
    for code, state in zip(codes, states, strict=True):
        shift = state["spread_and_shrinkage"][1].float() * state["of_code"] @ state["factor"].T
        np.testing.assert_allclose(code, state["code"] + shift, atol=1e-5)
    np.testing.assert_allclose(np.stack([s["code"] for s in states]), zero(ensemble, unseen), rtol=1e-5)


def test_a_modulation_is_that_of_its_member(ensemble, archive):
    codes = task_space.read_places(ensemble, archive, archive.site.values.astype(str)[:2]).codes
    made = task_space.modulation(ensemble, 1, codes[1])
    expected = ensemble.members[1].model.modulator(torch.from_numpy(codes[1]))
    for part, own in zip(made, expected, strict=True):
        torch.testing.assert_close(part, own.detach())


def test_drivers_and_classes_are_decoded_in_their_units(ensemble, archive):
    codes = task_space.read_places(ensemble, archive, archive.site.values.astype(str)[:2]).codes
    cycles, classes = task_space.decode(ensemble, codes)
    names = ensemble.config.model.drivers
    assert cycles.shape == (2, 2, 12, len(names))
    assert classes.shape == (2, 2, STATIC_SIZE)
    assert ((classes > 0) & (classes < 1)).all()
    member = ensemble.members[0]
    means = member.model.decoder(torch.from_numpy(codes[0]))[0].detach().numpy()
    at = names.index("TA")
    expected = means[..., at] * member.normaliser.driver_std[at] + member.normaliser.driver_mean[at]
    np.testing.assert_allclose(cycles[0, ..., at], expected, rtol=1e-4)


def test_the_real_cycle_is_the_mean_of_each_month(ensemble, unseen):
    names = ensemble.config.model.drivers
    found = task_space.seasonal_cycle(ensemble, unseen)
    series = unseen["TA"].to_series()
    monthly = series.groupby(pd.DatetimeIndex(series.index).month).mean().to_numpy()
    # Bins of eight days lie across the ends of months.
    assert np.abs(found[:, names.index("TA")] - monthly).max() < 1.5
    lacking = [i for i, name in enumerate(names) if name in unseen and not np.isfinite(unseen[name]).any()]
    assert np.isnan(found[:, lacking]).all()


def test_a_model_without_a_decoder_says_so(ensemble, archive):
    codes = task_space.read_places(ensemble, archive, archive.site.values.astype(str)[:1]).codes
    assert task_space.has_decoder(ensemble)
    members = [dataclasses.replace(m, model=_Mute(m.model)) for m in ensemble.members]
    mute = Ensemble(members, ensemble.config, ensemble.device)
    assert not task_space.has_decoder(mute)
    with pytest.raises(TamrlError, match="without a decoder"):
        task_space.decode(mute, codes)


class _Mute:
    decoder = None

    def __init__(self, model):
        self.encoder = model.encoder


def test_reading_places_tells_how_far_it_is_and_ends_when_it_is_cancelled(ensemble, archive):
    sites, shares = archive.site.values.astype(str)[:2], []
    task_space.read_places(ensemble, archive, sites, progress=shares.append)
    assert shares == [0, 0.5]
    with pytest.raises(Cancelled):
        task_space.read_places(ensemble, archive, sites, progress=shares.append, cancelled=lambda: len(shares) > 2)
    assert shares == [0, 0.5, 0]
