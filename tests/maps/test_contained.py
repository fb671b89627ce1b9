"""A visitor's import in a process of its own: it makes the same maps, and what bursts ends alone."""

import json
import sys
import zipfile

import map_files
import numpy as np
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps import catalog, imports
from tamrl.maps.contained import import_contained
from tamrl.system import contained
from tamrl.system.contained import Bounds

MB = 2**20


def run(files, into, bounds=None, kind="auto", mapping=None):
    shares = []
    into.mkdir(exist_ok=True)
    entry = import_contained(files, into, kind, mapping, shares.append, bounds or Bounds(100 * MB, seconds=120))
    assert shares[-1] == 1.0
    return entry


def test_the_maps_are_those_of_an_import_without_bounds(tmp_path):
    source = map_files.write(tmp_path / "x.nc", step=10.0, title="Imported one", kind="product", years=1)
    entry = run([source], tmp_path / "own")
    direct = imports.import_product([source], tmp_path / "direct")
    assert (entry.label, entry.key, entry.kind) == ("Imported one", "imported-one", "product")
    xr.testing.assert_identical(catalog.open_maps(entry).load(), catalog.open_maps(direct).load())


def test_an_error_comes_in_its_three_parts_and_leaves_nothing(tmp_path):
    (tmp_path / "x.nc").write_text("no NetCDF")
    with pytest.raises(TamrlError, match="text file") as caught:
        run([tmp_path / "x.nc"], tmp_path / "own")
    assert caught.value.where == "x.nc"
    assert caught.value.todo
    assert not list((tmp_path / "own").glob("*.zarr"))


def declared(path, steps=400_000):
    """A file of some kilobytes that declares a field of hundreds of gigabytes."""
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", steps), ("lat", 180), ("lon", 360)):
            file.createDimension(name, size)
        for name, values, unit in (
            ("lat", np.arange(-89.5, 90), "degrees_north"),
            ("lon", np.arange(-179.5, 180), "degrees_east"),
            ("time", np.arange(steps), "days since 2000-01-01"),
        ):
            file.createVariable(name, "f8", (name,), zlib=True)[:] = values
            file[name].units = unit
        file.createVariable(
            "gpp", "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(1, 180, 360)
        ).units = "gC m-2 d-1"
    return path


def test_a_small_file_that_declares_a_huge_field_is_refused(tmp_path):
    file = declared(tmp_path / "bomb.nc", 4000)
    assert file.stat().st_size < 5 * MB
    with pytest.raises(TamrlError, match=r"would take 1\.0 GB, at most 0\.1 GB"):
        run([file], tmp_path / "own", mapping={"GPP": {"variable": "gpp", "unit": "gC m-2 d-1"}})


def outward(path, secret, how):
    """A NetCDF file whose flux lies in another file."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, values in (("lat", [-45.0, 45.0]), ("lon", [-90.0, 90.0])):
            file[name] = np.array(values)
            file[name].make_scale(name)
        inside = file.create_group("deep") if how == "in a group" else file
        if how == "link":
            file["gpp"] = h5py.ExternalLink(str(secret), "/gpp")
        elif how == "virtual":
            layout = h5py.VirtualLayout((2, 2), "f4")
            layout[:] = h5py.VirtualSource(str(secret), "gpp", (2, 2))
            file.create_virtual_dataset("gpp", layout)
        else:
            made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            made.set_external(str(secret).encode(), 0, 16)
            space = h5py.h5s.create_simple((2, 2))
            h5py.h5d.create(inside.id, b"gpp", h5py.h5t.IEEE_F32LE, space, made)
            inside["itself"] = h5py.SoftLink("/")
    return path


@pytest.mark.parametrize("how", ["raw", "in a group", "link", "virtual"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_takes_its_values_from_another_is_refused(tmp_path, how, packed):
    secret = tmp_path / "secret"
    secret.write_bytes(np.arange(4, dtype="f4").tobytes())
    file = outward(tmp_path / "x.nc", secret, how)
    if packed:
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.write(file, "inner/x.nc")
        file = tmp_path / "x.zip"
    mapping = {"GPP": {"variable": "gpp", "unit": "gC m-2 d-1"}}
    with pytest.raises(TamrlError, match="takes its values from another file"):
        imports.import_product([file], tmp_path / "own", "cf", mapping, most_bytes=MB)
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_counted_while_it_is_read(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", method) as archive, archive.open("x.nc", "w") as file:
        for _ in range(30):
            file.write(bytes(MB))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(TamrlError, match="unpacks to more than 20 MB"):
        imports._unpacked(tmp_path / "bomb.zip", tmp_path / "scratch", 20 * MB)


def test_a_zip_that_lies_about_its_size_is_found_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "lie.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.nc", bytes(30 * MB))
    content = (tmp_path / "lie.zip").read_bytes()
    said, true = (1000).to_bytes(4, "little"), (30 * MB).to_bytes(4, "little")
    (tmp_path / "lie.zip").write_bytes(content.replace(true, said))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(TamrlError, match=r"cannot be unpacked|unpacks to more"):
        imports._unpacked(tmp_path / "lie.zip", tmp_path / "scratch", 20 * MB)
    assert sum(f.stat().st_size for f in (tmp_path / "scratch").rglob("*") if f.is_file()) < 21 * MB


@pytest.mark.parametrize("name", ["../x.nc", "/etc/x.nc", "a/../../x.nc", "a/" * 3000 + "x.nc", "x" * 300])
def test_a_zip_writes_nowhere_else(tmp_path, name):
    (tmp_path / "scratch").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(TamrlError):
        imports._unpacked(tmp_path / "a.zip", tmp_path / "scratch", MB)
    assert not (tmp_path / "x.nc").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the system bounds the memory of a process on Linux alone")
def test_memory_and_time_are_bounded(tmp_path, monkeypatch):
    (tmp_path / "burst.py").write_text(
        "import json, sys, time\nfrom tamrl.system import contained\nasked = json.load(sys.stdin)\n"
        "contained.limit(asked['memory'], asked['size'])\n"
        "try:\n    block = bytearray(2 * asked['memory'])\nexcept MemoryError:\n"
        "    print(json.dumps({'error': ['too much memory', 'x', 'y']}), flush=True)\n    sys.exit()\ntime.sleep(600)\n"
    )
    started = contained.subprocess.Popen

    def other(arguments, **settings):
        return started([sys.executable, str(tmp_path / "burst.py")], **settings)

    monkeypatch.setattr(contained.subprocess, "Popen", other)
    with pytest.raises(TamrlError, match="too much memory"):
        run([tmp_path / "x.nc"], tmp_path / "own", Bounds(MB, memory=1500 * MB, seconds=60))
    (tmp_path / "burst.py").write_text("import time\ntime.sleep(600)\n")
    with pytest.raises(TamrlError, match="took longer than 0 minutes and was stopped"):
        run([tmp_path / "x.nc"], tmp_path / "own", Bounds(MB, seconds=0.5))
    (tmp_path / "burst.py").write_text("import os\nprint('noise')\nprint(5)\nos.kill(os.getpid(), 11)\n")
    with pytest.raises(TamrlError, match="stopped before its end"):
        run([tmp_path / "x.nc"], tmp_path / "own", Bounds(MB, seconds=60))


def test_what_a_library_prints_is_passed_over():
    class Process:
        stdout = ("warning: x\n", "[1]\n", json.dumps({"share": 0.5}) + "\n", json.dumps({"path": "p"}) + "\n")

    shares = []
    assert contained._listen(Process, shares.append) == {"path": "p"}
    assert shares == [0.5]
