"""Comparison of models on held-out towers: medians with intervals, changes against a reference, by class and tower.

Everything reads ``Asked``, the answers to one question of a results folder, and compares models only on the towers
and placements of the support that all of them were scored on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tamrl.evaluation.paired import improved_harmed, signed_rank, win_tie_loss
from tamrl.evaluation.results import METRICS, SITE_MEAN, Metric, by_towers, change, tower_column, wide
from tamrl.evaluation.results import reference as reference_of
from tamrl.evaluation.statistics import bootstrap_median, bootstrap_ratios
from tamrl.metrics import score_sets
from tamrl.schema import FLUXES

Column = tuple[str, int]
#: Fewest towers that an interval is given for.
FEWEST = 5
_CHANGES = ["change", "change_low", "change_high", "paired", "improved", "harmed"]
_VALUES = ["towers", "value", "low", "high", *_CHANGES]


@dataclass(frozen=True, eq=False)
class Asked:
    """The scores that one metric, scale, design, placement and choice of towers are answered from.

    Attributes:
        metric: the score.
        scale: at which it was taken.
        table: of ``tamrl.evaluation.results.wide``: the score of each tower, or the mean predicted flux of each tower
            where ``observed`` is given.
        observed: likewise the mean observed fluxes; then the score is taken over towers, of their means.
    """

    metric: Metric
    scale: str
    table: pd.DataFrame
    observed: pd.DataFrame | None = None

    @property
    def statistic(self) -> str:
        """What is taken over towers, in words."""
        return "median over towers" if self.observed is None else "over the site means of all towers"

    @property
    def fluxes(self) -> list[str]:
        """The fluxes that were scored."""
        present = set(self.table.columns.unique("flux"))
        return [flux for flux in FLUXES if flux in present]

    def columns(self, flux: str) -> list[Column]:
        """Return the (model, shots) that have any value of a flux."""
        return [(model, int(shots)) for f, model, shots in self._scored if f == flux]

    @cached_property
    def _scored(self) -> pd.MultiIndex:
        """The columns of the table that have any value."""
        return self.table.columns[self.table.notna().any()]

    def keep(self, sites: Iterable[str]) -> "Asked":
        """Return the same without other towers."""
        return self._rows(self.table.index.get_level_values("site").isin(set(sites)))

    def complete(self, flux: str) -> "Asked":
        """Return the same without the (site, placement) that lack any model or number of shots of a flux."""
        known = self.table[[column for column in self.table if column[0] == flux]].dropna(axis="columns", how="all")
        return self._rows(known.notna().all(axis="columns").to_numpy())

    def _rows(self, keep: np.ndarray) -> "Asked":
        seen = None if self.observed is None else self.observed[keep]
        return replace(self, table=self.table[keep], observed=seen)

    def towers(self, flux: str, columns: list[Column]) -> pd.DataFrame:
        """Return the values of each tower that has all of ``columns``, one column each."""
        return by_towers(self.table, flux, columns)

    def standing(
        self,
        flux: str,
        columns: list[Column],
        reference: Column | None,
        sites: Iterable[str] | None = None,
        quick: bool = False,
    ) -> pd.DataFrame:
        """Return the statistic of each of ``columns`` and its change against ``reference``, all on the same towers.

        Args:
            flux: name of the flux.
            columns: (model, shots).
            reference: (model, shots); None, or one that was not scored, leaves the changes out.
            sites: the towers to take; all where None.
            quick: leave out the intervals of the changes, which cost the most.

        Returns:
            DataFrame with a row a column: ``model, shots, towers, value, low, high, change, change_low, change_high,
            paired, improved, harmed``. Of errors: the geometric mean of the towers' own changes, and the towers more
            than 10 % better and worse, all in percent; of skills and of site means NaN.
        """
        values = self._paired(flux, columns, reference)
        chosen = values.table if sites is None else values.table[values.table.index.isin(set(sites))]
        return values.standings([chosen], quick)[0]

    def _paired(self, flux: str, columns: list[Column], reference: Column | None) -> "_Paired":
        """Return the towers' own values of ``columns`` and of the reference, see ``standing``."""
        against = reference if reference in self.columns(flux) else None
        everything = [*columns, against] if against and against not in columns else columns
        # The days are the same for every model, and so are the observed means.
        seen = None if self.observed is None else by_towers(self.observed, flux, everything).iloc[:, 0]
        return _Paired(self.metric, columns, against, self.towers(flux, everything), seen)


@dataclass(frozen=True)
class _Paired:
    """Values of the same towers by several models.

    Attributes:
        metric: what they are.
        columns: those that are compared.
        against: what they are compared with.
        table: a row a tower.
        seen: observed means of the towers where ``table`` has predicted ones.
    """

    metric: Metric
    columns: list[Column]
    against: Column | None
    table: pd.DataFrame
    seen: pd.Series | None

    def standings(self, groups: list[pd.DataFrame], quick: bool = False) -> list[pd.DataFrame]:
        """Return ``Asked.standing`` of each of some groups of rows of the table."""
        if self.seen is None:
            found = [_medians(chosen, self.columns, self.against, self.metric, quick) for chosen in groups]
        else:
            # One call for all: the library of scores takes as long for one group as for twenty.
            sets = [(self.seen.loc[chosen.index].to_numpy(), chosen.to_numpy().T) for chosen in groups]
            found = [self._of_means(scores) for scores in score_sets(sets)]
        head = pd.DataFrame(self.columns, columns=["model", "shots"])
        return [head.join(pd.DataFrame(rows, columns=_VALUES)) for rows in found]

    def _of_means(self, scores: dict[str, np.ndarray]) -> list[list[Any]]:
        """Return the score of each column of site means over the towers, and its change; without intervals."""
        found = dict(zip(self.table.columns, zip(scores["n"], scores[self.metric.name], strict=True), strict=True))
        rows = []
        for column in self.columns:
            n, value = found[column]
            alone = self.against in (None, column)
            moved = np.nan if alone else _change(value, found[self.against][1], self.metric)
            rows.append([n, value, np.nan, np.nan, moved, *[np.nan] * (len(_CHANGES) - 1)])
        return rows


def _change(value: float, reference: float, metric: Metric) -> float:
    return float(change(np.asarray(value), np.asarray(reference), metric))


def _medians(
    values: pd.DataFrame, columns: list[Column], reference: Column | None, metric: Metric, quick: bool
) -> list[list[Any]]:
    """Return the median over towers of each column, its change against the reference, and both intervals.

    Of errors the change is that of the medians; of skills and bias, the median of the towers' own differences.
    """
    rows = []
    for column in columns:
        mine = values[column].to_numpy()
        row = [len(mine), np.median(mine) if len(mine) else np.nan]
        row += bootstrap_median(mine) if len(mine) >= FEWEST else (np.nan, np.nan)
        alone = reference is None or reference == column
        row += [np.nan] * len(_CHANGES) if alone else _moved(mine, values[reference].to_numpy(), metric, quick)
        rows.append(row)
    return rows


def _moved(mine: np.ndarray, other: np.ndarray, metric: Metric, quick: bool) -> list[float]:
    """Return the change of the statistic with its 95 % interval, resampling pairs, and what the towers say in pairs."""
    if not len(mine):
        return [np.nan] * len(_CHANGES)
    known = len(mine) >= FEWEST and not quick
    if metric.relative:
        point = _change(np.median(mine), np.median(other), metric)
        interval = 100 * (np.array(bootstrap_ratios(mine, other)["ratio"]) - 1) if known else (np.nan, np.nan)
    else:
        difference = change(mine, other, metric)
        point = float(np.median(difference))
        interval = bootstrap_median(difference) if known else (np.nan, np.nan)
    positive = metric.relative and (mine > 0).all() and (other > 0).all()
    paired = 100 * (np.exp(np.log(mine / other).mean()) - 1) if positive else np.nan
    return [point, *interval, paired, *(100 * share for share in improved_harmed(mine, other, metric.name))]


def ask(scores: pd.DataFrame, design: str, scale: str, metric: str, placement: str) -> Asked:
    """Return the scores that a question is answered from.

    Args:
        scores: ``scores.parquet`` or ``ablations.parquet``.
        design: how towers were held out.
        scale: one of ``tamrl.evaluation.results.SCALES``; of site means the score is taken over towers.
        metric: name of a metric.
        placement: of the support, or ``mean`` of the three.
    """
    if scale != SITE_MEAN:
        return ask_towers(scores, design, scale, metric, placement)
    predicted, observed = (wide(scores, design, scale, f"mean_{s}", placement) for s in ("predicted", "observed"))
    return Asked(METRICS[metric], scale, predicted, observed)


def ask_towers(scores: pd.DataFrame, design: str, scale: str, metric: str, placement: str) -> Asked:
    """Return as ``ask`` does, but always one score a tower; of site means their bias, or its absolute value as MAE."""
    name = tower_column(scale, metric)
    return Asked(METRICS[name], scale, wide(scores, design, scale, name, placement))


def summary(asked: Asked, reference: str, same: bool = False, quick: bool = True) -> pd.DataFrame:
    """Return the statistic of every flux, model and number of shots, and its change against a reference.

    Models at one number of shots are taken on the same towers and days, together with the reference: zero-shot on all
    valid days, few-shot outside the support.

    Args:
        asked: the scores.
        reference: model to compare with, see ``tamrl.evaluation.results.reference``.
        same: whether all numbers of shots are taken on the same towers, those with records long enough for all.
        quick: see ``Asked.standing``.

    Returns:
        Columns ``flux, model, shots, statistic`` and those of ``Asked.standing``; low to high is the 95 % bootstrap
        interval over towers. Changes are in percent for errors.
    """
    parts = []
    for flux in asked.fluxes:
        chosen = asked.complete(flux) if same else asked
        known = chosen.columns(flux)
        for shots in sorted({s for _, s in known}):
            shown = [c for c in known if c[1] == shots]
            against = reference_of(known, reference, shots)
            rows = chosen.standing(flux, shown, against, quick=quick)
            rows.insert(0, "flux", flux)
            rows.insert(3, "statistic", asked.statistic)
            parts.append(rows)
    columns = ["flux", "model", "shots", "statistic", *_VALUES]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def by_class(
    asked: Asked, sites: pd.DataFrame, by: str, flux: str, columns: list[Column], reference: Column
) -> pd.DataFrame:
    """Return how columns stand against a reference within each class of towers.

    Args:
        asked: the scores.
        sites: one row a tower.
        by: column of ``sites`` with the class.
        flux: name of the flux.
        columns: (model, shots) to compare.
        reference: (model, shots) to compare them with.

    Returns:
        The columns of ``Asked.standing`` and ``class``, the largest class first. Every class holds the towers that
        have all columns; empty where one was never scored.
    """
    # The towers that count have the reference, too, also where it was never scored: then there are none.
    counted = asked.towers(flux, [*columns, reference]).index
    labels = sites.loc[[s for s in counted if s in sites.index], by]
    values = asked._paired(flux, columns, reference)
    names = labels.value_counts().index
    found = values.standings([values.table.loc[labels.index[labels == name]] for name in names])
    parts = [part.assign(**{"class": name}) for part, name in zip(found, names, strict=True)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["class", "model", "shots", *_VALUES])


def per_tower(asked: Asked, flux: str, column: Column, reference: Column) -> pd.DataFrame:
    """Return the score of each tower, and its change against a reference, on the placements that both have.

    Args:
        asked: of ``ask_towers``.
        flux: name of the flux.
        column: (model, shots).
        reference: (model, shots).

    Returns:
        DataFrame(site) with ``value, reference, change``; without the last two where the reference is the column
        itself or was never scored.
    """
    known = reference != column and reference in asked.columns(flux)
    found = asked.towers(flux, [column, reference] if known else [column])
    if not known:
        return pd.DataFrame({"value": found[column]})
    moved = change(found[column].to_numpy(), found[reference].to_numpy(), asked.metric)
    return pd.DataFrame({"value": found[column], "reference": found[reference], "change": moved})


def contest(asked: Asked, flux: str, columns: list[Column], reference: Column, band: float) -> pd.DataFrame:
    """Return at how many towers each column is better than a reference, as good, and worse.

    Args:
        asked: of ``ask_towers``.
        flux: name of the flux.
        columns: (model, shots).
        reference: (model, shots).
        band: half the width of the neutral band: a share of the reference for errors, a difference for skills.

    Returns:
        Columns ``model, shots, towers, win, tie, loss, p``, Wilcoxon's signed-rank test over towers, two-sided.
    """
    rows = []
    for column in columns:
        if column == reference:
            continue
        found = asked.towers(flux, [column, reference])
        first, second = (found[c].to_numpy() for c in (column, reference))
        if asked.metric.best == "zero":
            first, second = np.abs(first), np.abs(second)
        counts = win_tie_loss(first, second, asked.metric.name, band)
        p = signed_rank(first, second) if len(first) and not np.array_equal(first, second) else np.nan
        rows.append([*column, len(first), *counts, p])
    return pd.DataFrame(rows, columns=["model", "shots", "towers", "win", "tie", "loss", "p"])
