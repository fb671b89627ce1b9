"""The command line: a group that imports a command only when it is asked for, so that help is instant."""

import errno
import importlib

import click

import tamrl
from tamrl.errors import TamrlError

#: Command -> (module:object, line for the list of commands).
COMMANDS = {
    "fetch": ("tamrl.cli.fetch:command", "Download towers or benchmark data."),
    "ingest": ("tamrl.cli.ingest:command", "Read tower files into the archive of a workspace."),
    "import": ("tamrl.cli.import_maps:command", "Read a gridded product into the maps of a workspace."),
    "train": ("tamrl.cli.train:command", "Train an ensemble of TAM-RL on a workspace."),
    "evaluate": ("tamrl.cli.evaluate:command", "Score models on held-out towers."),
    "adapt": ("tamrl.cli.predict:adapt_command", "Adapt the model to one tower from a few days."),
    "predict": ("tamrl.cli.predict:predict_command", "Predict the fluxes of one tower zero-shot."),
    "bench": ("tamrl.cli.bench:command", "Benchmarks: scores on held-out towers, speed, upscaling."),
    "aggregate": ("tamrl.cli.aggregate:command", "Average a workspace by month, for climate models."),
    "upscale": ("tamrl.cli.upscale:command", "Predict every cell of a grid: global maps."),
    "app": ("tamrl.cli.app:command", "Start the dashboard in the browser."),
    "simulate": ("tamrl.cli.simulate:command", "Make a workspace of SIMULATED towers."),
}


#: What a disk answers whatever is written, and what the user can do about it.
_DISK = {
    errno.ENOSPC: "Free some space, then run the command again",
    errno.EDQUOT: "Free some space, then run the command again",
    errno.EFBIG: "Write to a disk that takes larger files",
    errno.EROFS: "Choose a folder that can be written to",
    errno.EACCES: "Choose files and folders that you may read and write",
    errno.EPERM: "Choose files and folders that you may read and write",
    errno.EIO: "Check the disk, then run the command again",
}


class LazyGroup(click.Group):
    """A click group over ``COMMANDS`` whose user errors end in one line and exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        return getattr(importlib.import_module(module), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; show a TamrlError as one line on standard error."""
        try:
            return super().invoke(ctx)
        except TamrlError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno not in _DISK:
                raise
            what = f"A file cannot be read or written: {error.strerror}"
            said = TamrlError(what, str(error.filename or ""), _DISK[error.errno])
            raise click.ClickException(str(said)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tamrl.__version__, prog_name="tamrl")
def main() -> None:
    """TAM-RL Explorer: carbon fluxes from flux towers to the globe."""
