"""Lesson 2: one model for every place. Accuracy at held-out towers, and the kind of error."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tamrl.evaluation.results import read_table
from tamrl.protocol.placements import ALL
from tamrl.schema import IGBP, KOEPPEN
from tamrl.teaching.marks import Mark

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.cross_fitted import CrossFitted

#: Pairs of towers to choose from: alike in class or climate, or in neither, and clearly apart in their scores.
PAIRS = (("DE-Hai", "US-Ne1"), ("CA-Obs", "GF-Guy"), ("DE-Geb", "CH-Oe2"), ("US-UMB", "AU-Tum"), ("AU-How", "AU-DaS"))
#: The rows of the bundled scores that are read: zero-shot, all valid days, towers held out by class.
_ROWS = {"design": "igbp", "model": "tamrl", "shots": 0, "placement": ALL, "scale": "daily"}
#: Share of the mean square error that a wrong mean makes, from which the level is called the trouble.
LEVEL = 0.5
KINDS = {
    "level": "the level: too high or too low on average",
    "pattern": "the pattern: right on average, wrong in time",
}


def tower_scores(folder: Path) -> pd.DataFrame:
    """Return how each held-out tower is predicted without any of its labels.

    Args:
        folder: of the bundled scores.

    Returns:
        Rows of ``site``, ``flux``, ``n`` (days), ``r2``, ``nmae``, ``rmse`` and ``bias`` [gC m-2 d-1], and ``level``,
        the share of the mean square error that the bias makes [1].

    Raises:
        TamrlError: the scores are missing or damaged.
    """
    table = read_table(folder, "scores")
    keep = np.logical_and.reduce([(table[name] == value).to_numpy() for name, value in _ROWS.items()])
    found = table.loc[keep, ["site", "flux", "n", "r2", "rmse", "nmae", "bias"]].astype({"site": str, "flux": str})
    return found.assign(level=found["bias"] ** 2 / found["rmse"] ** 2).reset_index(drop=True)


def of_flux(scores: pd.DataFrame, flux: str) -> pd.DataFrame:
    """Return the rows of one flux with their ``rank`` from the worst (1) by R2, DataFrame(site)."""
    rows = scores[scores["flux"] == flux].dropna(subset=["r2"]).set_index("site")
    return rows.assign(rank=rows["r2"].rank(method="first").astype(int))


def relatives(model: "Ensemble | CrossFitted", site: str, table: pd.DataFrame) -> dict[str, int]:
    """Return how many towers the model of a tower was trained on, and how many of these are like it.

    Args:
        model: that has not seen the tower.
        site: tower.
        table: one row a tower with ``igbp`` and ``koeppen``.

    Returns:
        ``towers``, and those of the same land cover (``cover``), main climate (``climate``), and of both (``both``).
    """
    ensemble = model.groups((site,))[0][0]
    seen = table.loc[table.index.isin(ensemble.training_sites)]
    cover = seen["igbp"] == table.at[site, "igbp"]
    climate = seen["koeppen"].str[:1] == str(table.at[site, "koeppen"])[:1]
    counts = {"cover": cover, "climate": climate, "both": cover & climate}
    return {"towers": len(seen)} | {name: int(rows.sum()) for name, rows in counts.items()}


def in_words(site: str, table: pd.DataFrame) -> str:
    """Return name, land cover and climate of a tower in words."""
    row = table.loc[site]
    cover = IGBP.get(row["igbp"], row["igbp"]).lower()
    climate = KOEPPEN.get(str(row["koeppen"])[:1], "unknown").lower()
    country = f", {row['country']}" if row.get("country") else ""
    return f"{row['name']}{country}: {cover}, {climate} climate ({row['koeppen']})"


def mark_worse(scores: pd.DataFrame, pair: tuple[str, str], chosen: str) -> Mark:
    """Return whether the tower that the student expects to be predicted worse has the lower R2.

    Args:
        scores: of ``of_flux``.
        pair: two towers.
        chosen: one of them.
    """
    r2, rmse = scores.loc[list(pair), "r2"], scores.loc[list(pair), "rmse"]
    worse = str(r2.idxmin())
    said = "; ".join(f"{site}: R² {_number(r2[site])}, RMSE {_number(rmse[site])} gC m⁻² d⁻¹" for site in pair)
    agree = rmse.idxmax() == worse
    note = "" if agree else " The larger RMSE is at the other tower: its fluxes, and so its errors, are larger."
    return Mark(answer=chosen, correct=chosen == worse, value=float(r2[chosen]), said=f"{said}.{note}")


def mark_hard_tower(scores: pd.DataFrame, chosen: str) -> Mark:
    """Return whether a tower is in the worst-predicted third by R2."""
    rank, count = int(scores.at[chosen, "rank"]), len(scores)
    last = count // 3
    said = f"{chosen} is number {rank} of {count} from the bottom, with an R² of {_number(scores.at[chosen, 'r2'])}."
    said += f" The worst third ends at number {last}."
    return Mark(answer=chosen, correct=rank <= last, value=float(scores.at[chosen, "r2"]), said=said)


def mark_kind(scores: pd.DataFrame, site: str, chosen: str) -> Mark:
    """Return whether the student sees what kind of error it is: of level or of pattern, see ``LEVEL``."""
    share = float(scores.at[site, "level"])
    truth = "level" if share >= LEVEL else "pattern"
    said = (
        f"At {site} the mean is off by {_number(scores.at[site, 'bias'], '+')} gC m⁻² d⁻¹. Squared, that is "
        f"{100 * share:.0f} % of the mean square error, so "
        f"{'most of it is level' if truth == 'level' else 'most is pattern'}."
    )
    return Mark(answer=KINDS[chosen].split(":")[0], correct=chosen == truth, value=share, said=said)


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.2f}".replace("-", "−")
