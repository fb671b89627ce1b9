"""Shrinkage of the site effect: fitted on validation towers, kept in the manifest, applied to the posterior."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tamrl.errors import TamrlError
from tamrl.model.checkpoint import MANIFEST, SHRINKAGE, load_ensemble, save_half
from tamrl.model.site_effect import SHRINKAGE_DAYS, SiteEffect
from tamrl.predict.many import adapt_many
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled
from tamrl.training import shrinkage


@pytest.fixture(scope="module")
def demo():
    workspace = bundled("demo")
    return load_ensemble(workspace.path / "models" / "demo"), workspace.archive()


def _effect(factors, step_days=1.0):
    torch.manual_seed(0)
    effect = SiteEffect(3, 2, step_days)
    effect.shrinkage.copy_(torch.tensor(factors))
    return effect


@pytest.mark.parametrize(("days", "wanted"), [(3, 0.2), (7, 0.2), (30, 0.4), (90, 0.6), (365, 0.8), (900, 0.8)])
def test_the_posterior_mean_is_multiplied_by_the_factor_of_its_days(days, wanted):
    generator = torch.Generator().manual_seed(1)
    features, residual = torch.randn(1, 1000, 14, generator=generator), torch.randn(1, 1000, 2, generator=generator)
    seen = torch.zeros(1, 1000, 2)
    seen[:, :days] = 1
    plain, shrunk = _effect([[1.0] * 4] * 2), _effect([[0.2, 0.4, 0.6, 0.8]] * 2)
    whole, less = (e.posterior(features, residual, seen) for e in (plain, shrunk))
    torch.testing.assert_close(less.mean, wanted * whole.mean)
    torch.testing.assert_close(less.factor, whole.factor)


def test_between_the_days_the_factor_lies_between_and_months_count_their_days():
    seen = torch.zeros(1, 400, 2)
    seen[:, :50] = 1
    effect = _effect([[0.2, 0.4, 0.6, 0.8], [1.0] * 4])
    factor = effect._shrunk(seen)
    part = (np.log1p(50) - np.log1p(30)) / (np.log1p(90) - np.log1p(30))
    np.testing.assert_allclose(factor[0], [0.4 + 0.2 * part, 1.0], rtol=1e-5)
    monthly = _effect([[0.2, 0.4, 0.6, 0.8]] * 2, 30.0)
    month = torch.zeros(1, 24, 2)
    month[:, :3] = 1
    np.testing.assert_allclose(monthly._shrunk(month)[0], [0.6, 0.6], rtol=1e-5)


def test_it_is_fitted_on_the_validation_towers_and_lowers_the_loss_there(demo):
    ensemble, archive = demo
    plain = dataclasses.replace(ensemble, info={k: v for k, v in ensemble.info.items() if k != SHRINKAGE})
    for member in plain.members:
        member.model.site_effect.shrinkage.fill_(1.0)
    table = pd.DataFrame(shrinkage._moments(plain, archive))
    sites = {s for m in plain.members for s in m.info["validation_sites"]}
    assert set(table["site"]) <= sites
    found = shrinkage.fit_shrinkage(plain, archive)
    assert list(found) == [7, 30, 90, 365]
    for days, factors in found.items():
        here = table[table["shots"] == days]
        pairs = np.array([(factors["GPP"], factors["RECO"]), (1.0, 1.0), (0.0, 0.0)])
        best, full, none = shrinkage._costs(here, pairs)
        assert best <= full
        assert best <= none == 0.0


def test_the_cost_is_that_of_the_fluxes_themselves():
    rng = np.random.default_rng(3)
    error, moved = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) * 0.3
    error[:, 2] = error[:, 1] - error[:, 0]
    table = pd.DataFrame([{"site": "A", **shrinkage._squares(error, moved)}])
    g, r = 0.7, 0.4
    after = np.stack([error[:, 0] + g * moved[:, 0], error[:, 1] + r * moved[:, 1]], axis=1)
    after = np.concatenate([after, after[:, 1:] - after[:, :1]], axis=1)
    ratio = np.log(np.sqrt((after**2).mean(0)) / np.sqrt((error**2).mean(0)))
    wanted = np.mean(ratio + shrinkage.HARM * np.maximum(ratio, 0))
    np.testing.assert_allclose(shrinkage._costs(table, np.array([(g, r)])), [wanted], rtol=1e-9)


def test_a_manifest_with_factors_is_applied_and_survives_16_bits(demo, tmp_path):
    ensemble, archive = demo
    tower = record(archive, str(archive.site.values[0]))
    support = support_days(tower, 30)
    factors = {int(n): {"GPP": 0.0, "RECO": 0.0} for n in SHRINKAGE_DAYS}
    changed = dataclasses.replace(ensemble, info=ensemble.info | {SHRINKAGE: factors})
    save_half(changed, tmp_path / "none")
    none = load_ensemble(tmp_path / "none")
    assert none.info[SHRINKAGE] == factors
    ((_, (before, after)),) = adapt_many(none, [tower], [[None, support]])
    for flux in ("GPP", "RECO", "NEE"):
        np.testing.assert_allclose(after[flux], before[flux], atol=1e-5)


@pytest.mark.parametrize(
    "content",
    [
        {7: {"GPP": 1.0}},
        {n: {"GPP": "x", "RECO": 1} for n in (7, 30, 90, 365)},
        [1, 2],
        {n: {"GPP": -1.0, "RECO": 1.0} for n in (7, 30, 90, 365)},
    ],
)
def test_damaged_factors_are_refused_with_the_file(demo, tmp_path, content):
    ensemble, _ = demo
    save_half(ensemble, tmp_path / "m")
    manifest = yaml.safe_load((tmp_path / "m" / MANIFEST).read_text())
    manifest[SHRINKAGE] = content
    (tmp_path / "m" / MANIFEST).write_text(yaml.safe_dump(manifest))
    with pytest.raises(TamrlError, match="shrinkage"):
        load_ensemble(tmp_path / "m")
