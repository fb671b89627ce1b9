"""The rooms of the package: a folder imports only from those below it, and heavy libraries stay where they belong."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: From the ground floor up; names on one line may not import each other. Reads like the README's picture.
FLOORS = (
    ("errors",),
    ("schema", "timestep", "metrics"),
    ("system",),
    ("config", "wording", "landcover", "solar", "bundled"),
    ("globe",),
    ("towers",),
    ("simulation", "protocol"),
    ("model",),
    ("predict",),
    ("training",),
    ("baselines",),
    ("maps",),
    ("upscale",),
    ("evaluation",),
    ("figures",),
    ("app", "cli", "api"),
    ("__main__",),
)
FLOOR = {name: index for index, names in enumerate(FLOORS) for name in names}
SOURCES = sorted((ROOT / "tamrl").rglob("*.py"))
#: Library -> where it may be imported.
ONLY = {
    "streamlit": ("app.py", "pages/", "tamrl/app/"),
    "torch": (
        "tamrl/model/",
        "tamrl/predict/",
        "tamrl/training/",
        "tamrl/baselines/",
        "tamrl/upscale/",
        "tamrl/evaluation/",
        "tamrl/system/device.py",
        "tamrl/maps/cell.py",
    ),
}


def room(path: Path) -> str:
    return path.relative_to(ROOT / "tamrl").with_suffix("").parts[0]


def imports(path: Path) -> list[tuple[int, str, bool]]:
    """Line, module and whether it is imported for type checking alone, of every import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = [
        (node.lineno, node.end_lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"tamrl.{a.name}" for a in node.names] if node.module == "tamrl" else [node.module]
        typing = any(first <= node.lineno <= last for first, last in guarded) if names else False
        found += [(node.lineno, name, typing) for name in names]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_room_imports_only_from_those_below(path):
    here = room(path)
    if here == "__init__":
        return
    for line, module, _ in imports(path):
        parts = module.split(".")
        if parts[0] != "tamrl" or len(parts) < 2 or parts[1] == here or parts[1] == "__version__":
            continue
        assert FLOOR[parts[1]] < FLOOR[here], f"{path}:{line}: {here} imports {module}, which is not below it"


def test_every_room_has_a_floor():
    there = {
        p.stem if p.suffix == ".py" else p.name for p in (ROOT / "tamrl").iterdir() if not p.name.startswith("__pyc")
    }
    assert there - {"__init__"} == set(FLOOR)
    assert sum(p.suffix == ".py" for p in (ROOT / "tamrl").iterdir()) - 2 <= 10, "too many flat modules"


@pytest.mark.parametrize("library", ONLY)
def test_heavy_libraries_stay_in_their_rooms(library):
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *SOURCES]
    users = {
        p.relative_to(ROOT).as_posix()
        for p in files
        for _, name, typing in imports(p)
        if name.split(".")[0] == library and not typing
    }
    assert users
    assert all(user.startswith(ONLY[library]) for user in users), sorted(
        u for u in users if not u.startswith(ONLY[library])
    )
