"""Order of the tests, and what they share: real data beside the checkout, Chromium, the bundled workspace."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# One profile for every property test that sets none of its own; TAMRL_EXAMPLES=10000 looks far longer.
EXAMPLES = int(os.environ.get("TAMRL_EXAMPLES", "40"))
settings.register_profile("tamrl", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tamrl")

# Tests share the cores by processes (-n); threads that wait by spinning would only take them from each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Where there is a GPU, too, tests compute on the CPU, and nothing measures which of them is faster.
os.environ.setdefault("TAMRL_DEVICE", "cpu")

pytest_plugins = ["model_fixtures"]

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Run files of fast tests first, then the browser and slow files; without Chromium skip it, or fail in CI.

    The browser's tests are the longest piece, so that they are begun before the files with slow tests, which another
    process runs meanwhile.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def turn(item):
        place = 1 if item.get_closest_marker("browser") else 2 if item.path in slow else 0
        return place, bool(item.get_closest_marker("slow"))

    items.sort(key=turn)
    browser = [item for item in items if item.get_closest_marker("browser")]
    if not browser or CHROMIUM:
        return
    if os.environ.get("TAMRL_REQUIRE_BROWSER") == "1":
        raise pytest.UsageError("TAMRL_REQUIRE_BROWSER=1, but there is no Chromium; install it (Debian: chromium)")
    for item in browser:
        item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """``-n auto`` is a process a core and one more: the one with the browser's tests mostly waits for Chromium."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Share the tests by file between several processes (``-n``), so that what a file prepares is prepared once.

    The browser's are two pieces of about the same length: those that look at every page, and the others. More would
    keep each other waiting, since they draw in software; one would be the last to end, by minutes. (xdist's own groups
    do nothing with pytest 9.2: they are written into an attribute that items no longer have.)
    """
    from xdist.scheduler import LoadScopeScheduling

    looks = ("tests/browser/test_looks_in_browser.py", "tests/browser/test_accessibility.py")

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            if file in looks:
                return "browser: looks"
            return "browser" if file.startswith("tests/browser/") else file

    return ByFile(config, log)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data kept outside the project: TAMRL_SHARED_DATA, or ../shared/data beside the checkout."""
    folder = Path(os.environ.get("TAMRL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "fluxnet2015" / "daily.parquet").is_file():
        pytest.skip(f"real tower data are not at {folder} (set TAMRL_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser that Playwright starts; a test that uses it carries the marker ``browser``."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    return CHROMIUM


@pytest.fixture(scope="session")
def small_workspace(tmp_path_factory):
    """A workspace of six SIMULATED towers with a tiny model, and the towers that the model has not seen."""
    from small_workspace import small_workspace

    return small_workspace(tmp_path_factory)


@pytest.fixture(scope="session")
def checkpoint(small_workspace):
    """Folder of the tiny model of ``small_workspace``."""
    return small_workspace[0].path / "models" / "tiny"
