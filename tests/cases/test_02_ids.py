"""A tower's id comes from a token of the base name or from a column of the file, never from a folder."""

import pytest
from tower_files import ingest, name, values, write_dd, write_zip

from tamrl.towers.archive import load_archive


def sites(tmp_path) -> list[str]:
    return load_archive(tmp_path / "w" / "archive.zarr").site.values.tolist()


def test_the_folder_inside_a_zip_is_no_tower(tmp_path):
    folder = "FLUXNET-towers-main/data"
    members = {
        f"{folder}/{name(site)}": values(days=days).to_csv(index=False)
        for site, days in (("DE-Aaa", 400), ("FI-Bbb", 380))
    }
    code, text = ingest(write_zip(tmp_path / "FLUXNET-towers-main.zip", members), "-w", tmp_path / "w")
    assert code == 0, text
    assert sites(tmp_path) == ["DE-Aaa", "FI-Bbb"]


def test_letters_before_the_id_are_no_tower(tmp_path):
    path = write_dd(tmp_path / "US-Abc" / "ICOS-ETC_SE-Ccc_FLUXNET_DD_L2.csv")
    code, text = ingest(path, "-w", tmp_path / "w")
    assert code == 0, text
    assert sites(tmp_path) == ["SE-Ccc"]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("DE-Tha/daily.csv", "no tower id"),
        ("flx_de-tha_dd.csv", "case-sensitive"),
        ("FLX_DE-Tha_DE-Hai_DD.csv", "two tower ids"),
    ],
)
def test_without_one_id_nothing_is_ingested(tmp_path, file, why):
    code, text = ingest(write_dd(tmp_path / "in" / file), "-w", tmp_path / "w")
    assert code == 1
    assert why in text
    assert "Nothing was ingested" in text


def test_a_column_may_name_the_tower_and_must_agree_with_the_name(tmp_path):
    table = values(days=60).assign(SITE_ID="DE-Tha")
    assert ingest(write_dd(tmp_path / "my daily file.csv", table), "-w", tmp_path / "w")[0] == 0
    assert sites(tmp_path) == ["DE-Tha"]
    code, text = ingest(write_dd(tmp_path / name("DE-Hai"), table), "-w", tmp_path / "w")
    assert code == 1
    assert "The file name says DE-Hai, its column SITE_ID says DE-Tha" in text
    table.loc[30:, "SITE_ID"] = "DE-Hai"
    code, text = ingest(write_dd(tmp_path / name("DE-Hai"), table), "-w", tmp_path / "w")
    assert code == 1
    assert "holds 2 towers" in text
