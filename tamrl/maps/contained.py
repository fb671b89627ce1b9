"""Importing what a visitor names or sends in a process of its own, with bounded memory, time and size.

A small file may unpack to any size, and a damaged one may bring down the library that reads it: neither must reach the
server. Where a system has no such limits (Windows), the sizes that the file declares are still checked.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamrl.errors import TamrlError
from tamrl.maps import catalog
from tamrl.maps.catalog import MapsEntry

_GB = 2**30
_TODO = "Import it on your own computer, or ask whoever runs this server"


@dataclass(frozen=True)
class Bounds:
    """What one import may take.

    Attributes:
        size: most bytes, unpacked and as maps.
        memory: most bytes of memory.
        seconds: longest time.
    """

    size: int
    memory: int = 3 * _GB
    seconds: float = 1800.0


def import_contained(
    files: Sequence[str | Path],
    into: Path,
    kind: str,
    mapping: Mapping[str, Any] | None,
    progress: Callable[[float], None],
    bounds: Bounds,
) -> MapsEntry:
    """Import a product as ``tamrl.maps.catalog.import_product`` does, in a process that is ended if it takes too much.

    Raises:
        TamrlError: what ``import_product`` raises, or the bounds were met.
    """
    asked = {
        "files": [str(file) for file in files],
        "into": str(into),
        "kind": kind,
        "mapping": mapping,
        "size": bounds.size,
        "memory": bounds.memory,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tamrl.maps.contained"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
        text=True,
        encoding="utf-8",
    ) as process:
        late = threading.Timer(bounds.seconds, process.kill)
        late.start()
        try:
            assert process.stdin is not None  # a pipe
            with contextlib.suppress(BrokenPipeError):  # it is gone already: told below
                process.stdin.write(json.dumps(asked, default=str))
                process.stdin.close()
            told = _listen(process, progress)
        except BaseException:
            process.kill()
            raise
        finally:
            overdue = not late.is_alive()
            late.cancel()
    if "path" in told:
        return catalog.entry(Path(told["path"]))
    if "error" in told:
        raise TamrlError(*told["error"])
    what = f"The import took longer than {bounds.seconds / 60:.0f} minutes" if overdue else "The import broke off"
    raise TamrlError(f"{what} and was ended, nothing of it is kept", _names(files), _TODO)


def _environment() -> dict[str, str]:
    """Return the environment of the process: it finds this package, and keeps to one thread."""
    above = str(Path(__file__).resolve().parents[2])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (above, os.environ.get("PYTHONPATH")))),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _names(files: Sequence[str | Path]) -> str:
    return ", ".join(Path(file).name for file in files[:3]) + (" ..." if len(files) > 3 else "")


def _listen(process: subprocess.Popen[str], progress: Callable[[float], None]) -> dict[str, Any]:
    """Return the last word of the process, and pass on how far it is; libraries may print what is not meant for us."""
    last: dict[str, Any] = {}
    assert process.stdout is not None  # a pipe
    for line in process.stdout:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            if "share" in said:
                progress(float(said["share"]))
            else:
                last = said
    return last


def _limit(memory: int, size: int) -> None:
    """Set what the system will not let this process exceed."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, most in (("RLIMIT_DATA", memory), ("RLIMIT_FSIZE", size + 2**20), ("RLIMIT_CORE", 0)):
        limit = getattr(resource, name)
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, hard))
    os.nice(5)


def _main() -> None:
    """Import what standard input asks for; tell it on standard output, a line of JSON each."""
    asked = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def tell(**said: Any) -> None:
        out.write(json.dumps(said) + "\n")
        out.flush()

    _limit(asked["memory"], asked["size"])
    try:
        made = catalog.import_product(
            asked["files"],
            Path(asked["into"]),
            asked["kind"],
            asked["mapping"],
            lambda share: tell(share=share),
            asked["size"],
        )
        tell(path=str(made.path))
    except TamrlError as error:
        tell(error=[error.what, error.where, error.todo])
    except MemoryError:
        what = f"The import takes more than the {asked['memory'] / _GB:.0f} GB of memory that it may use here"
        tell(error=[what, _names(asked["files"]), _TODO])
    except Exception as error:
        what = f"The files cannot be imported: {type(error).__name__}: {error}"
        tell(error=[what, _names(asked["files"]), "Check the files, or give a mapping"])


if __name__ == "__main__":
    _main()
