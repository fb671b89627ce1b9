"""What was set out for, beside what was measured: on scores made up so that the answers are known."""

import numpy as np
import pandas as pd

from tamrl.bench.targets import against_targets, harmed
from tamrl.schema import FLUXES

TOWERS = 12
SITES = pd.DataFrame(
    {
        "site": [f"XS-{i:03}" for i in range(TOWERS)],
        "igbp": ["DBF"] * 6 + ["GRA"] * 6,
        "koeppen": ["Cfb"] * TOWERS,
    }
)


def made_up(changes):
    """Scores of TAM-RL and of XGBoost at 1 (R2: 0.4), times what ``changes`` says of (model, shots)."""
    rng = np.random.default_rng(0)
    size = rng.uniform(0.8, 1.2, TOWERS)
    rows = []
    for (model, shots), (rmse, r2) in changes.items():
        for i, site in enumerate(SITES["site"]):
            error = rmse(i) if callable(rmse) else rmse
            rows += [(site, model, shots, "random", f, error * size[i], 0.4 * r2) for f in FLUXES]
    return pd.DataFrame(rows, columns=["site", "model", "shots", "placement", "flux", "rmse", "r2"])


def cell(rows, start, flux="NEE"):
    return next(r[flux] for r in rows if r["target (medians over towers)"].startswith(start))


def test_a_target_is_met_or_missed_by_what_is_measured():
    scores = made_up(
        {("xgboost", 0): (1, 1), ("tamrl", 0): (0.88, 1.5), ("tamrl", 30): (0.7, 1.6), ("tamrl", 365): (0.6, 1.7)}
    )
    rows = against_targets(scores, SITES, pd.DataFrame())
    assert cell(rows, "zero-shot RMSE") == "-12.0 % (wanted -10 %): met"
    assert cell(rows, "zero-shot RMSE", "GPP") == "-12.0 % (wanted -15 %): **not met**"
    assert cell(rows, "zero-shot R2") == "+50.0 % (wanted +44 %): met"
    assert "met" in cell(rows, "RMSE with 365")
    assert "-31.8 %" in cell(rows, "RMSE with 365")
    assert cell(rows, "R2 at or above") == "met"
    assert not any("intervals" in r["target (medians over towers)"] for r in rows)


def test_a_better_baseline_is_named_with_its_shots():
    scores = made_up(
        {("xgboost", 0): (1, 1), ("maml", 30): (1, 2), ("tamrl", 0): (0.9, 1.1), ("tamrl", 30): (0.8, 1.2)}
    )
    assert cell(against_targets(scores, SITES, pd.DataFrame()), "R2 at or above") == "**not met**: maml with 30 days"


def test_a_class_that_support_harms_is_named():
    rng = np.random.default_rng(1)
    scores = made_up(
        {
            ("tamrl", 0): (1, 1),
            ("tamrl", 30): (lambda i: (1.2 if i < 6 else 0.8) + rng.uniform(0, 0.02), 1),
        }
    )
    assert {text.split(",")[0] for text in harmed(scores, SITES, "igbp")} == {"DBF"}
    assert not harmed(scores, SITES, "koeppen")
    rows = against_targets(scores, SITES, pd.DataFrame())
    assert (
        cell(rows, "few-shot not significantly worse than zero-shot in any IGBP") == "**not met**: DBF, 30 days (n 6)"
    )


def test_coverage_counts_towers_alike_and_takes_the_worst_number_of_shots():
    covered = pd.DataFrame(
        [
            (flux, shots, site, share)
            for flux in FLUXES
            for shots, shares in ((0, (0.86, 0.94)), (30, (0.96, 0.96)))
            for site, share in zip(("a", "b"), shares, strict=True)
        ],
        columns=["flux", "shots", "site", "coverage90"],
    )
    scores = made_up({("xgboost", 0): (1, 1), ("tamrl", 0): (1, 1)})
    assert cell(against_targets(scores, SITES, covered), "90 % intervals") == "90.0 to 96.0 %: **not met**"
