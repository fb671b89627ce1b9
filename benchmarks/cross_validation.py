"""Cross-validation by tower: trains an ensemble a fold without the fold's towers and scores it on them.

    PYTHONPATH=. python benchmarks/cross_validation.py --workspace W --out DIR [--folds 5] [--members 5]

Folds are stratified by IGBP class (``tamrl.data.splits.folds``) and written to DIR/fold-<i>.txt. A fold
that is trained or scored already is not done again, so the run can be stopped and started. The medians
over all held-out towers are printed and written to DIR/summary.csv.
"""

import sys
from pathlib import Path

import click
import pandas as pd

from tamrl.config import Config, load_config
from tamrl.data.splits import folds
from tamrl.device import choose, one_thread
from tamrl.ensemble import STATE, EnsembleTrainer, usable_sites
from tamrl.evaluate import evaluate, fit_baselines, held_out, summarise
from tamrl.model.checkpoint import is_checkpoint, load_ensemble
from tamrl.workspace import Workspace


def train_fold(space: Workspace, out: Path, config: Config, members: int, seed: int, sites: tuple[str, ...]) -> None:
    """Train the ensemble of one fold, or go on with it."""
    started = (out / STATE).exists()
    if is_checkpoint(out) and not started:
        return
    trainer = EnsembleTrainer(space.archive_path, out, config, members, seed, exclude=sites, resume=started)

    def show(progress) -> None:  # noqa: ANN001
        if progress.step % 200 == 0:
            click.echo(f"{out.name} member {progress.member} step {progress.step} best {progress.best:.4f}", err=True)

    if not trainer.run(show):
        sys.exit(130)


def score_fold(space: Workspace, checkpoint: Path, sites: tuple[str, ...], shots: tuple[int, ...]) -> pd.DataFrame:
    """Score TAM-RL and the baselines on the towers of one fold."""
    archive = space.archive()
    ensemble = load_ensemble(checkpoint, choose())
    chosen, _ = held_out(sites, ensemble, named=True, allow_seen=False)
    baselines = fit_baselines(("xgboost", "climatology"), archive, chosen, ensemble.config.model.drivers)
    scores, _ = evaluate(archive, chosen, ensemble, baselines, shots)
    return scores


@click.command()
@click.option("--workspace", required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--folds", "count", default=5, show_default=True)
@click.option("--members", default=5, show_default=True)
@click.option("--seed", default=56, show_default=True)
@click.option("--config", "config_file", type=click.Path(path_type=Path))
@click.option("--train-only", is_flag=True)
def main(
    workspace: Path, out: Path, count: int, members: int, seed: int, config_file: Path | None, train_only: bool
) -> None:
    """Train and score all folds."""
    one_thread()
    space = Workspace.open(workspace)
    config = load_config(config_file) if config_file else Config()
    archive = space.archive()
    classes = dict(zip(archive.site.values.tolist(), archive.igbp.values.tolist(), strict=True))
    parts = folds({s: classes[s] for s in usable_sites(archive)}, count, seed)
    out.mkdir(parents=True, exist_ok=True)
    for i, part in enumerate(parts):
        (out / f"fold-{i}.txt").write_text("\n".join(part) + "\n", encoding="utf-8")
        train_fold(space, out / f"model-{i}", config, members, seed, part)
    if train_only:
        return
    tables = []
    for i, part in enumerate(parts):
        file = out / f"scores-{i}.csv"
        if not file.exists():
            score_fold(space, out / f"model-{i}", part, (0, 30, 365)).to_csv(file, index=False)
        tables.append(pd.read_csv(file))
        click.echo(f"fold {i}: {len(part)} towers scored", err=True)
    scores = pd.concat(tables, ignore_index=True)
    scores.to_csv(out / "scores.csv", index=False)
    summary = summarise(scores)
    summary.to_csv(out / "summary.csv", index=False)
    click.echo(summary.to_string(index=False, float_format=lambda v: f"{v:.3f}"))


if __name__ == "__main__":
    main()
