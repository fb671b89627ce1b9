"""``python -m tamrl evaluate``: scores on held-out towers."""

import sys
from pathlib import Path

import click

from tamrl.commands.options import (
    checkpoint_option,
    device_option,
    read_names,
    read_numbers,
    read_sites,
    workspace_option,
)


@click.command("evaluate")
@workspace_option
@checkpoint_option
@click.option("--sites", type=click.Path(path_type=Path), help="File of towers to score; default all held-out ones.")
@click.option("--shots", default="0,30,365", show_default=True, help="Numbers of support days.")
@click.option("--methods", default="zero-shot,encode,modulation", show_default=True, help="Methods of TAM-RL.")
@click.option("--models", default="tamrl,xgboost,climatology", show_default=True, help="Models to score.")
@click.option(
    "--train-workspace", type=click.Path(path_type=Path),
    help="Workspace that xgboost and climatology learn from, without the scored towers; default WORKSPACE.",
)  # fmt: skip
@click.option("--allow-seen", is_flag=True, help="Score towers that the checkpoint was trained on, too.")
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="CSV to write.")
@device_option
def command(
    workspace: Path, checkpoint: Path, sites: Path | None, shots: str, methods: str, models: str,
    train_workspace: Path | None, allow_seen: bool, out: Path, device: str,
) -> None:  # fmt: skip
    """Score models on the towers of WORKSPACE that the checkpoint has not seen.

    Support: the first SHOTS valid days after the first 180 days of a record. Scored: the valid days (QC of at least
    0.7) after the first 545 days, or after the support where the record is shorter; the same days for every model,
    method and number of shots. Which days these were is written beside OUT, in <out>.days.csv.
    """
    from tamrl.device import choose, describe, one_thread
    from tamrl.evaluate import evaluate, fit_baselines, held_out, model_names, summarise
    from tamrl.model.checkpoint import load_ensemble
    from tamrl.workspace import Workspace

    one_thread()
    with_tamrl, baselines = model_names(read_names(models))
    counts, ways = read_numbers(shots, "--shots"), read_names(methods)
    archive = Workspace.open(workspace).archive()
    ensemble = load_ensemble(checkpoint, choose(device))
    click.echo(f"{len(ensemble.members)} members on {describe(ensemble.device)}", err=True)
    if ensemble.caution:
        click.echo(ensemble.caution, err=True)
    candidates = read_sites(sites) if sites else archive.site.values.tolist()
    chosen, seen = held_out(candidates, ensemble, sites is not None, allow_seen)
    if seen:
        click.echo(f"Left out, the checkpoint was trained on them: {len(seen)} towers", err=True)
    training = Workspace.open(train_workspace).archive() if train_workspace else archive
    models_ready = fit_baselines(baselines, training, chosen, ensemble.config.model.drivers)
    with click.progressbar(length=len(chosen), label="Scoring", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        scores, days = evaluate(
            archive, chosen, ensemble if with_tamrl else None, models_ready, counts, ways, lambda site: bar.update(1)
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    scores.to_csv(out, index=False, float_format="%.6g")
    days_file = out.with_suffix(".days.csv")
    days.to_csv(days_file, index=False)
    click.echo(
        "Medians over towers. RMSE against zero-shot TAM-RL on the same towers, %: change, of the medians; "
        "paired, geometric mean over towers."
    )
    click.echo(summarise(scores).drop(columns="statistic").to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    rules = days.query("shots == 0 and scored")["rule"].value_counts()
    click.echo("Scored days: " + "; ".join(f"{rule}: {n} towers" for rule, n in rules.items()))
    for (count, reason), group in days.query("not scored").groupby(["shots", "rule"]):
        click.echo(f"No score for {count} shots, {reason}: {', '.join(group['site'])}")
    click.echo(f"Scores in {out}, days in {days_file}.")
