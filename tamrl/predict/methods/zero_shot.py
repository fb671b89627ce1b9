"""Zero-shot: the prediction before any labelled day is seen; also what other methods fall back to."""

import numpy as np
import torch
from torch import Tensor

from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import TowerRecord
from tamrl.predict.ensemble import member_code
from tamrl.predict.finetune import FineTune
from tamrl.predict.methods import Reached, Task


def run(task: Task) -> Reached:
    """Return one member, unchanged."""
    zero = member_code(task.ensemble, task.member, task.record, None)
    identity = torch.eye(zero.shape[1], device=zero.device)
    return reached(task, FineTune(task.member, zero, identity, 0.0, weights=False), 0.0, (np.nan, np.nan))


def reached(task: Task, shift: FineTune, shrinkage: float, losses: tuple[float, float]) -> Reached:
    """Return the fluxes at both ends of a shift away from zero-shot.

    Args:
        task: the member and the tower.
        shift: what was found.
        shrinkage: how far to go along it, 0-1.
        losses: on the held-back days, see ``Reached``.
    """
    drivers, mask = (x[None].to(task.ensemble.device) for x in (task.record.drivers, task.record.driver_mask))
    window = task.ensemble.config.train.window
    with torch.no_grad():
        # One by one: rows of a batch round differently, and a shrinkage of 0 must be zero-shot exactly.
        before, after = (shift.fluxes(drivers, mask, s, window)[0].cpu().numpy() for s in (0.0, shrinkage))
    return Reached(before, after, None, None, shrinkage, losses, shift.state(shrinkage))


def again(ensemble: Ensemble, member: Member, record: TowerRecord, state: dict[str, Tensor]) -> tuple[np.ndarray, None]:
    """Return the fluxes (T, 3) of one member under the shift of a ``state`` of ``reached``; their variance is unknown.

    Raises:
        KeyError: the state is not whole.
    """
    shift, shrinkage = FineTune.of_state(member, state)
    drivers, mask = (x[None].to(ensemble.device) for x in (record.drivers, record.driver_mask))
    with torch.no_grad():
        return shift.fluxes(drivers, mask, shrinkage, ensemble.config.train.window)[0].cpu().numpy(), None
