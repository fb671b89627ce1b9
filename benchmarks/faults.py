"""A full disk, a read-only folder, damaged chunks, weights that are no numbers, two writers: each must meet a message.

What is said must be one message in words, and what was there before must be there unchanged.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.killing import difference, digest, start, tamrl
from benchmarks.trials import adapt_arguments, train_arguments, upscale_arguments

#: Bytes that a full disk still has: enough to begin, too little to end.
_ROOM = 24_000
_DISK = "64m"


@dataclass
class Outcome:
    """What came of one fault.

    Attributes:
        fault: what was wrong.
        where: what was run.
        said: the message, or why it was not tried.
        untouched: whether what was there before is there unchanged, in words.
        wrong: whether this is not as it must be.
    """

    fault: str
    where: str
    said: str
    untouched: str
    wrong: bool


def run(base: Path, scratch: Path, space: Path) -> list[Outcome]:
    """Try every fault on what ``benchmarks.trials.prepare`` made.

    Args:
        base: what it made.
        scratch: where to work.
        space: a workspace with some towers, of which each fault gets a copy.
    """
    shutil.copytree(space, base / "space")
    cases = {
        "ingest": lambda there: ("ingest", base / "second", "--workspace", there / "space"),
        "train": lambda there: train_arguments(base, there / "model"),
        "upscale": lambda there: (*upscale_arguments(base, there / "m.zarr"), "threads"),
        "adapt": lambda there: adapt_arguments(base, there / "a.nc"),
        "import of maps": lambda there: _importing(base, there),
    }
    found = []
    for fault, disk in (("disk full", _full), ("read-only folder", _read_only)):
        for where, command in cases.items():
            found.append(_tried(fault, where, command, disk, base, scratch))
    found.append(_tried("damaged chunk", "adapt", lambda there: _with_damage(base, there), _plain, base, scratch))
    found.append(_tried("damaged chunk", "ingest", lambda there: _into_damage(base, there), _plain, base, scratch))
    found.append(
        _tried("damaged maps", "import of maps", lambda there: _damaged_product(base, there), _plain, base, scratch)
    )
    for where in ("adapt", "upscale"):
        found.append(_tried("NaN in the weights", where, _with_nan(base, where), _plain, base, scratch))
    for where in ("ingest", "train", "upscale", "import of maps"):
        found.append(_tried("two writers", where, cases[where], _locked(where), base, scratch))
    return found


def _tried(fault: str, where: str, command: Callable, disk: Callable, base: Path, scratch: Path) -> Outcome:
    there, log = scratch / "fault", scratch / "fault.log"
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir()
    log.write_text("")
    if disk in (_full, _read_only) and os.geteuid() != 0:
        return Outcome(fault, where, "not tried: this needs root", "-", False)
    try:
        with disk(there, base):
            arguments = command(there)
            before = digest(there)
            ended = start(arguments if callable(arguments) else tamrl(*arguments), log)
            ended.wait()
            differs = difference(_kept(digest(there), before), before)
    except subprocess.CalledProcessError as error:
        return Outcome(fault, where, f"not tried: {error}", "-", False)
    lines = [line for line in ended.said().splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if line.startswith("Error")), lines[-1] if lines else "nothing")
    wrong = ended.code not in (1, 2) or "Traceback" in ended.said() or bool(differs)
    sys.stdout.write(f"{fault}, {where}: exit {ended.code}, {differs or 'unchanged'}\n{ended.said()[-600:]}\n")
    short = said.replace(str(there), "W").replace(str(base), "B").replace("|", "/")[:160]
    return Outcome(fault, where, f"{short} (exit {ended.code})", differs or "yes", wrong)


def _kept(now: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    """Leave out what a run that can be gone on with keeps in a place of its own."""
    own = ("model/state/", "m.zarr.partial/")
    return {name: value for name, value in now.items() if name in before or not name.startswith(own)}


def _copy(there: Path, base: Path) -> None:
    shutil.copytree(base / "space", there / "space")


@contextmanager
def _mounted(there: Path, base: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", there], check=True)
    try:
        _copy(there, base)
        yield
    finally:
        subprocess.run(["umount", "-l", there], check=False)


@contextmanager
def _full(there: Path, base: Path) -> Iterator[None]:
    with _mounted(there, base):
        free = shutil.disk_usage(there).free
        with (there / "filler").open("wb") as file:
            file.write(b"x" * max(0, free - _ROOM))
        yield


@contextmanager
def _read_only(there: Path, base: Path) -> Iterator[None]:
    with _mounted(there, base):
        subprocess.run(["mount", "-o", "remount,ro", there], check=True)
        yield


@contextmanager
def _plain(there: Path, base: Path) -> Iterator[None]:
    _copy(there, base)
    yield


def _locked(where: str) -> Callable:
    """Return a place that another process writes."""
    names = {
        "ingest": "space/archive.zarr",
        "train": "model",
        "upscale": "m.zarr",
        "import of maps": "space/maps/names",
    }

    @contextmanager
    def held(there: Path, base: Path) -> Iterator[None]:
        from tamrl.system.storage import locked

        _copy(there, base)
        with locked(there / names[where]) if where in names else nullcontext():
            yield

    return held


def _importing(base: Path, there: Path, product: Path | None = None) -> Callable[[], int]:
    def work() -> int:
        from tamrl.errors import TamrlError
        from tamrl.maps import imports
        from tamrl.towers.workspace import Workspace

        try:
            imports.import_product([product or base / "product.nc"], Workspace.open(there / "space"))
        except TamrlError as error:
            sys.stderr.write(f"Error: {error}\n")
            return 1
        return 0

    return work


def _spoilt(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for at in range(16, len(content) - len(content) // 20):  # the block of the first tower lies first
        content[at] ^= 0x5A
    file.write_bytes(content)


def _chunks(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file() and path.name != "zarr.json"]


def _with_damage(base: Path, there: Path) -> tuple:
    shutil.copytree(base / "workspace", there / "towers")
    for variable in ("TA", "GPP", "NEE"):
        for chunk in _chunks(there / "towers" / "archive.zarr" / variable):
            _spoilt(chunk)
    return adapt_arguments(base, there / "a.nc", there / "towers")


def _into_damage(base: Path, there: Path) -> tuple:
    for chunk in _chunks(there / "space" / "archive.zarr" / "GPP"):
        _spoilt(chunk)
    single = there / "one"
    single.mkdir()
    first = sorted((base / "second").iterdir())[0]
    shutil.copy(first, single / first.name.replace("XX-T00", "XX-New"))
    return ("ingest", single, "--workspace", there / "space")


def _damaged_product(base: Path, there: Path) -> Callable[[], int]:
    shutil.copy(base / "product.nc", there / "product.nc")
    _spoilt(there / "product.nc")
    return _importing(base, there, there / "product.nc")


def _with_nan(base: Path, where: str) -> Callable[[Path], tuple]:
    def command(there: Path) -> tuple:
        import torch
        from safetensors.torch import load_file, save_file

        model = there / "model-nan"
        shutil.copytree(base / "workspace" / "models" / "demo", model)
        for file in model.glob("member-*.safetensors"):
            tensors = load_file(file)
            name = next(n for n in tensors if n.startswith("model.") and tensors[n].ndim == 2)
            tensors[name][0, 0] = torch.nan
            save_file(tensors, file)
        if where == "adapt":
            return adapt_arguments(base, there / "a.nc", model=model)
        return (*upscale_arguments(base, there / "m.zarr", model), "threads")

    return command
