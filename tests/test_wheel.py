"""The wheel is whole: installed beside its requirements, in an empty folder, it predicts maps and starts the app."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv

import pytest
import xarray as xr
from small_workspace import ROOT

pytestmark = pytest.mark.slow


def run(*line, cwd):
    """Run a command without what the checkout would give it, and return it; it must succeed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "TAMRL"))}
    done = subprocess.run([str(part) for part in line], cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder of the programs of an environment with the wheel and what it requires, and an empty folder beside it."""
    base = tmp_path_factory.mktemp("wheel")
    source = base / "source"
    # Built from what is committed to be built: a clean copy, since a build leaves files beside its sources.
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() and (name == "docs/glossary.md" or not name.startswith(("docs/", "tests/"))):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", base / "dist", source, cwd=base)
    (wheel,) = (base / "dist").glob("*.whl")
    venv.create(base / "env", symlinks=os.name == "posix")
    python = base / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(*pip, "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=base)
    # The requirements come from the environment of the tests, which does not hold the package itself.
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=base).stdout.strip()
    with open(os.path.join(purelib, "requirements.pth"), "w", encoding="utf-8") as file:
        file.write(sysconfig.get_path("purelib"))
    (base / "empty").mkdir()
    return python.parent, base / "empty"


def test_the_package_is_the_installed_one_and_finds_what_it_carries(installed):
    programs, empty = installed
    code = (
        "import tamrl, tamrl.bundled as b; from tamrl.towers.workspace import bundled; "
        "print(tamrl.__file__, sorted(b.bundled_models()), bundled().archive().sizes['site'], b.outlines().is_file())"
    )
    said = run(programs / "python", "-c", code, cwd=empty).stdout
    assert str(programs.parent) in said
    assert "fluxnet2015-climate" in said
    assert said.strip().endswith("163 True")


def test_the_wheel_upscales_with_what_it_carries(installed):
    programs, empty = installed
    line = "upscale --checkpoint fluxnet2015-climate --drivers earth --bbox 5,45,15,50 --out maps.zarr"
    run(programs / "tamrl", *line.split(), cwd=empty)
    with xr.open_zarr(empty / "maps.zarr") as maps:
        assert maps.sizes["time"] == 12
        assert {"GPP", "RECO", "NEE"} <= set(maps)
        assert bool(maps["GPP"].notnull().any())


def test_the_wheel_starts_the_app_from_anywhere(installed):
    programs, empty = installed
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [str(programs / "tamrl"), "app", "--server.port", str(port), "--server.headless", "true"]
    with open(empty / "log", "w") as log, subprocess.Popen(line, cwd=empty, stdout=log, stderr=log) as server:
        try:
            for address in ("_stcore/health", "app/static/blank.json"):
                assert answer(f"http://127.0.0.1:{port}/{address}", server).status == 200
        finally:
            server.terminate()
    code = (
        "from streamlit.testing.v1 import AppTest; from tamrl.bundled import root; "
        "at = AppTest.from_file(str(root() / 'app.py'), default_timeout=90).run(); "
        "print([t.value for t in at.title], len(at.exception))"
    )
    said = run(programs / "python", "-c", code, cwd=empty).stdout
    assert said.strip().endswith("['TAM-RL Explorer'] 0")


def answer(address, server):
    """Wait until a server answers an address."""
    for _ in range(600):
        try:
            return urllib.request.urlopen(address)
        except OSError:
            assert server.poll() is None, "the server has ended"
            time.sleep(0.2)
    raise AssertionError(f"no answer from {address}")
