"""The network: what is modulated, what is balanced, and that everything in it learns."""

import dataclasses

import pytest
import torch

from tamrl.landcover import STATIC_SIZE
from tamrl.model.inputs import Support, tower_support
from tamrl.model.network import TAMRL
from tamrl.system.device import fast_bfloat16
from tamrl.training.batches import Batcher
from tamrl.training.losses import imbalance, training_loss


@pytest.fixture
def scale(normaliser):
    return torch.from_numpy(normaliser.flux_scale)


@pytest.mark.parametrize("balance", ["hard", "soft"])
@pytest.mark.parametrize("reconstruction", [0.0, 0.05])
def test_every_parameter_receives_a_gradient(records, config, normaliser, scale, awake, balance, reconstruction):
    model_config = dataclasses.replace(config.model, balance=balance, reconstruction=reconstruction, dropout=0.0)
    config = dataclasses.replace(config, model=model_config)
    model = awake(TAMRL(model_config, scale)).train()
    batch = Batcher(records, normaliser, config, 0, torch.device("cpu")).draw()
    training_loss(model, batch, config)[0].backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not idle


def test_at_the_start_the_modulation_is_the_identity(config, scale, records):
    model = TAMRL(config.model, scale).eval()
    drivers, mask = records[0].drivers[None, :50], records[0].driver_mask[None, :50]
    code = torch.randn(1, config.model.code)
    assert torch.equal(model.from_code(code, drivers, mask), model.forward_model(drivers, mask, None))


def test_the_plain_forward_model_is_an_lstm_between_two_linear_layers(config, scale, records):
    """Parity with the same weights put into torch's own layers, step by step."""
    model = TAMRL(config.model, scale).eval().forward_model
    drivers, mask = records[1].drivers[None, :40], records[1].driver_mask[None, :40]
    cell = torch.nn.LSTMCell(config.model.embed, config.model.hidden)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in model.recurrent.state_dict().items()})
    state, steps = None, []
    with torch.no_grad():
        for t in range(40):
            x = torch.cat([drivers[:, t] * mask[:, t], mask[:, t]], dim=-1) @ model.embed.weight.T + model.embed.bias
            state = cell(x * torch.sigmoid(x), state)
            raw = state[0] @ model.head.weight.T + model.head.bias
            gross = torch.log1p(torch.exp(raw)) * scale[:2]
            steps.append(torch.cat([gross, gross[:, 1:] - gross[:, :1]], dim=-1))
        expected = torch.stack(steps, dim=1)
        assert torch.allclose(model(drivers, mask), expected, atol=1e-5)


def test_the_hard_balance_holds_exactly_and_gross_fluxes_are_not_negative(config, scale, records, awake):
    model = awake(TAMRL(config.model, scale))
    drivers, mask = records[2].drivers[None], records[2].driver_mask[None]
    fluxes = model.from_code(torch.randn(1, config.model.code) * 3, drivers, mask)
    assert (imbalance(fluxes) == 0).all()
    assert (fluxes[..., :2] >= 0).all()


def test_changing_the_support_changes_the_prediction_and_the_same_gives_the_same(config, scale, records, awake):
    model, r = awake(TAMRL(config.model, scale)), records[0]
    drivers, mask = r.drivers[None], r.driver_mask[None]

    def predicted(days):
        with torch.no_grad():
            return model(tower_support(r, days, scale, 8), drivers, mask)[0]

    none, some, more = predicted(None), predicted(r.time[:60]), predicted(r.time[:365])
    assert not torch.allclose(none, some)
    assert not torch.allclose(some, more)
    torch.manual_seed(123)
    assert torch.equal(predicted(r.time[:60]), some)


def test_a_batch_of_one_equals_its_row_in_a_batch(config, scale, records, awake):
    model = awake(TAMRL(config.model, scale))
    supports = [tower_support(r, None, scale, 8) for r in records[:3]]
    steps = min(s.series.shape[1] for s in supports)
    days = min(len(r.time) for r in records[:3])
    cut = [Support(s.series[:, :steps], s.valid[:, :steps], s.labelled[:, :steps], s.static) for s in supports]
    together = Support(*(torch.cat([getattr(s, f) for s in cut]) for f in ("series", "valid", "labelled", "static")))
    drivers = torch.stack([r.drivers[:days] for r in records[:3]])
    mask = torch.stack([r.driver_mask[:days] for r in records[:3]])
    with torch.no_grad():
        many, _ = model(together, drivers, mask)
        one, _ = model(cut[1], drivers[1:2], mask[1:2])
    assert torch.allclose(many[1:2], one, atol=1e-5)


def test_a_masked_driver_has_no_influence(config, scale, records, awake):
    model = awake(TAMRL(config.model, scale))
    drivers, mask = records[0].drivers[None].clone(), records[0].driver_mask[None].clone()
    mask[..., 0] = 0
    code = torch.zeros(1, config.model.code)
    before = model.from_code(code, drivers, mask)
    drivers[..., 0] = 99.0
    assert torch.equal(model.from_code(code, drivers, mask), before)


def test_windows_start_without_memory(config, scale, records, awake):
    """Each window of the sequence is what the forward model makes of that window alone."""
    model, r = awake(TAMRL(config.model, scale)), records[0]
    drivers, mask, support = r.drivers[None, :90], r.driver_mask[None, :90], tower_support(r, None, scale, 8)
    with torch.no_grad():
        cut, code = model.states(support, drivers, mask, window=30)
        alone = model.forward_model.states(drivers[:, 30:60], mask[:, 30:60], model.modulator(code))
        whole, _ = model.states(support, drivers, mask)
    assert torch.allclose(cut[:, 30:60], alone, atol=1e-6)
    assert torch.allclose(cut[:, :30], whole[:, :30], atol=1e-6)
    assert not torch.allclose(cut[:, 30:], whole[:, 30:], atol=1e-3)


def test_without_modulation_every_code_gives_the_plain_forward_model(config, scale, records):
    model = TAMRL(dataclasses.replace(config.model, modulation=False), scale).eval()
    assert not list(model.modulator.parameters())
    drivers, mask = records[0].drivers[None, :50], records[0].driver_mask[None, :50]
    plain = model.forward_model(drivers, mask)
    assert torch.equal(model.from_code(torch.randn(1, config.model.code) * 9, drivers, mask), plain)


@pytest.mark.skipif(not fast_bfloat16(torch.device("cpu")), reason="this CPU has no instructions for bfloat16")
def test_half_precision_is_close_and_only_in_training(config, scale, records, awake):
    model = awake(TAMRL(dataclasses.replace(config.model, dropout=0.0), scale))
    drivers, mask = records[0].drivers[None, :200], records[0].driver_mask[None, :200]
    forward, modulation = model.forward_model, model.modulator(torch.randn(1, config.model.code))
    with torch.no_grad():
        full = forward.states(drivers, mask, modulation)
        forward.half_precision = True
        assert torch.equal(forward.states(drivers, mask, modulation), full)
        half = forward.train().states(drivers, mask, modulation)
    assert half.dtype == torch.float32
    assert not torch.equal(half, full)
    assert torch.allclose(half, full, atol=0.1)


def test_a_step_of_training_reads_the_states_as_prediction_does(records, config, normaliser, scale, awake, monkeypatch):
    """Dropout is in what is plain and not in what the site effect is made of, where it would count as noise."""
    batch = Batcher(records, normaliser, config, 0, torch.device("cpu")).draw()
    model = awake(TAMRL(config.model, scale)).train()
    forward = model.forward_model
    with torch.no_grad():
        states, _ = model.states(batch.support, batch.drivers, batch.mask)
        kept = (torch.rand(states.shape) < 0.6).float()
        monkeypatch.setattr(forward.dropout, "kept", lambda x: (kept, 1 / 0.6))
        told = (states, batch.season, batch.fluxes, batch.shots)
        plain, adapted = model.with_and_without_effect(*told, batch.rows)
        torch.testing.assert_close(plain, forward.raw_fluxes(states * kept / 0.6), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(adapted, model.effect(*told)[0], rtol=1e-4, atol=1e-4)
        assert (plain - forward.raw_fluxes(states)).abs().max() > 0.01


def test_places_of_unequal_length_are_encoded_together_as_each_alone(config, scale):
    """The backward direction of the encoder begins at the end of each record, not at that of the longest."""
    model = TAMRL(config.model, scale).eval()
    width, lengths = model.encoder.project.in_features, torch.tensor([7, 2, 12, 12, 1])
    bins = int(lengths.max())
    inside = (torch.arange(bins) < lengths[:, None]).float()
    series = torch.randn(len(lengths), bins, width) * inside[..., None]
    labelled = (torch.rand(len(lengths), bins) < 0.4).float() * inside
    together = Support(series, inside, labelled, torch.rand(len(lengths), STATIC_SIZE))
    with torch.no_grad():
        found = model.encoder(together, lengths)
        for i, n in enumerate(lengths.tolist()):
            parts = (together.series[i : i + 1, :n], inside[i : i + 1, :n], labelled[i : i + 1, :n])
            alone = model.encoder(Support(*parts, together.static[i : i + 1]))
            torch.testing.assert_close(found[i : i + 1], alone, rtol=1e-5, atol=1e-6)
    assert (found[2] - found[3]).abs().max() > 1e-4
