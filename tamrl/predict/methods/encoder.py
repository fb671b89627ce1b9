"""The encoder: the task embedding that the task encoder makes of the labelled days (Renganathan et al. 2025)."""

import pandas as pd
import torch

from tamrl.predict.ensemble import member_code
from tamrl.predict.finetune import AdaptationWindow, FineTune
from tamrl.predict.methods import Reached, Task, zero_shot
from tamrl.predict.methods.guard import guarded

#: What was found is a shift away from zero-shot.
again = zero_shot.again


def run(task: Task) -> Reached:
    """Return one member before and after its encoder has read the labelled days."""
    zero = member_code(task.ensemble, task.member, task.record, None)
    identity = torch.eye(zero.shape[1], device=zero.device)

    def shifted(labels: pd.DatetimeIndex) -> FineTune:
        shift = FineTune(task.member, zero, identity, 0.0, weights=False)
        shift.of_code = member_code(task.ensemble, task.member, task.record, labels) - zero
        return shift

    def fit(fitted: pd.DatetimeIndex, stretch: AdaptationWindow) -> tuple[FineTune, FineTune]:
        return shifted(fitted), shifted(task.days)

    return guarded(task, fit)
