"""Methods of few-shot adaptation: one file a method, and a row here. Widgets, help and progress read the rows alone.

A file has ``run(task) -> Reached``: one member before and after it has seen the labelled days of a tower. Where what it
finds can be kept it has ``again(ensemble, member, record, state)`` as well. It is imported when it runs, so that the
command line lists the methods without loading torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from tamrl.errors import TamrlError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from torch import Tensor

    from tamrl.model.checkpoint import Ensemble, Member
    from tamrl.model.inputs import TowerRecord


class Reached(NamedTuple):
    """One member before and after.

    Attributes:
        before: (T, 3) GPP, RECO, NEE zero-shot, gC m-2 d-1.
        after: the same, adapted.
        before_variance: (T, 3) of ``before``, None where the method gives none.
        after_variance: likewise of ``after``.
        shrinkage: share of the adaptation that was kept: 1 all of it, 0 none.
        losses: on the held-back days, (zero-shot, adapted without them); NaN where none are held back.
        state: what adapting found, by name, so that the member can be adapted again without the labelled days
            (``tamrl.predict.saved``); None of a method that keeps none.
    """

    before: np.ndarray
    after: np.ndarray
    before_variance: np.ndarray | None
    after_variance: np.ndarray | None
    shrinkage: float
    losses: tuple[float, float]
    state: dict[str, Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a method is given: one member at one tower.

    Attributes:
        ensemble: of the member.
        member: never changed.
        record: the tower's tensors.
        days: labelled days that may be used, at least one but for ``zero-shot``.
        settings: steps, learning rate, share held back.
        report: to be called for each step of a fit with the loss of the fitted and of the held-back days; it raises
            ``Cancelled`` when the user has cancelled.
    """

    ensemble: Ensemble
    member: Member
    record: TowerRecord
    days: pd.DatetimeIndex
    settings: AdaptSettings
    report: Callable[[float, float], None]


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to adapt.

    Attributes:
        name: in settings, files and addresses.
        label: on the screen.
        description: what it does, as one sentence without its full stop.
        module: file of this folder that has ``run``; it may serve several methods.
        fits: fits that it makes one after the other; 0 where nothing is iterated.
        ends: about how many steps a fit takes that ends by itself; 0 where the settings say how many.
        calibrated: whether its predictions have calibrated intervals.
        labels: whether it needs labelled days.
        partitioned: whether the labelled days must have GPP or RECO; NEE alone does not do.
        guarded: whether it holds days back and falls back towards zero-shot where these get worse.
    """

    name: str
    label: str
    description: str
    module: str
    fits: int = 0
    ends: int = 0
    calibrated: bool = False
    labels: bool = True
    partitioned: bool = False
    guarded: bool = False

    @property
    def descends(self) -> bool:
        """Whether it takes the steps and the learning rate of the settings."""
        return self.fits > 0 and not self.ends

    def steps(self, settings: AdaptSettings) -> int:
        """Return how many steps one member takes in all, about."""
        return self.fits * (self.ends or settings.steps)

    def run(self, task: Task) -> Reached:
        """Return one member before and after, see ``Reached``."""
        return import_module(f"{__name__}.{self.module}").run(task)

    def again(
        self, ensemble: Ensemble, member: Member, record: TowerRecord, state: dict[str, Tensor]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the fluxes (T, 3) of a member under what ``run`` found, a ``Reached.state``, and their variance.

        Raises:
            KeyError, RuntimeError: the state is not whole, or not of this model.
        """
        return import_module(f"{__name__}.{self.module}").again(ensemble, member, record, state)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="zero-shot",
            label="Zero-shot",
            description="No labels: the prediction from the site's climate, land cover and drivers alone",
            module="zero_shot",
            labels=False,
        ),
        Method(
            name="site-effect",
            label="Site effect",
            description="Bayesian linear correction of the model's states, in closed form: nothing is iterated",
            module="site_effect",
            calibrated=True,
            partitioned=True,
        ),
        Method(
            name="encode",
            label="Encoder",
            description="The task encoder reads the labelled days, without a gradient step",
            module="encoder",
            guarded=True,
        ),
        Method(
            name="modulation",
            label="Modulation",
            description="The task embedding and the modulation are fine-tuned, all other weights are frozen",
            module="finetune",
            fits=1,
            ends=4,
            guarded=True,
        ),
        Method(
            name="all",
            label="All weights",
            description="The modulation and all weights of the forward model are fine-tuned",
            module="finetune",
            fits=2,
            guarded=True,
        ),
    )
}


@dataclass(frozen=True)
class AdaptSettings:
    """How to adapt.

    Attributes:
        method: a key of ``METHODS``.
        steps: gradient steps of a fit of the method ``all``; that of ``modulation`` ends by itself.
        learning_rate: of Adam, of the same method, in prior standard deviations a step.
        held_back: share of the support days kept out of the first fit to catch harm.
    """

    method: str = "site-effect"
    steps: int = 60
    learning_rate: float = 0.1
    held_back: float = 0.2

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            TamrlError: a setting is unknown or out of range.
        """
        if self.method not in METHODS:
            raise TamrlError(f"Unknown method {self.method!r}", "method", f"Known methods: {', '.join(METHODS)}")
        if self.steps < 1 or not 0 < self.learning_rate <= 10 or not 0 < self.held_back < 1:
            raise TamrlError(
                "Steps must be at least 1, the learning rate above 0 and at most 10, "
                "and the held-back share between 0 and 1",
                "adapt",
            )
