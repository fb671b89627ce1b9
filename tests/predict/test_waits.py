"""A fit does not wait for its device at every step: on a GPU each number that is read stops the work."""

import sys

import pytest
import torch

from tamrl.bundled import bundled_models
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict import newton
from tamrl.predict.descent import BLOCK, fit_offset
from tamrl.predict.ensemble import member_code, member_records
from tamrl.predict.finetune import FineTune, cut_window
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled

READING = ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__")


@pytest.fixture(scope="module")
def made():
    """What a shift of one member at one tower is made of."""
    ensemble = load_ensemble(bundled_models()["fluxnet2015-daily"])
    tower, member = record(bundled().archive(), "DE-Hai").isel(time=slice(0, 300)), ensemble.members[0]
    own = member_records(ensemble, tower)[0]
    return member, member_code(ensemble, member, own, None), cut_window(ensemble, own, support_days(tower, 20), 0.2)


@pytest.fixture
def reads(monkeypatch):
    """Names of the ways in which the project's own code reads a tensor's numbers, one an entry."""
    seen = []

    def watch(name):
        plain = getattr(torch.Tensor, name)

        def read(self, *args, **kwargs):
            if sys._getframe(1).f_globals["__name__"].startswith("tamrl."):
                seen.append(name)
            return plain(self, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, read)

    for name in READING:
        watch(name)
    return seen


def test_all_weights_wait_once_a_block_of_steps(made, reads):
    member, code, task = made
    shift = FineTune(member, code, member.prior.shift, 0.1, weights=True)
    told, steps = [], 2 * BLOCK + 1
    fit_offset(shift, task, task.fit, steps, 0.1, lambda *losses: told.append(losses))
    assert reads == ["tolist"] * 3
    assert len(told) == steps


def test_the_modulation_waits_once_a_look(made, reads):
    member, code, task = made
    shift = FineTune(member, code, member.prior.shift, 0.1, weights=False, variants=2)
    told, weight = [], torch.cat([task.fit, task.fit + task.held])
    newton.fit_mode(shift, task, weight, lambda *losses: told.append(losses))
    looks = len(reads)
    assert reads == ["tolist"] * looks
    assert 1 <= (len(told) - 1) // newton.STEPS <= looks <= newton.LOOKS
