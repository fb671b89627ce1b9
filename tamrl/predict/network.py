"""Few-shot adaptation at many towers at once: the same number of labelled days in the same season at each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.metrics import score_models
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted
from tamrl.predict.many import adapt_many
from tamrl.protocol.support_days import SEED, plan
from tamrl.schema import FLUXES
from tamrl.towers.archive import record
from tamrl.towers.quality import valid_days

#: The method that adapts, of ``tamrl.predict.methods.METHODS``.
METHOD = "site-effect"
#: Towers that are scored in one call.
AT_ONCE = 20
COLUMNS = (
    "site",
    "flux",
    "n",
    "rmse_before",
    "rmse_after",
    "r2_before",
    "r2_after",
    "bias_before",
    "bias_after",
    "change",
    "first",
    "last",
    "days",
)


@dataclass(frozen=True)
class NetworkResult:
    """What adapting did at every tower.

    Attributes:
        table: one row a tower and flux, ``COLUMNS``: scores [gC m-2 d-1 but for R2] of the ensemble mean before and
            after on the n valid days that were not labelled, as of one adaptation; ``change`` of the RMSE [%]; first,
            last and number of the labelled days.
        left_out: tower -> why it has no row.
    """

    table: pd.DataFrame
    left_out: dict[str, str]

    @property
    def nbytes(self) -> int:
        """Memory that the table holds [bytes]."""
        return int(self.table.memory_usage(deep=True).sum())


def adapt_network(
    model: Ensemble | CrossFitted,
    archive: xr.Dataset,
    sites: Iterable[str],
    days: int,
    placement: str,
    on_tower: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> NetworkResult:
    """Adapt to each of many towers by its site effect, and score it against zero-shot.

    Each tower with the ensemble that has not seen it; see ``adapt_many``.

    Args:
        model: a checkpoint or a cross-fitted model, whose members have a site effect.
        archive: Dataset(site, time).
        sites: towers.
        days: labelled days, or months of a monthly archive.
        placement: season of the labelled days, a key of ``tamrl.protocol.placements.PLACEMENTS``.
        on_tower: called after each tower, from any thread.
        cancelled: asked before each tower; what is done then is returned.

    Raises:
        TamrlError: the placement is not known, the model has no site effect, or no tower could be adapted to.
    """
    _check(model, sites := tuple(sites))
    made: dict[str, _Made] = {}
    towers, supports, left_out = _planned(archive.sel(site=list(sites)).load(), sites, days, placement)
    tell = on_tower or (lambda _: None)
    for site in left_out:
        tell(site)

    def failed(index: int, error: TamrlError) -> None:
        site = str(towers[index].site.item())
        left_out[site] = error.what
        tell(site)

    asked = [[None, support] for support in supports]
    done = adapt_many(model, towers, asked, cancelled=cancelled, failed=failed, variances=False)
    for index, (before, after) in done:
        site = str(towers[index].site.item())
        made[site] = _made(towers[index], supports[index], before, after)
        tell(site)
    if not made and not cancelled():
        said = "; ".join(sorted(set(left_out.values()))) or "no tower was named"
        raise TamrlError(f"No tower could be adapted to: {said}", "network", "Choose fewer days, or other towers")
    found = [made[site] for site in sorted(made)]
    tables = [_scores(found[i : i + AT_ONCE]) for i in range(0, len(found), AT_ONCE)]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    return NetworkResult(table, dict(sorted(left_out.items())))


def _planned(
    archive: xr.Dataset, sites: tuple[str, ...], days: int, placement: str
) -> tuple[list[xr.Dataset], list[pd.DatetimeIndex], dict[str, str]]:
    """Return the towers whose records are long enough, their supports, and why the others are left out."""
    towers, supports, left_out = [], [], {}
    for site in sites:
        tower = record(archive, site)
        support = plan(tower, placement, (0, days), SEED).supports.get(days)
        if support is None:
            left_out[site] = f"the record is too short for {days} labelled days and days to score"
        else:
            towers.append(tower)
            supports.append(support)
    return towers, supports, left_out


def _check(model: Ensemble | CrossFitted, sites: tuple[str, ...]) -> None:
    """Check that the model has a site effect.

    Raises:
        TamrlError: a member has none.
    """
    if any(member.model.site_effect is None for ensemble, _ in model.groups(sites) for member in ensemble.members):
        raise TamrlError("This model has no site effect", str(model.path), "Adapt tower by tower by another method")


@dataclass(frozen=True)
class _Made:
    """One tower before it is scored: series [gC m-2 d-1] are (3, T), NaN on days that are not scored."""

    site: str
    support: pd.DatetimeIndex
    observed: np.ndarray
    before: np.ndarray
    after: np.ndarray


def _made(tower: xr.Dataset, support: pd.DatetimeIndex, before: xr.Dataset, after: xr.Dataset) -> _Made:
    """Return one tower's ensemble means as they are scored."""
    means = [np.stack([p[flux].mean("member").values for flux in FLUXES]) for p in (before, after)]
    scored = valid_days(tower) & ~pd.DatetimeIndex(tower.time.values).isin(support)
    observed = np.where(scored, np.stack([tower[flux].values for flux in FLUXES]), np.nan)
    return _Made(str(tower.site.item()), support, observed, *means)


def _scores(towers: list[_Made]) -> pd.DataFrame:
    """Return the rows of some towers: one call of the library scores them all, padded to the longest record."""
    longest = max(made.observed.shape[1] for made in towers)

    def stacked(name: str) -> np.ndarray:
        parts = [getattr(made, name) for made in towers]
        padded = [np.pad(x, ((0, 0), (0, longest - x.shape[1])), constant_values=np.nan) for x in parts]
        return np.concatenate(padded)

    observed = stacked("observed")
    before, after = (score_models(observed, stacked(name)) for name in ("before", "after"))
    columns: dict[str, np.ndarray] = {"n": after["n"]}
    for key in ("rmse", "r2", "bias"):
        columns |= {f"{key}_before": before[key], f"{key}_after": after[key]}
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["change"] = 100 * (after["rmse"] / before["rmse"] - 1)
    named = [
        {"site": m.site, "flux": flux, "first": m.support[0], "last": m.support[-1], "days": len(m.support)}
        for m in towers
        for flux in FLUXES
    ]
    return pd.concat([pd.DataFrame(named), pd.DataFrame(columns)], axis=1)[list(COLUMNS)]
