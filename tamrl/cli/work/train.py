"""Train an ensemble and show how it goes."""

import sys
import time
from pathlib import Path
from typing import Any

import click

from tamrl.cli.options import read_sites
from tamrl.config import Config, load_config
from tamrl.system.device import describe, one_thread
from tamrl.towers.workspace import Workspace
from tamrl.training.ensemble import EnsembleTrainer
from tamrl.training.member import TrainingProgress


def train(
    workspace: Path,
    out: Path,
    config_file: Path | None,
    members: int,
    exclude_sites: Path | None,
    seed: int,
    resume: bool,
    workers: int | None,
    device: str,
) -> None:
    """Train an ensemble of TAM-RL on the towers of WORKSPACE."""
    # The members are processes; here they are only calibrated.
    one_thread()
    config = load_config(config_file) if config_file else Config()
    excluded = read_sites(exclude_sites) if exclude_sites else ()
    space = Workspace.open(workspace)
    trainer = EnsembleTrainer(space.archive_path, out, config, members, seed, excluded, device, resume)
    if trainer.unknown_exclusions:
        click.echo(f"Not in the workspace, so nothing to exclude: {', '.join(trainer.unknown_exclusions)}", err=True)
    if trainer.left_out:
        click.echo(f"Too few valid days to train on: {', '.join(trainer.left_out)}", err=True)
    began = time.perf_counter()
    click.echo(f"Training {members} members on {len(trainer.sites)} towers, {describe(trainer.device)}", err=True)
    with _Display(members, config.train.steps, config.train.validate_every) as display:
        finished = trainer.run(display.update, workers)
    minutes = (time.perf_counter() - began) / 60
    if not finished:
        click.echo(f"Stopped after {minutes:.1f} min; {out} holds the best weights so far. Go on with --resume.")
        raise SystemExit(130)
    if not space.read_only:
        space.add_provenance(
            {
                "command": f"train --out {out} --members {members} --seed {seed}",
                "sites": len(trainer.sites),
                "inputs": [],
            }
        )
    click.echo(f"{out}: {members} members trained in {minutes:.1f} min.")


class _Display:
    """A progress bar with loss terms and time left; in a log, one line a validation."""

    def __init__(self, members: int, steps: int, every: int) -> None:
        self.steps, self.every, self.done = steps, every, dict.fromkeys(range(members), 0)
        self.live = sys.stderr.isatty()
        self.bar = click.progressbar(
            length=members * steps,
            label="Training",
            show_eta=True,
            show_pos=True,
            file=sys.stderr,
            item_show_func=lambda text: text,
            hidden=not self.live,
        )

    def __enter__(self) -> "_Display":
        self.bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.bar.__exit__(*error)

    def update(self, progress: TrainingProgress) -> None:
        """Show one step of one member."""
        terms = " ".join(f"{name} {value:.3f}" for name, value in progress.terms.items())
        text = f"member {progress.member} | {terms} | validation {progress.validation:.3f} (best {progress.best:.3f})"
        self.bar.update(progress.step - self.done[progress.member], text)
        self.done[progress.member] = progress.step
        if not self.live and progress.step % self.every == 0:
            click.echo(f"step {progress.step}/{progress.steps} | {text} | {self._left()}", err=True)

    def _left(self) -> str:
        if self.bar.pos >= (self.bar.length or 0):
            return "done"
        return f"{self.bar.eta / 60:.1f} min left"
