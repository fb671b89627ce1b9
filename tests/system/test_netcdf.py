import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.system import netcdf
from tamrl.system.netcdf import LOCK, open_netcdf, write_netcdf


@pytest.fixture
def field():
    attrs = {f"note_{i}": "x" * i for i in range(40)}
    return xr.Dataset({f"V{i}": (("lat", "lon"), np.full((4, 5), float(i)), attrs) for i in range(10)}, attrs=attrs)


def test_what_is_written_is_read(field, tmp_path):
    write_netcdf(field, tmp_path / "x.nc")
    with open_netcdf(tmp_path / "x.nc") as read:
        xr.testing.assert_identical(read.load(), field)
    with open_netcdf((tmp_path / "x.nc").read_bytes()) as read:
        xr.testing.assert_identical(read.load(), field)


def test_the_lock_is_one_wherever_it_is_unpickled():
    assert pickle.loads(pickle.dumps(LOCK)) is LOCK  # noqa: S301
    with LOCK, LOCK, ThreadPoolExecutor(1) as pool:  # re-entrant: reading inside of writing
        assert pool.submit(LOCK.acquire, False).result() is False


def test_opening_holds_the_lock(field, tmp_path, monkeypatch):
    write_netcdf(field, tmp_path / "x.nc")
    free = []

    def opened(*args, **options):
        with ThreadPoolExecutor(1) as pool:
            free.append(pool.submit(LOCK.acquire, False).result())
        assert options["lock"] is LOCK
        return field

    monkeypatch.setattr(netcdf.xr, "open_dataset", opened)
    open_netcdf(tmp_path / "x.nc")
    assert free == [False]


def test_many_threads_open_read_and_write_at_once(field, tmp_path):
    # In a process of its own: without the lock it ends in a segmentation fault.
    write_netcdf(field, tmp_path / "x.nc")
    code = f"""
from concurrent.futures import ThreadPoolExecutor
from tamrl.system.netcdf import open_netcdf, write_netcdf
def work(i):
    for _ in range(15):
        with open_netcdf({str(tmp_path / "x.nc")!r}) as ds:
            if i % 4 == 0:
                write_netcdf(ds, {str(tmp_path)!r} + f"/out-{{i}}.nc")
            assert float(ds["V7"].mean()) == 7
    return i
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(work, range(16))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.strip()) == (0, "120"), done.stderr[-2000:]


def test_nothing_opens_netcdf_without_the_lock(pytestconfig):
    package = pytestconfig.rootpath / "tamrl"
    for file in package.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.name != "netcdf.py":
            for own in (".to_netcdf(", 'engine="netcdf4"'):
                assert own not in text, f"{file}: use tamrl.system.netcdf"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "a.nc"
    write_netcdf(xr.Dataset({"a": ("x", [1.0])}), target)
    before = target.read_bytes()

    def broken(self, path, **options):
        Path(path).write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", broken)
    with pytest.raises(TamrlError, match="cannot be written: No space left"):
        write_netcdf(xr.Dataset({"a": ("x", [2.0])}), target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]
