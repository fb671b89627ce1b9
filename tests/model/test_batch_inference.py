"""The fast network computes what the plain one does."""

import numpy as np
import pandas as pd
import pytest
import torch

from tamrl.config import Config, ModelConfig
from tamrl.landcover import STATIC_SIZE
from tamrl.model.batch_inference import STEPS_AT_ONCE, CellBatch, estimate
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import Normaliser, make_support
from tamrl.model.network import TAMRL
from tamrl.model.prior import CodePrior
from tamrl.timestep import TimeStep, season_angle

DRIVERS = ("TA", "SW_IN", "VPD", "SW_IN_POT")


@pytest.fixture
def make(awake):
    """Make an ensemble of two members with different scales whose modulation and site effect are not at their start."""

    def build(**settings):
        config = ModelConfig(drivers=DRIVERS, code=5, embed=7, hidden=9, encoder_hidden=4, **settings)
        members = []
        for k in range(2):
            torch.manual_seed(k)
            rng = np.random.default_rng(k)
            scales = Normaliser(
                rng.normal(10, 3, 4).astype("f4"), rng.uniform(2, 5, 4).astype("f4"), rng.uniform(1, 3, 3).astype("f4")
            )
            model = awake(TAMRL(config, torch.from_numpy(scales.flux_scale))).requires_grad_(False)
            members.append(Member(model, scales, CodePrior(torch.zeros(5), torch.ones(5)), {}))
        return Ensemble(members, Config(config), torch.device("cpu"))

    return build


def places(steps, missing=True, count=6):
    rng = np.random.default_rng(3)
    drivers = rng.normal(10, 4, (count, 4, steps)).astype("f4")
    drivers[0, 0, 1] = 400  # beyond where drivers are cut
    if missing:
        drivers[1, 2] = np.nan
        drivers[2, 1, 20:50] = np.nan
        drivers[3, :, 30:70] = np.nan
        drivers[4, 0, -1] = np.nan
    angle = season_angle(pd.date_range("2003-02-01", periods=steps), TimeStep.DAILY)
    static = rng.dirichlet(np.ones(STATIC_SIZE), count).astype("f4")
    season = np.stack([np.sin(angle), np.cos(angle)], 1).astype("f4")
    return CellBatch(*(torch.from_numpy(x) for x in (drivers, season, static)))


def plain(member, given, size, spin_up=0):
    """Fluxes (B, T, 3), variances and codes by the plain network."""
    raw = given.drivers.transpose(1, 2)
    mean, std = torch.from_numpy(member.normaliser.driver_mean), torch.from_numpy(member.normaliser.driver_std)
    mask = torch.isfinite(raw).float()
    x = ((raw - mean) / std).clamp(-8, 8).nan_to_num(0)
    season = given.season.expand(len(x), -1, -1)
    nothing = torch.zeros(*x.shape[:2], 3)
    model = member.model
    code = model.encoder(make_support(x, mask, nothing, nothing, season, given.static, size))
    warm = [torch.cat([v[:, :spin_up], v], 1) for v in (x, mask)]
    states = model.forward_model.states(*warm, model.modulator(code))[:, spin_up:]
    if model.site_effect is None:
        return model.forward_model.raw_fluxes(states), nothing, code
    fluxes, posterior = model.effect(states, season, nothing, nothing)
    return fluxes, model.effect_variance(states, season, posterior), code


@pytest.mark.parametrize(
    ("settings", "steps", "missing"),
    [
        ({}, 300, True),
        ({}, 2 * STEPS_AT_ONCE, False),
        ({}, 12, False),
        ({"balance": "soft"}, 150, True),
        ({"site_effect": 0.0}, 150, True),
        ({"modulation": False}, 90, True),
        ({"encoder_bin": 1}, 90, True),
    ],
)
def test_equal_to_the_plain_network(make, settings, steps, missing):
    ensemble, given = make(**settings), places(steps, missing)
    found = estimate(ensemble, given)
    each = [plain(m, given, ensemble.config.model.encoder_bin) for m in ensemble.members]
    fluxes, variances, codes = (torch.stack(part) for part in zip(*each, strict=True))
    torch.testing.assert_close(found.codes, codes, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.members.permute(0, 3, 2, 1), fluxes, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.mean.permute(2, 1, 0), fluxes.mean(0), rtol=1e-5, atol=1e-5)
    total = fluxes.var(0) + variances.mean(0)
    torch.testing.assert_close(found.sd.permute(2, 1, 0) ** 2, total, rtol=1e-4, atol=1e-5)


def test_a_spin_up_warms_the_state_and_leaves_the_code(make):
    ensemble, given = make(), places(200)
    found, cold = estimate(ensemble, given, spin_up=140), estimate(ensemble, given)
    each = torch.stack([plain(m, given, ensemble.config.model.encoder_bin, 140)[0] for m in ensemble.members])
    torch.testing.assert_close(found.members.permute(0, 3, 2, 1), each, rtol=1e-5, atol=1e-5)
    assert torch.equal(found.codes, cold.codes)
    assert not torch.allclose(found.mean[:, 0], cold.mean[:, 0], atol=1e-4)


def test_a_place_does_not_depend_on_its_neighbours(make):
    ensemble, given = make(), places(100)
    alone = estimate(ensemble, CellBatch(given.drivers[2:3], given.season, given.static[2:3]))
    torch.testing.assert_close(alone.mean[..., 0], estimate(ensemble, given).mean[..., 2], rtol=1e-5, atol=1e-5)
