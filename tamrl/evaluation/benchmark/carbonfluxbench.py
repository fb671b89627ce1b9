"""CarbonFluxBench from its files to the table: ingest, train on its splits, score as its authors do.

Zero-shot, per tower, on the days with NEE_QC = 1; then quantiles over the held-out towers. The published medians stand
beside them, marked as theirs: they are of other features, and of another draw of the same rule of splitting.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.accuracy import Benchmark, run
from tamrl.evaluation.benchmark.report import markdown
from tamrl.evaluation.benchmark.runs import TAMRL, read_predictions, split_file
from tamrl.evaluation.labels import in_order, label_of
from tamrl.evaluation.results import published
from tamrl.metrics import score
from tamrl.protocol.designs import load_split
from tamrl.protocol.placements import ALL
from tamrl.protocol.support_days import MIN_SCORED
from tamrl.schema import FLUXES
from tamrl.towers.archive import load_archive, record
from tamrl.towers.ingest import ingest
from tamrl.towers.quality import flux_table
from tamrl.towers.readers.carbonfluxbench import FILES, TARGETS, beside
from tamrl.towers.workspace import Workspace, sha256

#: Published split -> our design.
SPLITS = {"igbp": "carbonfluxbench", "koeppen": "carbonfluxbench-koeppen"}
#: The models that were published there, by our names; where theirs differ, those.
MODELS = (TAMRL, "ct-lstm", "xgboost", "lightgbm-lags")
THEIRS = {"lightgbm-lags": "lightgbm"}
#: Quantiles over towers, and the scores that they are of.
QUANTILES, SCORES = {"q25": 0.25, "median": 0.5, "q75": 0.75}, ("r2", "rmse")
WORKSPACE, DOCUMENT = "workspace", "carbonfluxbench.md"


@dataclass(frozen=True, kw_only=True)
class Protocol(Benchmark):
    """The accuracy benchmark with the same chosen models in every design."""

    def models_of(self, design: str) -> tuple[str, ...]:
        """Return the models that are compared in a design."""
        return self.models

    def about(self, archive: xr.Dataset) -> dict[str, Any]:
        """Return what the manifest says of this benchmark."""
        command = "python -m tamrl bench carbonfluxbench --data DIR --out OUT"
        return super().about(archive) | {"title": "CarbonFluxBench, held-out towers", "command": command}


def make_workspace(data: Path, out: Path, report: Callable[[str], None]) -> Workspace:
    """Read the data set into a workspace, where that has not been done.

    Args:
        data: folder of the data set as ``tamrl fetch carbonfluxbench`` leaves it, or with its tables in ``data``.
        out: folder of the benchmark; the workspace is a folder in it.
        report: called with lines on what happens.

    Raises:
        TamrlError: a file is missing, no tower could be read, or the workspace was made of another data set.
    """
    files = {name: beside(data / TARGETS, name) for name in FILES}
    if lacks := [name for name, path in files.items() if path is None]:
        todo = "Download what is missing with `tamrl fetch carbonfluxbench`"
        raise TamrlError(f"The data set lacks {', '.join(lacks)}", str(data), todo)
    space = Workspace.create(out / WORKSPACE)
    known = {Path(i["path"]).name: i["sha256"] for entry in space.provenance() for i in entry.get("inputs", [])}
    if TARGETS in known:
        if known[TARGETS] != sha256(files[TARGETS] or data):
            todo = "Give the data set that it was begun with, or another --out"
            raise TamrlError("The folder was begun with other fluxes", str(space.path), todo)
        report(f"The towers are in {space.path} already")
        return space
    report(f"Reading {data}")
    result = ingest([data], space, command=f"bench carbonfluxbench --data {data}")
    said = [*(item.reason for item in result.items if item.status == "failed"), *result.failures]
    if result.summary.empty:
        raise TamrlError("No tower could be read", str(data), "; ".join(said) or "Look at the files")
    for line in [*said, *result.faults, *result.doubts]:
        report(line)
    report(f"{result.n_sites} towers in {space.path}")
    return space


def run_protocol(benchmark: Protocol, workers: int, report: Callable[[str], None]) -> list[Path]:
    """Train what is left, score it and write the tables beside the results.

    Args:
        benchmark: its designs among those of ``SPLITS``.
        workers: processes at once.
        report: called with lines on what happens.

    Returns:
        The document and the two tables, see ``write``.

    Raises:
        TamrlError: as ``accuracy.run``; or no tower has enough days with NEE_QC = 1.
    """
    run(benchmark, workers, report)
    return write(benchmark, score_towers(benchmark))


def score_towers(benchmark: Protocol) -> pd.DataFrame:
    """Return the zero-shot scores of each held-out tower on its days with NEE_QC = 1.

    Returns:
        ``split, site, igbp, koeppen, model, flux, n, r2, rmse, mae, bias``, of the models that are done and the towers
        with ``MIN_SCORED`` such days or more.

    Raises:
        TamrlError: there is no such tower.
    """
    archive, rows = load_archive(benchmark.archive), []
    for split, design in SPLITS.items():
        if design not in benchmark.designs:
            continue
        units = [unit for unit in benchmark.units() if unit.design == design and unit.file.exists()]
        for site in load_split(split_file(benchmark.out, design)).folds[0]:
            tower = record(archive, site)
            best, observed = tower["NEE_QC"].values == 1, flux_table(tower)
            about = {"split": split, "site": site, "igbp": tower.igbp.item(), "koeppen": tower.koeppen.item()}
            zero_shot = [p for unit in units for p in read_predictions(unit.file, site, [ALL]) if not p.shots]
            for p in zero_shot:
                for i, flux in enumerate(FLUXES):
                    found = score(observed[:, i], p.fluxes[:, i], best)
                    if found["n"] >= MIN_SCORED:
                        kept = {name: found[name] for name in ("n", "r2", "rmse", "mae", "bias")}
                        rows.append(about | {"model": p.model, "flux": flux} | kept)
    if not rows:
        what = f"No held-out tower has {MIN_SCORED} days with NEE_QC = 1 and a prediction"
        raise TamrlError(what, str(benchmark.out), "Let the benchmark run to its end, on the whole data set")
    return pd.DataFrame(rows)


def quantiles(scores: pd.DataFrame) -> pd.DataFrame:
    """Return ``split, flux, model, towers`` and the quantiles over towers, ``r2_q25`` to ``rmse_q75``."""
    rows = []
    for (split, flux, model), group in scores.groupby(["split", "flux", "model"], sort=False):
        cells = {f"{s}_{name}": group[s].quantile(q) for s in SCORES for name, q in QUANTILES.items()}
        rows.append({"split": split, "flux": flux, "model": model, "towers": group["site"].nunique()} | cells)
    return pd.DataFrame(rows)


def write(benchmark: Protocol, scores: pd.DataFrame) -> list[Path]:
    """Write the document, and as CSV the scores by tower and the quantiles; return their paths."""
    table = quantiles(scores)
    theirs = published()
    parts = [_heading(benchmark, scores, theirs)]
    for split in [s for s in SPLITS if s in set(table["split"])]:
        rows = list(_rows(table[table["split"] == split], theirs["scores"][split]))
        parts += [f"## Split {'by IGBP class' if split == 'igbp' else 'by Köppen main class'}", markdown(rows)]
    document = benchmark.out / DOCUMENT
    document.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    tables = {"sites": scores, "quantiles": table}
    paths = {name: benchmark.out / f"carbonfluxbench-{name}.csv" for name in tables}
    for name, path in paths.items():
        tables[name].to_csv(path, index=False, float_format="%.6g")
    return [document, *paths.values()]


def _heading(benchmark: Protocol, scores: pd.DataFrame, theirs: dict[str, Any]) -> str:
    """Return what the scores are of, and in what the published ones differ."""
    archive = load_archive(benchmark.archive)
    drivers = ", ".join(benchmark.config.model.drivers)
    members = f"{benchmark.members} member{'s' if benchmark.members > 1 else ''}"
    return (
        f"# CarbonFluxBench\n\n{archive.sizes['site']} towers, {scores['site'].nunique()} held-out ones scored: "
        f"zero-shot, on days with NEE_QC = 1, at towers with {MIN_SCORED} of them or more; quantiles over towers. "
        f"TAM-RL of {members}. RMSE in gC m-2 d-1.\n\n"
        f"The columns *theirs* are published medians ({theirs['source']}): ten-member ensembles on its minimal "
        f"features. They are not ours: these models read {drivers}, and the towers held out are another draw by the "
        "same rule."
    )


def _rows(table: pd.DataFrame, theirs: dict[str, Any]) -> Iterable[dict[str, str]]:
    """Yield one row a flux and model: ours, and what was published; also of models that were not run."""
    ours = {THEIRS.get(name, name): name for name in in_order(table["model"].tolist())}
    names = [*ours.values(), *(name for name in theirs if name not in ours)]
    for flux in FLUXES:
        for name in names:
            found = table[(table["flux"] == flux) & (table["model"] == name)].to_dict("records")
            cells = {s: _spread(found[0], s) if found else "not run" for s in SCORES}
            r2, rmse = theirs.get(THEIRS.get(name, name), {}).get(flux, (np.nan, np.nan))
            yield {
                "flux": flux,
                "model": label_of(name),
                "towers": str(found[0]["towers"]) if found else "",
                "R2: median (25 to 75 %)": cells["r2"],
                "RMSE: median (25 to 75 %)": cells["rmse"],
                "R2, theirs": f"{r2:.3f}" if np.isfinite(r2) else "",
                "RMSE, theirs": f"{rmse:.2f}" if np.isfinite(rmse) else "",
            }


def _spread(row: dict[str, Any], name: str) -> str:
    digits = 3 if name == "r2" else 2
    low, median, high = (f"{row[f'{name}_{q}']:.{digits}f}" for q in ("q25", "median", "q75"))
    return f"{median} ({low} to {high})"
