"""The hold-out guard: adaptation is measured on days that it has not read, and shrunk until it does no harm there."""

from collections.abc import Callable

import pandas as pd

from tamrl.predict.finetune import AdaptationWindow, FineTune, backtrack, cut_window, held_back_days
from tamrl.predict.methods import Reached, Task, zero_shot

#: From the labelled days without the held-back ones, and the stretch of the record around them all: the shift that
#: was found without the held-back days, and the one found with all of them.
Fit = Callable[[pd.DatetimeIndex, AdaptationWindow], tuple[FineTune, FineTune]]


def guarded(task: Task, fit: Fit) -> Reached:
    """Return one member adapted as far as it does no harm; zero-shot where no day can be held back.

    The first shift leaves the held-back days out and so measures harm honestly; the second uses all days and keeps the
    shrinkage of the first.
    """
    if len(task.days) < 2:
        return zero_shot.run(task)
    share = task.settings.held_back
    stretch = cut_window(task.ensemble, task.record, task.days, share)
    fitted = task.days[~held_back_days(len(task.days), share, task.ensemble.config.model.step)]
    first, final = fit(fitted, stretch)
    shrinkage, before, after = backtrack(first, stretch)
    if shrinkage > 0:
        shrinkage = backtrack(final, stretch, shrinkage)[0]
    return zero_shot.reached(task, final, shrinkage, (before, after))
