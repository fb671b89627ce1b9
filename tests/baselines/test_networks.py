"""LSTM, CT-LSTM and MAML: a plain torch LSTM, trained as TAM-RL is, and adapted by plain gradient steps."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from tamrl.baselines.maml import MAML, MetaConfig
from tamrl.baselines.networks import CTLSTM, LSTM, Fitted, PlainNetwork, run, split_records
from tamrl.landcover import STATIC_SIZE
from tamrl.towers.quality import flux_table, valid_days
from tamrl.training.batches import Batcher
from tamrl.training.losses import training_loss

CPU = torch.device("cpu")


@pytest.fixture
def scale(normaliser):
    return torch.from_numpy(normaliser.flux_scale)


@pytest.mark.parametrize("static", [False, True])
def test_the_network_is_a_plain_torch_lstm(records, config, scale, static):
    torch.manual_seed(0)
    ours = PlainNetwork(config.model, scale, static).eval()
    forward, record = ours.forward_model, records[0]
    lstm = nn.LSTM(config.model.embed, config.model.hidden, batch_first=True)
    lstm.load_state_dict(forward.recurrent.state_dict())
    x = [record.drivers * record.driver_mask, record.driver_mask]
    if static:
        x.append(record.static.expand(len(record.time), STATIC_SIZE))
    x = torch.cat(x, dim=1) @ forward.embed.weight.T + forward.embed.bias
    states = lstm((x * torch.sigmoid(x))[None])[0][0]
    expected = (states @ forward.head.weight.T + forward.head.bias) * scale
    np.testing.assert_allclose(run(ours, record), expected.detach().numpy(), atol=1e-5)


def test_only_ct_lstm_reads_the_classes(towers, config, normaliser):
    other = towers[0].assign_coords(igbp="SNO", koeppen="ET")
    for kind, same in ((LSTM, True), (CTLSTM, False)):
        model = kind(config.model.drivers, config)
        torch.manual_seed(0)
        network = PlainNetwork(model.config.model, torch.from_numpy(normaliser.flux_scale), kind.static)
        model.fitted = [Fitted(network, normaliser)]
        assert np.allclose(model.predict(towers[0]), model.predict(other)) == same


def test_every_parameter_gets_a_gradient_and_fluxes_carry_no_balance(records, normaliser, config, scale):
    model = CTLSTM(config.model.drivers, config)
    network = PlainNetwork(model.config.model, scale, static=True)
    batch = Batcher(records[:6], normaliser, model.config, 0, CPU).draw()
    assert batch.support.labelled.sum() == 0
    loss, terms = training_loss(network, batch, model.config)
    loss.backward()
    assert set(terms) == {"GPP", "RECO", "NEE"}
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_towers_validated_on_are_not_trained_on_and_differ_by_member(towers, config):
    first = split_records(towers, config, 0, 0)
    second = split_records(towers, config, 0, 1)
    for training, validation, _ in (first, second):
        assert not {r.site for r in training} & {r.site for r in validation}
        assert len(training) + len(validation) == len(towers)
    assert {r.site for r in first[1]} != {r.site for r in second[1]}


def test_steps_are_those_of_the_settings_and_members_are_averaged(towers, config, monkeypatch):
    steps = []
    advance = "tamrl.training.member.MemberTrainer.advance"
    from tamrl.training.member import MemberTrainer

    original = MemberTrainer.advance
    monkeypatch.setattr(advance, lambda self: (steps.append(self.member), original(self))[1])
    train = dataclasses.replace(config.train, steps=3)
    model = LSTM(config.model.drivers, dataclasses.replace(config, train=train), members=2)
    model.fit(towers[:6])
    assert steps == [0, 0, 0, 1, 1, 1]
    both = model.predict(towers[6])
    alone = []
    for fitted in list(model.fitted):
        model.fitted = [fitted]
        alone.append(model.predict(towers[6]))
    assert not np.allclose(alone[0], alone[1])
    np.testing.assert_allclose(both, np.mean(alone, axis=0), rtol=1e-5)


@pytest.fixture
def maml(records, normaliser, config):
    model = MAML(config.model.drivers, config, meta=MetaConfig(inner_steps=3, inner_rate=0.05, steps=6, tasks=2))
    torch.manual_seed(0)
    network = PlainNetwork(model.config.model, torch.from_numpy(normaliser.flux_scale), static=True).eval()
    model.fitted = [Fitted(network, normaliser)]
    return model


def test_the_inner_loop_is_torchs_sgd_on_the_support(maml, records, config):
    """An independent look: torch.optim.SGD and torch's Huber loss on the stretch of the support."""
    network, record = maml.fitted[0].model, records[0]
    support = np.zeros(len(record.time), bool)
    support[np.flatnonzero(record.weight.amax(-1).numpy() > 0)[200:230]] = True
    days = np.flatnonzero(support)
    expected = copy.deepcopy(network)
    optimizer = torch.optim.SGD(expected.parameters(), lr=0.05)
    first, last = days[0] - config.train.spin_up, days[-1] + 1
    scale = expected.forward_model.flux_scale
    huber = nn.HuberLoss(reduction="none", delta=config.train.huber)
    for _ in range(3):
        optimizer.zero_grad()
        fluxes = expected.forward_model(
            record.drivers[None, first:last], record.driver_mask[None, first:last], record.static[None]
        )[0][days - first]
        weight = record.weight[days]
        loss = (huber(fluxes / scale, record.fluxes[days] / scale) * weight).sum(0) / weight.sum(0)
        loss.sum().backward()
        optimizer.step()
    adapted = maml._adapt(network, record, support)
    for ours, theirs in zip(adapted.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


def test_adapting_leaves_the_fitted_weights_alone_and_fits_the_support(maml, towers):
    tower = towers[0]
    before = copy.deepcopy(maml.fitted[0].model.state_dict())
    support = pd.DatetimeIndex(tower.time.values)[valid_days(tower)][100:160]
    predicted = maml.predict(tower, support)
    assert all(torch.equal(v, before[k]) for k, v in maml.fitted[0].model.state_dict().items())
    days = pd.DatetimeIndex(tower.time.values).isin(support)
    plain = run(maml.fitted[0].model, maml._record(tower, maml.fitted[0]))
    observed = flux_table(tower)[days]
    assert np.square(predicted[days] - observed).mean() < np.square(plain[days] - observed).mean()


def test_meta_training_returns_the_weights_of_the_best_validation(maml, records):
    maml.meta = dataclasses.replace(maml.meta, validate_every=2)
    losses, seen = iter([3.0, 1.0, 2.0, 2.5]), []

    def validate(model, tasks):
        seen.append(copy.deepcopy(model.state_dict()))
        return next(losses)

    maml._validate = validate
    kept = maml._meta_train(maml.fitted[0].model, records[:6], records[6:], 0).state_dict()
    assert len(seen) == 4  # before the first step and after each second one
    assert all(torch.equal(kept[k], seen[1][k]) for k in kept)
    assert not all(torch.equal(kept[k], seen[3][k]) for k in kept)


def test_meta_training_lowers_the_error_after_adaptation(maml, records):
    maml.meta = dataclasses.replace(maml.meta, steps=10, validate_every=5, rate=0.01)
    start = maml.fitted[0].model
    tasks = [(r, *maml._task(r, np.random.default_rng(i))) for i, r in enumerate(records[6:])]
    kept = maml._meta_train(start, records[:6], records[6:], 0)
    assert maml._validate(kept, tasks) < maml._validate(start, tasks)


def test_a_task_never_judges_on_its_support(maml, records):
    rng = np.random.default_rng(0)
    for _ in range(20):
        support, other = maml._task(records[0], rng)
        assert support.any()
        assert other.any()
        assert not (support & other).any()
        drivers, _, _, weight = maml._windows(records[0], other, rng)
        assert drivers.shape[:2] == (maml.meta.windows, maml.config.train.sequence)
        assert (weight[:, : maml.config.train.spin_up] == 0).all()
