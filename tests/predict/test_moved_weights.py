"""Weights that move as one row: the network with each of them moved by itself, in a piece of memory of its own."""

import copy

import pytest
import torch

from tamrl.bundled import bundled_models
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.moved_weights import WEIGHT_SPREAD, MovedWeights


@pytest.fixture(scope="module")
def model():
    return load_ensemble(bundled_models()["fluxnet2015-daily"]).members[0].model


@pytest.fixture(scope="module")
def weights(model):
    return MovedWeights(model)


@pytest.fixture(scope="module")
def row(weights):
    return torch.randn(weights.zeros().shape, generator=torch.Generator().manual_seed(4))


@torch.no_grad()
def test_the_network_is_that_with_each_weight_moved_by_itself(model, weights, row):
    apart = copy.deepcopy(model)
    for name, change in weights.by_name(row).items():
        own = dict(apart.named_parameters())[name]
        own += 0.5 * WEIGHT_SPREAD * own.std().clamp(min=1e-3) * change
    forward, modulator = weights.moved(row, 0.5)
    generator = torch.Generator().manual_seed(1)
    drivers = torch.randn(1, 40, model.forward_model.embed.in_features // 2, generator=generator)
    code = torch.randn(1, model.config.code, generator=generator)
    ours = forward(drivers, torch.ones_like(drivers), modulator(code))
    assert torch.allclose(ours, apart.from_code(code, drivers, torch.ones_like(drivers)), atol=1e-5)
    assert (ours - model.from_code(code, drivers, torch.ones_like(drivers))).abs().max() > 1e-3


def test_all_weights_of_the_forward_model_and_the_modulator_move(model, weights, row):
    wanted = {name for name, _ in model.named_parameters() if name.startswith(("forward_model.", "modulator."))}
    assert set(weights.names) == wanted
    assert torch.equal(weights.row(weights.by_name(row)), row)


def test_the_recurrence_is_one_piece_of_memory_from_its_start(model, weights, row):
    """In cuDNN's order; else it copies the weights at every call, and warns."""
    named, offset = weights.by_name(row), 0
    for name, _ in model.forward_model.recurrent.named_parameters():
        part = named[f"forward_model.recurrent.{name}"]
        assert part.is_contiguous()
        assert part.storage_offset() == offset
        offset += part.numel()
