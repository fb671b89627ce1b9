"""A results folder of accuracy scores MADE FOR TESTS: every number in it is drawn at random, none was measured.

Its layout is that of the folder that ``python -m tamrl bench accuracy`` writes.
``python tests/helpers/score_files.py FOLDER`` makes one to look at the Scorecard page with.
"""

import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from made_once import made_once

FLUXES = ("GPP", "RECO", "NEE")
#: Days of each placement of the support, and all days, which zero-shot is scored on as well.
PLACEMENTS, ALL = ("growing", "dormant", "random"), "all"
SCALES = ("daily", "weekly", "monthly", "seasonal", "anomaly", "interannual", "site-mean")
DESIGNS = ("igbp", "koeppen", "carbonfluxbench")
#: Correlation with daily GPP that each model is given at 0, 7, 30, 90 and 365 days; None: the model has no such row.
SKILL = {
    "tamrl": (0.80, 0.815, 0.835, 0.86, 0.885),
    "tamrl-encode": (None, 0.805, 0.815, 0.825, 0.835),
    "tamrl-published": (0.73, 0.73, 0.735, 0.74, 0.75),
    "climatology": (0.52, None, None, None, None),
    "xgboost": (0.74, None, None, None, None),
    "lightgbm-lags": (0.75, None, None, None, None),
    "random-forest": (0.73, None, None, None, None),
    "lstm": (0.745, None, None, None, None),
    "ct-lstm": (0.765, None, None, None, None),
    "maml": (None, 0.70, 0.755, 0.79, 0.82),
    "xgboost-support": (None, 0.742, 0.755, 0.775, 0.81),
    "seasonal-cycle": (None, 0.20, 0.45, 0.62, 0.80),
}
SHOTS = (0, 7, 30, 90, 365)
FLUX_SKILL = {"GPP": 0.0, "RECO": -0.04, "NEE": -0.12}
SCALE_SKILL = dict(zip(SCALES, (0.0, 0.03, 0.05, 0.07, -0.28, -0.35, 0.0), strict=True))
FLUX_SIZE = {"GPP": (4.2, 3.0), "RECO": (3.0, 1.7), "NEE": (-1.2, 2.0)}
SCALE_SPREAD = dict(zip(SCALES, (1.0, 0.9, 0.85, 0.8, 0.5, 0.25, 0.6), strict=True))
CLASSES = ("ENF", "GRA", "DBF", "CRO", "WET", "EBF", "OSH", "MF", "SAV", "WSA")
CLIMATES = ("Dfb", "Cfb", "Dfc", "Csa", "BSk", "Aw", "ET")
ABLATIONS = {
    "tamrl-1": 0.0,
    "no modulation": -0.035,
    "no reconstruction": -0.004,
    "balance off": -0.006,
    "balance soft": -0.003,
    "no encoder labels": -0.002,
    "30-day windows": -0.045,
    "five members": 0.012,
    "without radiation": -0.05,
    "without vegetation index": -0.03,
}


def sites(towers: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return made-up towers in the inhabited latitudes."""
    centres = np.array([[50, 10], [44, -95], [38, -110], [60, 25], [-33, 147], [36, 115], [-5, -60], [10, 20]])
    near = centres[rng.choice(len(centres), towers, p=[0.34, 0.2, 0.14, 0.1, 0.07, 0.06, 0.05, 0.04])]
    where = near + rng.normal(0, [4, 8], (towers, 2))
    return pd.DataFrame(
        {
            "site": [f"XX-{i:03d}" for i in range(towers)],
            "lat": where[:, 0],
            "lon": where[:, 1],
            "igbp": rng.choice(CLASSES, towers, p=[0.26, 0.19, 0.14, 0.11, 0.1, 0.06, 0.05, 0.04, 0.03, 0.02]),
            "koeppen": rng.choice(CLIMATES, towers, p=[0.3, 0.22, 0.14, 0.14, 0.09, 0.06, 0.05]),
            "network": rng.choice(["ICOS", "AmeriFlux", "OzFlux", "other"], towers),
            "days": rng.integers(400, 5000, towers),
            "first": "2003-01-01",
            "last": "2014-12-31",
        }
    )


def _numbers(correlation, deviation, bias, mean, n, rng):
    """Return the score columns that belong together for given correlation, sd of the observed and bias."""
    predicted = deviation * np.clip(rng.normal(0.88, 0.1, len(deviation)), 0.3, 1.6)
    square = deviation**2 + predicted**2 - 2 * correlation * deviation * predicted + bias**2
    rmse = np.sqrt(square)
    ratio = (mean + bias) / mean
    kge = 1 - np.sqrt((correlation - 1) ** 2 + (predicted / deviation - 1) ** 2 + (ratio - 1) ** 2)
    return {
        "n": n,
        "r2": 1 - square / deviation**2,
        "rmse": rmse,
        "mae": 0.76 * rmse,
        "bias": bias,
        "kge": kge,
        "nmae": 0.76 * rmse / np.abs(mean),
        "rae": 0.76 * rmse / (0.8 * deviation),
        "correlation": correlation,
        "sd_observed": deviation,
        "sd_predicted": predicted,
        "mean_observed": mean,
        "mean_predicted": mean + bias,
    }


def _grid(table: pd.DataFrame, scales) -> pd.DataFrame:
    """Return one row a tower, placement, flux and scale, with what they bring to a score."""
    words = pd.DataFrame(list(product((*PLACEMENTS, ALL), FLUXES, scales)), columns=["placement", "flux", "scale"])
    grid = table[["site", "days", "size", "ease", "fold"]].merge(words, how="cross")
    grid["mean"] = grid["flux"].map({f: mean for f, (mean, _) in FLUX_SIZE.items()}) * grid["size"]
    grid["sd"] = grid["flux"].map({f: sd for f, (_, sd) in FLUX_SIZE.items()}) * grid["size"]
    grid["shrink"] = grid["scale"].map(SCALE_SPREAD)
    grid["harder"] = grid["flux"].map(FLUX_SKILL) + grid["scale"].map(SCALE_SKILL)
    return grid


def _rows(grid: pd.DataFrame, skill: float, rng) -> pd.DataFrame:
    """Return the scores of one model and number of days in every row of the grid."""
    skill = skill + grid["harder"].to_numpy()
    sd, days = grid["sd"].to_numpy(), grid["days"].to_numpy()
    correlation = np.clip(skill + grid["ease"].to_numpy() + rng.normal(0, 0.03, len(grid)), -0.5, 0.985)
    bias = rng.normal(0, 0.25, len(grid)) * sd * (1.15 - skill)
    numbers = _numbers(correlation, sd * grid["shrink"].to_numpy(), bias, grid["mean"].to_numpy(), days, rng)
    rows = pd.concat([grid[["site", "fold", "placement", "flux", "scale"]], pd.DataFrame(numbers)], axis="columns")
    means = rows["scale"] == "site-mean"
    rows.loc[means, ["r2", "rmse", "kge", "nmae", "rae", "correlation", "sd_observed", "sd_predicted"]] = np.nan
    rows.loc[means, "mae"] = rows["bias"].abs()
    rows.loc[means, "n"] = 1
    return rows


def scores(table: pd.DataFrame, skills: dict, designs=DESIGNS, scales=SCALES, seed: int = 0) -> pd.DataFrame:
    """Return scores in the layout of ``scores.parquet``; a fifth of the towers has too short a record for 365 days."""
    rng = np.random.default_rng(seed)
    table = table.assign(size=rng.lognormal(0, 0.3, len(table)), ease=rng.normal(0, 0.07, len(table)))
    parts = []
    for design in designs:
        chosen = table.iloc[::4] if design == "carbonfluxbench" else table
        grid = _grid(chosen.assign(fold=0 if design == "carbonfluxbench" else np.arange(len(chosen)) % 5), scales)
        for model, by_shots in skills.items():
            for shots, skill in zip(SHOTS, by_shots, strict=True):
                if skill is None:
                    continue
                rows = _rows(grid, skill, rng).assign(design=design, model=model, shots=shots)
                rows = rows[(rows["placement"] != ALL) | (shots == 0)]
                parts.append(rows[grid["days"].loc[rows.index] > 1200] if shots == 365 else rows)
    return _typed(pd.concat(parts, ignore_index=True))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the columns the types of the bundle."""
    words = [c for c in frame if frame[c].dtype.kind in "OTU"]
    narrow = {"fold": "int8", "shots": "int16", "n": "int32"}
    numbers = {c: "float32" for c in frame if frame[c].dtype.kind == "f"}
    present = {name: kind for name, kind in narrow.items() if name in frame}
    return frame.astype({**numbers, **dict.fromkeys(words, "category"), **present})


def intervals(table: pd.DataFrame, rng: np.random.Generator, designs) -> pd.DataFrame:
    """Return coverage and sharpness a tower, with 90 % intervals that hold a little too few days."""
    parts = []
    for design, shots, placement, flux in product(designs, SHOTS, (*PLACEMENTS, ALL), FLUXES):
        if placement == ALL and shots:
            continue
        rmse = FLUX_SIZE[flux][1] * rng.lognormal(-0.45, 0.3, len(table))
        spread = 0.9 * rmse * rng.lognormal(0, 0.25, len(table))
        parts.append(
            pd.DataFrame(
                {
                    "design": design,
                    "model": "tamrl",
                    "shots": shots,
                    "placement": placement,
                    "flux": flux,
                    "site": table["site"],
                    "n": table["days"],
                    "coverage50": rng.beta(25, 26, len(table)),
                    "coverage90": rng.beta(60, 7.5, len(table)),
                    "width50": 1.35 * spread,
                    "width90": 3.3 * spread,
                    "crps": 0.56 * rmse,
                    "spread": spread,
                    "rmse": rmse,
                }
            )
        )
    return _typed(pd.concat(parts, ignore_index=True))


def density(rng: np.random.Generator, designs) -> pd.DataFrame:
    """Return counts of days in bins of 0.5 gC m-2 d-1."""
    parts = []
    for design, flux, (model, skills) in product(designs, FLUXES, SKILL.items()):
        for shots, skill in zip(SHOTS, skills, strict=True):
            if skill is None:
                continue
            mean, deviation = FLUX_SIZE[flux]
            observed = rng.gamma(1.6, deviation / 1.3, 8000) if flux != "NEE" else rng.normal(mean, deviation, 8000)
            error = rng.normal(0, deviation * (1.25 - skill), 8000)
            pair = np.round(np.stack([observed, 0.85 * observed + 0.5 + error]) * 2) / 2
            counts = pd.DataFrame(pair.T, columns=["observed", "predicted"]).value_counts().rename("days")
            parts.append(counts.mul(40).reset_index().assign(design=design, model=model, shots=shots, flux=flux))
    return _typed(pd.concat(parts, ignore_index=True))


def cycles(table: pd.DataFrame, rng: np.random.Generator, designs) -> pd.DataFrame:
    """Return mean seasonal cycles by IGBP class and over all towers."""
    months = np.arange(1, 13)
    parts = []
    for design, group, flux in product(designs, ("all", *table["igbp"].unique()), FLUXES):
        mean, deviation = FLUX_SIZE[flux]
        towers = len(table) if group == "all" else int((table["igbp"] == group).sum())
        season = np.sin((months - 4) / 12 * 2 * np.pi) * (-1 if flux == "NEE" else 1)
        observed = mean + deviation * season * rng.uniform(0.6, 1.3)
        for model, skills in {"observed": (1.0, None, None, None, None), **SKILL}.items():
            for shots, skill in zip(SHOTS, skills, strict=True):
                if skill is None:
                    continue
                error = (1 - skill) * deviation * rng.normal(0, 0.8) * np.ones(12) + rng.normal(0, 0.06, 12)
                parts.append(
                    pd.DataFrame(
                        {
                            "design": design,
                            "group": group,
                            "month": months,
                            "flux": flux,
                            "model": model,
                            "shots": shots,
                            "mean": observed + error,
                            "sd": 0.4 * deviation,
                            "towers": towers,
                        }
                    )
                )
    return _typed(pd.concat(parts, ignore_index=True))


def make(folder: Path, towers: int = 60, table: pd.DataFrame | None = None, seed: int = 56, designs=DESIGNS) -> Path:
    """Write the results folder and return its path.

    Args:
        folder: made where it is missing.
        towers: how many made-up towers.
        table: towers to use instead, with the columns of ``sites.parquet``.
        seed: of all random numbers.
        designs: how towers were held out.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    table = sites(towers, rng) if table is None else table
    ablations = {name: (0.79 + gain, None, 0.82 + gain, None, 0.87 + gain) for name, gain in ABLATIONS.items()}
    frames = {
        "sites": table,
        "scores": scores(table, SKILL, designs, seed=seed),
        "intervals": intervals(table, rng, designs),
        "density": density(rng, designs),
        "cycles": cycles(table, rng, designs),
        "ablations": scores(table, ablations, ("igbp",), ("daily",), seed + 1),
    }
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
    manifest = {
        "title": "Scores made for tests, not measured",
        "created": "2026-01-01",
        "versions": {"tamrl": "0.0.0"},
        "data": "random numbers (tests/helpers/score_files.py)",
        "command": "python tests/helpers/score_files.py",
        "designs": list(designs),
        "members": 5,
        "looks": [{"date": "2026-01-01", "what": "first look"}],
        "simulated": True,
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
    return folder


def shared(tmp_path_factory) -> Path:
    """Return the one small results folder of a test run: 24 towers, two designs. Tests that change files copy it."""
    return made_once(tmp_path_factory, "scores", lambda folder: make(folder, 24, designs=("igbp", "koeppen")))


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60)
