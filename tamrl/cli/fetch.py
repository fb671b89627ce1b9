"""``python -m tamrl fetch``: towers and benchmark data from those who share them."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from tamrl.errors import TamrlError, printable
from tamrl.towers import citations
from tamrl.towers.fetch import CATALOGUE, Item, Offer, Outcome, fluxnet, take

_ACCEPT = "--accept-licence"
_accept_option = click.option(
    _ACCEPT, "accepted", is_flag=True, help="Accept the licence that is shown; without it the command asks."
)


def _out_option(default: str) -> Callable[..., Any]:
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--out", "-o", default=default, show_default=True, type=kind, help="Folder for the files.")


@click.group("fetch")
def command() -> None:
    """Download towers or benchmark data from those who share them.

    An interrupted download resumes when the same command is run again. Exit status 0: all files are there;
    1: some are not; 2: wrong usage.
    """


@command.command("fluxnet")
@click.argument("sites", metavar="SITE...", nargs=-1, required=True)
@_out_option("fluxnet")
@click.option(
    "--catalogue",
    default=CATALOGUE,
    help="Address or file of a snapshot of the FLUXNET shuttle, as `fluxnet-shuttle listall` writes it; by default the "
    "one that the FLUXNET Data Explorer renews each day.",
)
@_accept_option
def fluxnet_command(sites: tuple[str, ...], out: Path, catalogue: str, accepted: bool) -> None:
    """Download the newest FLUXNET zip of each tower SITE, for example DE-Tha.

    Zips come from the hub of the tower's network, one after the other, and are checked. How to cite each tower goes
    into citations.csv beside them, which `tamrl ingest` reads.
    """
    offer = fluxnet(sites, catalogue)
    outcome = _take(offer, out, accepted)
    citations.add(out, {item.site: offer.citations[item.site] for item in outcome.done})
    _tell(outcome, out, f"tamrl ingest {out} --workspace my-towers")


@command.command("carbonfluxbench")
@_out_option("carbonfluxbench")
@_accept_option
def carbonfluxbench_command(out: Path, accepted: bool) -> None:
    """Download CarbonFluxBench, about 5.5 GB, from Hugging Face."""
    from tamrl.towers.fetch_carbonfluxbench import carbonfluxbench  # huggingface_hub: half of what the help costs

    _tell(_take(carbonfluxbench(), out, accepted), out, "")


def _take(offer: Offer, out: Path, accepted: bool) -> Outcome:
    """Show an offer, have its licence accepted, and download it."""
    click.echo(printable(_terms(offer), keep="\n") + "\n")
    if not accepted:
        _ask()
    with _Bars() as bars:
        return take(offer, out, on_bytes=bars)


def _terms(offer: Offer) -> str:
    lines = [offer.title, *(f"  {item.words}" for item in offer.items), *offer.notes]
    lines += ["", f"Licence: {offer.licence}.", "", "To be cited:"]
    return "\n".join([*lines, *(f"  {citation.line()}" for citation in offer.citations.values())])


def _ask() -> None:
    """Ask whether the licence is accepted.

    Raises:
        TamrlError: it is not, or nobody is there to answer.
    """
    try:
        if click.confirm("Do you accept this licence?", default=False):
            return
    except click.Abort as error:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        click.echo()
        raise TamrlError(
            "There was no answer, nothing was downloaded", "", f"Add {_ACCEPT} to accept the licence"
        ) from error
    raise TamrlError("The licence was not accepted, nothing was downloaded")


def _tell(outcome: Outcome, out: Path, onwards: str) -> None:
    """Say what became of an offer; exit with 1 where a file is missing."""
    for failure in outcome.failures:
        click.echo(printable(failure), err=True)
    count = len(outcome.done)
    click.echo(printable(f"{count} of {count + len(outcome.failures)} files are in {out}."))
    if count and onwards:
        click.echo(printable(f"Next: {onwards}"))
    if outcome.failures:
        raise SystemExit(1)


class _Bars(ExitStack):
    """A bar for each file in turn, on a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.item: Item | None = None

    def __call__(self, item: Item, have: int, whole: int | None) -> None:
        """Move the bar of a file, begun where there is none."""
        if item is not self.item:
            self.close()
            self.item = item
            hidden = not sys.stderr.isatty()
            bar = click.progressbar(length=1000, label=printable(item.name), file=sys.stderr, hidden=hidden)
            self.bar = self.enter_context(bar)
        if whole:
            self.bar.update(have * 1000 // whole - self.bar.pos)
