"""The site effect: a Bayesian linear correction of a member's states, see ``tamrl.model.site_effect``."""

import numpy as np
from torch import Tensor

from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import TowerRecord
from tamrl.model.site_effect import Effect
from tamrl.predict import effects
from tamrl.predict.ensemble import member_code, states_of
from tamrl.predict.methods import Reached, Task


def run(task: Task) -> Reached:
    """Return one member before and after the posterior of its site effect.

    Nothing is held back: how far to trust a few days is what the prior was trained for.
    """
    code = member_code(task.ensemble, task.member, task.record, None)
    records = [task.record]
    states = states_of(task.ensemble, task.member, records, code)
    none, effect = (effects.posteriors(task.member, records, states, [days]) for days in (None, task.days))
    assert effect is not None, "a support without a site effect is refused"
    (before, prior), (after, variance) = (
        effects.under_effects(task.member, records, states, e)[0] for e in (none, effect)
    )
    state = {"code": code, "effect.mean": effect.mean, "effect.factor": effect.factor}
    return Reached(before, after, prior, variance, 1.0, (np.nan, np.nan), state)


def again(
    ensemble: Ensemble, member: Member, record: TowerRecord, state: dict[str, Tensor]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the fluxes (T, 3) of one member under the site effect of a ``state`` of ``run``, and their variance."""
    states = states_of(ensemble, member, [record], state["code"])
    return effects.under_effects(member, [record], states, Effect(state["effect.mean"], state["effect.factor"]))[0]
