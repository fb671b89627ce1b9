"""What the Scorecard is asked, and the choices that its sections share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from tamrl.app.scorecard import cache
from tamrl.app.shared import theme
from tamrl.app.shared.components import Origin
from tamrl.app.shared.widgets import legend, pick, tell
from tamrl.evaluation import results as scorecard
from tamrl.evaluation.comparison import Asked, Column
from tamrl.evaluation.labels import in_order
from tamrl.evaluation.results import Metric, Results
from tamrl.figures.colours import GLYPHS
from tamrl.figures.scorecard import names
from tamrl.schema import FLUXES

#: Number of support days that the page starts with.
FIRST_SHOTS = 30


@dataclass(frozen=True, eq=False, kw_only=True)
class ScorecardView:
    """What the page is asked: every section reads it.

    Attributes:
        results: the results folder.
        design: how towers were held out.
        placement: of the support, or ``mean``.
        scale: at which scores are taken.
        metric: the score.
        against: model that the others are compared with.
        sites: the towers that pass the filters.
    """

    results: Results
    design: str
    placement: str
    scale: str
    metric: Metric
    against: str
    sites: pd.DataFrame

    @property
    def keys(self) -> tuple[str, ...]:
        """The codes of the towers that pass the filters."""
        return tuple(self.sites.index)

    def question(self, one: bool = False, name: str = "scores") -> cache.Question:
        """Return the question as the cache knows it; ``one`` asks for a score a tower."""
        design, scale = ("igbp", "daily") if name == "ablations" else (self.design, self.scale)
        return cache.question(self.results, design, scale, self.metric.name, self.placement, name, one)

    def asked(self, one: bool = False, name: str = "scores") -> Asked:
        """Return the answers for the towers that pass the filters."""
        return cache.asked(self.question(one, name), self.keys)

    def summary(self, same: bool, quick: bool = True) -> pd.DataFrame:
        """Return the statistic of every flux, model and number of shots; ``quick`` without intervals of changes."""
        return cache.summary(self.question(), self.keys, self.against, same, quick)

    def reference(self, columns: list[Column], shots: int) -> Column:
        """Return what a model at ``shots`` is compared with."""
        return scorecard.reference(columns, self.against, shots)

    def versus(self, columns: list[Column], shots: int) -> str:
        """Return the reference in words."""
        return names.column_label(self.reference(columns, shots), names.plain(columns))

    @property
    def origin(self) -> Origin:
        """Where the scores come from, and how they were asked."""
        said = [
            self.results.source(),
            names.DESIGN_LABELS.get(self.design, self.design).lower(),
            f"support: {names.PLACEMENT_LABELS[self.placement].lower()}",
        ]
        return Origin(" · ".join(said), self.results.simulated)


def told_unscored(asked: Asked) -> bool:
    """Say that none of the towers has the score that is asked for, where none has; return whether that was said."""
    if any(asked.columns(flux) for flux in asked.fluxes):
        return False
    tell(
        "None of these towers was scored in this way. Choose other towers, another time scale, or another "
        "cross-validation scheme or placement under Protocol."
    )
    return True


def model_legend(models: Iterable[str]) -> None:
    """Draw the legend of models."""
    shade = theme.current()
    looks = [names.look(model) for model in in_order(list(models))]
    legend([(GLYPHS.get(x.symbol, "●"), x.colour(shade), x.label) for x in looks], "Models")


def flux_choice() -> str:
    """Draw the choice of the flux."""
    return pick("Flux", "flux", FLUXES, "GPP", str)


def shots_choice(options: Sequence[int], label: str = "Days of labels") -> int:
    """Draw the choice of the number of support days."""
    return pick(label, "shots", list(options), FIRST_SHOTS, str)
