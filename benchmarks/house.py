"""Measure how the code is laid out, and hold it against what was set out for: ``python -m benchmarks.house``.

The floors of the rooms are those of tests/test_rooms.py. mypy is run where it is installed.
"""

import ast
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tamrl"
#: Functions and modules may have so many lines.
FUNCTION, MODULE = 50, 350


@dataclass(frozen=True)
class Import:
    """One import of a file.

    Attributes:
        line: in the file.
        module: dotted, with the name that is imported where that is a module.
        inside: in a function.
        typing: for type checking alone.
    """

    line: int
    module: str
    inside: bool
    typing: bool


def sources() -> list[Path]:
    """Return the files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def flat() -> list[Path]:
    """Return the modules that lie in no folder of the package."""
    return [path for path in PACKAGE.iterdir() if path.suffix == ".py" and path.stem[:2] != "__"]


def dotted(path: Path) -> str:
    """Return the name of the module that a file is."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(module: str) -> str:
    """Return the folder of ``tamrl``, or the module in it, that a dotted name lies in; empty for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


@lru_cache(maxsize=1)
def modules() -> frozenset[str]:
    """Return the dotted names of all modules."""
    return frozenset(map(dotted, sources()))


@cache
def tree(path: Path) -> ast.Module:
    """Return a file as a syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """Return every import of a file."""
    whole, found = tree(path), []
    functions = [n for n in ast.walk(whole) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    guards = [n for n in ast.walk(whole) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    typing = {id(node) for guard in guards for node in ast.walk(guard)}
    for node in ast.walk(whole):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules() else node.module for name in full]
        found += [Import(node.lineno, name, id(node) in inside, id(node) in typing) for name in dict.fromkeys(names)]
    return tuple(found)


def circles() -> list[list[str]]:
    """Return the modules that import each other, at whatever moment, group by group.

    Whoever imports a module runs the packages that it lies in, too, but for those that the importing one lies in.
    """
    reached = {
        name: {at for i in imports(path) for at in (i.module, *_around(i.module)) if at not in (name, *_around(name))}
        & modules()
        for path, name in _named()
    }
    for name in reached:  # each pass reaches further, until nothing is new
        todo = list(reached[name])
        while todo:
            new = reached[todo.pop()] - reached[name]
            reached[name] |= new
            todo += new
    groups = {frozenset(b for b in reached[a] if a in reached[b]) | {a} for a in reached if a in reached[a]}
    return sorted(sorted(group) for group in groups)


def _around(module: str) -> list[str]:
    """Return the packages that a module lies in."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def upwards(floors: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    """Yield imports between rooms that do not go down, in words."""
    floor = {name: index for index, names in enumerate(floors) for name in names}
    for path, name in _named():
        here = room(name)
        for found in imports(path):
            there = room(found.module) if found.module.startswith("tamrl.") else here
            if here and there not in ("", here) and floor[there] >= floor[here]:
                yield f"{path.relative_to(ROOT)}:{found.line}: {here} imports {found.module}, which is not below it"


def lengths() -> tuple[list[int], list[tuple[int, str]]]:
    """Return the lines of each module, and the lines and names of the functions that are too long."""
    functions = [
        (node.end_lineno - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.name}")
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in sources()), sorted(
        (found for found in functions if found[0] > FUNCTION), reverse=True
    )


def _named() -> Iterator[tuple[Path, str]]:
    return ((path, dotted(path)) for path in sources())


def _type_errors() -> str:
    """Return how many errors mypy finds, or why that is not known."""
    if not shutil.which("mypy", path=str(Path(sys.executable).parent)):
        return "mypy is not installed"
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or ["nothing"])[-1]
    return "0" if last.startswith("Success") else last


def main() -> None:
    """Print the table."""
    sys.path.insert(0, str(ROOT / "tests"))
    from test_rooms import FLOORS

    lines, long = lengths()
    every = [found for path in sources() for found in imports(path)]
    lazy = {
        f"{path}:{i.line}" for path in sources() for i in imports(path) if i.inside and i.module.startswith("tamrl")
    }
    inner = {where for where in lazy if not where.startswith((str(PACKAGE / "cli"), str(PACKAGE / "api.py")))}
    texts = [path.read_text(encoding="utf-8") for path in (*sources(), *(ROOT / "tests").rglob("*.py"))]
    tests = sum(text.count("\ndef test_") for text in texts)
    spread = f"{statistics.median(lines):.0f} / {lines[int(0.9 * len(lines))]} / {lines[-1]}"
    rows = [
        (
            "flat modules in tamrl/",
            sum(p.suffix == ".py" and p.stem[:2] != "__" for p in PACKAGE.iterdir()),
            "10 or fewer",
        ),
        ("circles", len(circles()), "0"),
        ("imports upwards", len(list(upwards(FLOORS))), "0"),
        ("`# fmt: skip`", sum(text.count("# fmt" + ": skip") for text in texts), "0"),
        ("mypy errors", _type_errors(), "0"),
        ("imports of tamrl inside functions", f"{len(lazy)}, {len(inner)} without cli and api", "25 or fewer"),
        ("module lines, median / p90 / max", spread, "140 / 260 / 350"),
        ("functions above 50 lines", len(long), "0"),
        ("test functions", tests, "none lost"),
    ]
    print(f"{len(lines)} modules, {len(every)} imports")
    for name, now, wanted in rows:
        print(f"{name:36} {now!s:34} wanted {wanted}")
    for count, name in long:
        print(f"  {count} {name}")


if __name__ == "__main__":
    main()
