"""The rooms of the package: a folder imports only from those below it, and heavy libraries stay where they belong."""

import pytest

from benchmarks import house

#: From the ground floor up; names on one line do not import each other. Reads like the README's picture.
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
    ("teaching",),
    ("figures",),
    ("app", "cli", "api"),
    ("__main__",),
)
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


def test_a_room_imports_only_from_those_below():
    assert list(house.upwards(FLOORS)) == []


def test_no_module_imports_itself_by_a_detour():
    assert house.circles() == []


def test_every_room_has_a_floor():
    there = {p.stem if p.suffix == ".py" else p.name for p in house.PACKAGE.iterdir() if not p.name.startswith("__pyc")}
    assert there - {"__init__"} == {name for names in FLOORS for name in names}
    assert len(house.flat()) <= 10


def test_modules_and_functions_are_short():
    lines, long = house.lengths()
    assert lines[-1] <= house.MODULE
    assert long == []


@pytest.mark.parametrize("library", ONLY)
def test_heavy_libraries_stay_in_their_rooms(library):
    files = [house.ROOT / "app.py", *(house.ROOT / "pages").glob("*.py"), *house.sources()]
    users = {
        path.relative_to(house.ROOT).as_posix()
        for path in files
        for found in house.imports(path)
        if found.module.split(".")[0] == library and not found.typing
    }
    if library == "streamlit":
        assert users
    assert all(user.startswith(ONLY[library]) for user in users), users


def test_an_import_upwards_and_a_circle_would_be_seen(tmp_path, monkeypatch):
    package = tmp_path / "tamrl"
    for name, text in {
        "low/a.py": "def f():\n    from tamrl.high import b\n",
        "high/b.py": "from tamrl.low import a\n",
        "high/c.py": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
        (package / name).with_name("__init__.py").touch()
    monkeypatch.setattr(house, "ROOT", tmp_path)
    monkeypatch.setattr(house, "PACKAGE", package)
    house.modules.cache_clear()
    try:
        (found,) = house.upwards((("low",), ("high",)))
        assert found.endswith("a.py:2: low imports tamrl.high.b, which is not below it")
        assert house.circles() == [["tamrl.high.b", "tamrl.low.a"]]
    finally:
        house.modules.cache_clear()
