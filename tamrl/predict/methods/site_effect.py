"""The site effect: a Bayesian linear correction of a member's states, see ``tamrl.model.site_effect``."""

import numpy as np

from tamrl.predict.ensemble import member_states, with_effect
from tamrl.predict.methods import Reached, Task


def run(task: Task) -> Reached:
    """Return one member before and after the posterior of its site effect.

    Nothing is held back: how far to trust a few days is what the prior was trained for.
    """
    states = member_states(task.ensemble, task.member, task.record)
    (before, prior), (after, posterior) = (
        with_effect(task.member, task.record, states, days) for days in (None, task.days)
    )
    return Reached(before, after, prior, posterior, 1.0, (np.nan, np.nan))
