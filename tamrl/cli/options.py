"""Options and readers that several commands share."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from tamrl.bundled import find_model, find_workspace
from tamrl.errors import TamrlError


def work(target: str, asked: dict[str, Any]) -> None:
    """Do what a command is asked for, in a module that is loaded only now: its help and its faults come without torch.

    Args:
        target: ``module:function`` of ``tamrl.cli.work``.
        asked: the options of the command, by name.
    """
    module, _, name = target.partition(":")
    getattr(import_module(f"tamrl.cli.work.{module}"), name)(**asked)


workspace_option = click.option(
    "--workspace",
    "-w",
    required=True,
    envvar="TAMRL_WORKSPACE",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder made by ingest or simulate (or TAMRL_WORKSPACE).",
)


def _find_workspace(ctx: click.Context, option: click.Parameter, value: Path) -> Path:
    """Return the folder of a workspace to read; a name without a folder of that name may be a bundled one."""
    return find_workspace(value)


#: Of commands that read a workspace; those that write one do not know the bundled ones by name.
read_workspace_option = click.option(
    "--workspace",
    "-w",
    required=True,
    envvar="TAMRL_WORKSPACE",
    type=click.Path(file_okay=False, path_type=Path),
    callback=_find_workspace,
    help="Folder made by ingest or simulate (or TAMRL_WORKSPACE), or a bundled workspace: fluxnet2015, demo.",
)


def find_checkpoint(ctx: click.Context, option: click.Parameter, value: Path) -> Path:
    """Return the folder of a checkpoint; a name without a folder of that name may be a bundled model."""
    return find_model(value)


checkpoint_option = click.option(
    "--checkpoint",
    "-c",
    required=True,
    type=click.Path(path_type=Path),
    callback=find_checkpoint,
    help="Folder made by train, or a bundled model: cross-fitted (at a FLUXNET2015 tower the fold that never saw it, "
    "elsewhere fluxnet2015-daily), fluxnet2015-daily, fluxnet2015-climate, or one fold of the benchmark, "
    "fluxnet2015-folds/fold-0 to fold-4.",
)
device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cuda, cuda:<number>, mps or cpu. auto: adapting, predicting and upscaling each take the device that is "
    "faster at it, which is measured once on a machine that has several; TAMRL_DEVICE sets it for all commands.",
)

precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "tf32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Precision of the recurrence: tf32 (NVIDIA GPUs) and bfloat16 are faster where the device supports them, "
    "at the error in docs/benchmarks.md.",
)


def read_sites(path: Path) -> tuple[str, ...]:
    """Read tower ids from a text file: one a line, or the first column of a CSV; # starts a comment.

    Raises:
        TamrlError: the file cannot be read or names no tower.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TamrlError(f"The list of towers cannot be read: {error}", str(path), "Give a text file") from error
    cells = [line.split("#")[0].split(",")[0].strip().strip('"') for line in lines]
    sites = tuple(dict.fromkeys(c for c in cells if c and c.lower() != "site"))
    if not sites:
        raise TamrlError("The list names no tower", str(path), "Write one tower id a line")
    return sites


def read_numbers(text: str, option: str) -> tuple[int, ...]:
    """Read a comma-separated list of counts.

    Raises:
        TamrlError: an item is not a whole number of at least 0.
    """
    parts = [p.strip() for p in text.split(",") if p.strip()]
    if not parts or not all(p.isdigit() for p in parts):
        raise TamrlError(f"Not a list of counts: {text!r}", option, "Write for example 0,30,365")
    return tuple(dict.fromkeys(int(p) for p in parts))


def read_names(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of names."""
    return tuple(dict.fromkeys(p.strip() for p in text.split(",") if p.strip()))


#: Of the benchmarks of speed.
daily_checkpoint_option = click.option(
    "--checkpoint",
    "-c",
    default="fluxnet2015-daily",
    show_default=True,
    type=click.Path(path_type=Path),
    callback=find_checkpoint,
    help="A daily model.",
)
