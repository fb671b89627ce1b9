"""Fine-tuning: the task embedding and the modulation, or all weights of the forward model as well."""

import math

import numpy as np
import pandas as pd
import torch

from tamrl import timestep
from tamrl.predict.descent import fit_offset
from tamrl.predict.ensemble import member_code
from tamrl.predict.finetune import MODULATION_SPREAD, AdaptationWindow, FineTune
from tamrl.predict.methods import Reached, Task, zero_shot
from tamrl.predict.methods.guard import Fit, guarded
from tamrl.predict.newton import fit_mode

#: What was found is a shift away from zero-shot.
again = zero_shot.again


def run(task: Task) -> Reached:
    """Return one member before and after fine-tuning."""
    return guarded(task, _weights(task) if task.settings.method == "all" else _modulation(task))


def _start(task: Task) -> tuple[torch.Tensor, float]:
    """Return the zero-shot task embedding (1, Z), and the prior standard deviation of the modulation."""
    days = timestep.days(len(task.days), task.ensemble.config.model.step)
    spread = MODULATION_SPREAD * math.sqrt(min(1, days / 365))
    return member_code(task.ensemble, task.member, task.record, None), spread


def _modulation(task: Task) -> Fit:
    zero, spread = _start(task)

    def fit(fitted: pd.DatetimeIndex, stretch: AdaptationWindow) -> tuple[FineTune, FineTune]:
        both = FineTune(task.member, zero, task.member.prior.shift, spread, weights=False, variants=2)
        labelled = torch.cat([stretch.fit, stretch.fit + stretch.held])
        fit_mode(both, stretch, labelled, task.report)
        return both.variant(0), both.variant(1)

    return fit


def _weights(task: Task) -> Fit:
    zero, spread = _start(task)
    steps, rate = task.settings.steps, task.settings.learning_rate

    def fit(fitted: pd.DatetimeIndex, stretch: AdaptationWindow) -> tuple[FineTune, FineTune]:
        # Moved weights cannot be rows of one batch: one fit after the other.
        first, final = (FineTune(task.member, zero, task.member.prior.shift, spread, weights=True) for _ in range(2))
        fit_offset(first, stretch, stretch.fit, steps, rate, task.report)
        everything = stretch.fit + stretch.held
        fit_offset(final, stretch, everything, steps, rate, lambda loss, _: task.report(loss, np.nan))
        return first, final

    return fit
