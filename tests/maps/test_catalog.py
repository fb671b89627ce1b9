"""Maps on offer: bundled, of the workspace, damaged, imported."""

import os
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import map_files
import numpy as np
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps import catalog, imports
from tamrl.towers.workspace import Workspace


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "bundled_maps", lambda: tmp_path / "bundled")
    map_files.write(tmp_path / "bundled" / "first.nc", step=10.0, title="Bundled first")
    made = Workspace.create(tmp_path / "own", simulated=True)
    map_files.write(made.path / "maps" / "first.nc", step=10.0, title="Own first")
    map_files.write(made.path / "maps" / "stored.zarr", step=10.0, title="Stored")
    return made


def test_bundled_maps_come_first_and_names_stay_apart(workspace):
    found = catalog.entries(workspace)
    assert {key: entry.label for key, entry in found.items()} == {
        "first": "Bundled first",
        "first-2": "Own first",
        "stored": "Stored",
    }
    assert all(entry.simulated and entry.kind == "model" for entry in found.values())
    assert list(catalog.entries(None)) == ["first"]


@pytest.mark.parametrize("key", ["first", "stored"])
def test_maps_are_opened_lazily(workspace, key):
    with catalog.open_maps(catalog.entries(workspace)[key]) as maps:
        assert not maps["GPP"].variable._in_memory
        assert maps.sizes == {"time": 12, "lat": 18, "lon": 36, "bnds": 2, "component": 2}


def test_a_replaced_file_is_a_new_version(workspace):
    path = workspace.path / "maps" / "first.nc"
    before = catalog.entries(workspace)["first-2"]
    map_files.write(path, step=10.0, title="Again")
    os.utime(path, ns=(1, before.version + 1))
    assert catalog.entries(workspace)["first-2"].version != before.version


@pytest.mark.parametrize("content", [b"", b"no NetCDF", b"\x89HDF\r\n\x1a\n" + b"\0" * 100])
def test_a_damaged_file_is_listed_and_says_what_is_wrong_when_opened(workspace, content):
    (workspace.path / "maps" / "broken.nc").write_bytes(content)
    entry = catalog.entries(workspace)["broken"]
    assert entry.kind == "damaged"
    assert "damaged" in entry.label
    with pytest.raises(TamrlError, match="cannot be read") as caught:
        catalog.open_maps(entry)
    assert caught.value.where.endswith("broken.nc")
    assert caught.value.todo


def test_a_truncated_map_is_damaged(workspace):
    path = workspace.path / "maps" / "first.nc"
    path.write_bytes(path.read_bytes()[:3000])
    assert catalog.entries(workspace)["first-2"].kind == "damaged"


def test_maps_that_break_the_contract_are_refused(workspace):
    path = workspace.path / "maps" / "units.nc"
    ds = map_files.dataset(10.0)
    ds["GPP"].attrs["units"] = "kg m-2 s-1"
    ds.to_netcdf(path, encoding={"time": {"units": "days since 2001-01-01"}})
    with pytest.raises(TamrlError, match="kg m-2 s-1"):
        catalog.open_maps(catalog.entries(workspace)["units"])


def test_an_imported_product_is_kept_with_its_values_and_its_provenance(workspace, tmp_path):
    source = map_files.write(tmp_path / "x.nc", step=10.0, title="My product (v1)", kind="product", years=2)
    shares = []
    entry = imports.import_product([source], workspace, progress=shares.append)
    assert entry.path == workspace.path / "maps" / "my-product-v1.zarr"
    assert entry.label == "My product (v1)"
    assert shares[-1] == 1
    with catalog.open_maps(entry) as maps, xr.open_dataset(source) as before:
        for name in ("GPP", "RECO", "NEE", "land_fraction"):
            np.testing.assert_allclose(maps[name], before[name], rtol=1e-6)
        np.testing.assert_array_equal(maps["time"], before["time"])
        np.testing.assert_array_equal(maps["time_bnds"], before["time_bnds"])
        assert maps.attrs["simulated"] == 1
    assert workspace.provenance()[-1]["maps"] == "my-product-v1.zarr"
    again = imports.import_product([source], workspace)
    assert again.path.name == "my-product-v1-2.zarr"


def test_two_equal_imports_at_once_do_not_replace_one_another(workspace, tmp_path, monkeypatch):
    source = map_files.write(tmp_path / "x.nc", step=10.0, title="Twice", kind="product", years=1)
    both_write, write = threading.Barrier(2, timeout=30), imports._write

    def meet(*args):
        both_write.wait()  # neither is written before both have chosen their name
        write(*args)

    monkeypatch.setattr(imports, "_write", meet)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: imports.import_product([source], tmp_path / "session"), range(2)))
    assert sorted(entry.path.name for entry in found) == ["twice-2.zarr", "twice.zarr"]
    for entry in found:
        with catalog.open_maps(entry) as maps:
            assert maps.sizes["time"] == 12


def test_an_import_into_a_folder_that_cannot_be_written_says_so(workspace, tmp_path):
    source = map_files.write(tmp_path / "x.nc", step=10.0)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(TamrlError, match="Cannot write here"):
        imports.import_product([source], tmp_path / "file")


def test_a_zipped_store_is_imported(workspace, tmp_path):
    store = map_files.write(tmp_path / "store.zarr", step=10.0, title="Zipped")
    packed = tmp_path / "store.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in store.rglob("*"):
            archive.write(file, file.relative_to(tmp_path))
    entry = imports.import_product([packed], tmp_path / "session")
    with catalog.open_maps(entry) as maps:
        assert maps.attrs["title"] == "Zipped"
    assert list(catalog.entries(None, tmp_path / "session")) == ["first", "zipped"]


def test_other_files_are_imported_with_a_mapping(workspace, tmp_path):
    ds = map_files.dataset(10.0, years=1)[["GPP"]].rename(GPP="gpp_estimate").drop_attrs()
    ds["gpp_estimate"].attrs["units"] = "gC m-2 d-1"
    ds.to_netcdf(tmp_path / "other.nc")
    mapping = {"GPP": {"variable": "gpp_estimate", "unit": "gC m-2 d-1"}}
    entry = imports.import_product([tmp_path / "other.nc"], workspace, "cf", mapping)
    with catalog.open_maps(entry) as maps:
        assert list(catalog.entries(workspace))[-1] == entry.path.stem or entry.key in catalog.entries(workspace)
        np.testing.assert_allclose(maps["GPP"], ds["gpp_estimate"], rtol=1e-5)


def test_a_zip_cannot_write_outside_its_folder(workspace, tmp_path):
    packed = tmp_path / "evil.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../outside.nc", b"x")
    with pytest.raises(TamrlError, match="outside its folder"):
        imports.import_product([packed], workspace)
    assert not (tmp_path / "outside.nc").exists()


@pytest.mark.parametrize("name", ["bad.zip", "bad.nc", "missing.nc"])
def test_a_failed_import_leaves_nothing_behind(workspace, tmp_path, name):
    path = tmp_path / name
    if "missing" not in name:
        path.write_bytes(b"not what it should be")
    before = sorted(p.name for p in (workspace.path / "maps").iterdir())
    with pytest.raises(TamrlError) as caught:
        imports.import_product([path], workspace)
    assert caught.value.what
    assert caught.value.todo
    assert sorted(p.name for p in (workspace.path / "maps").iterdir()) == before
    assert workspace.provenance() == []


def test_a_read_only_workspace_is_not_written_to(tmp_path):
    from tamrl.towers.workspace import bundled

    source = map_files.write(tmp_path / "x.nc", step=10.0)
    with pytest.raises(TamrlError, match="read-only"):
        imports.import_product([source], bundled("demo"))
