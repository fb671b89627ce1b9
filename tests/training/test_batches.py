"""Random batches: what carries loss, what is support, and that both are reproducible."""

import dataclasses

import pytest
import torch

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.model.inputs import support_features
from tamrl.training.batches import FEWEST_SHOTS, MOST_SHOTS, Batcher

DRIVERS = Config().model.drivers


@pytest.fixture
def batcher(records, normaliser):
    train = dataclasses.replace(Config().train, batch=16, sequence=320, spin_up=30, labels=0.5)
    return Batcher(records, normaliser, Config(train=train), 3, torch.device("cpu"))


def test_the_spin_up_carries_no_loss(batcher):
    weight = batcher.draw().weight
    assert (weight[:, :30] == 0).all()
    assert (weight[:, 30:] > 0).any()


def test_the_support_is_one_run_of_observed_days(batcher):
    lengths = []
    for _ in range(10):
        batch = batcher.draw()
        days = batch.shots.amax(-1)
        assert ((days == 0) | (days == 1)).all()
        for row in days[days.any(1)]:
            chosen = row.nonzero().flatten()
            lengths.append(int(chosen[-1] - chosen[0]) + 1)
    assert max(lengths) <= min(MOST_SHOTS, 160)
    assert min(lengths) <= 2 * FEWEST_SHOTS
    assert max(lengths) > 80, "short and long supports must both come"


def test_the_encoder_reads_labels_only_where_the_batch_says_so(batcher):
    batch = batcher.draw()
    labels = batch.support.series[..., 2 * len(DRIVERS) + 3 : 2 * len(DRIVERS) + 6]
    assert batch.support.series.shape[-1] == support_features(len(DRIVERS))
    seen = labels.sum((1, 2)) > 0
    assert not (seen & (batch.read.flatten() == 0)).any()
    shown = (batch.read.flatten() == 1) & (batch.shots.sum((1, 2)) > 0)
    assert torch.equal(seen, shown)
    assert 0 < seen.sum() < len(seen)


def test_batches_are_reproducible_and_visit_every_tower(records, normaliser):
    config = Config(train=dataclasses.replace(Config().train, batch=5))
    first, second = (Batcher(records[:5], normaliser, config, 7, torch.device("cpu")) for _ in range(2))
    torch.manual_seed(0)
    a = first.draw()
    torch.manual_seed(99)
    b = second.draw()
    assert torch.equal(a.drivers, b.drivers)
    assert torch.equal(a.weight, b.weight)
    assert torch.equal(a.shots, b.shots)
    assert sorted(first._towers(5).tolist()) == [0, 1, 2, 3, 4]


def test_a_hidden_driver_is_hidden_from_encoder_and_forward_model(records, normaliser):
    train = dataclasses.replace(Config().train, batch=8, sequence=160, driver_dropout=1.0)
    batch = Batcher(records, normaliser, Config(train=train), 0, torch.device("cpu")).draw()
    assert (batch.mask == 0).all()
    assert (batch.drivers == 0).all()
    assert (batch.support.series[..., : 2 * len(DRIVERS)] == 0).all()


def test_days_outside_a_record_are_masked(records, normaliser):
    short = dataclasses.replace(
        records[0],
        **{f: getattr(records[0], f)[:50] for f in ("time", "drivers", "driver_mask", "fluxes", "weight", "season")},
    )
    config = Config(train=dataclasses.replace(Config().train, batch=2, sequence=100, spin_up=0))
    batch = Batcher([short], normaliser, config, 0, torch.device("cpu")).draw()
    assert (batch.mask[:, 50:] == 0).all()
    assert (batch.weight[:, 50:] == 0).all()
    assert (batch.shots[:, 50:] == 0).all()
    assert (batch.weight[:, :50] > 0).any()


def test_no_tower_to_train_on_is_an_error(normaliser):
    with pytest.raises(TamrlError, match="no tower"):
        Batcher([], normaliser, Config(), 0, torch.device("cpu"))
