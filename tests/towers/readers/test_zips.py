import gzip
import io
import zipfile

import pytest
from tower_files import bif, ingest, name, values, write_zip

from tamrl.errors import TamrlError
from tamrl.towers.readers import limits, zips

DAILY = values(days=60).to_csv(index=False)


def packed(members: dict[str, str | bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return raw.getvalue()


def test_zips_in_a_zip_are_read_with_their_tables(tmp_path):
    inner = packed({"ICOSETC_BE-Eee_FLUXNET_DD_L2.csv": DAILY, "ICOSETC_BE-Eee_SITEINFO_L2.csv": bif("BE-Eee")})
    other = packed({"more/ICOSETC_FR-Xyz_FLUXNET_DD_L2.csv": DAILY})
    path = write_zip(
        tmp_path / "all.zip", {"a/BE-Eee.zip": inner, "b.zip": packed({"c.zip": other}), "!TOC.csv": "a,b\n"}
    )
    found = zips.read_zip(path)
    assert sorted(tower.site for tower in found.towers) == ["BE-Eee", "FR-Xyz"]
    assert found.sites["BE-Eee"].igbp == "GRA"
    assert found.faults == []


def test_too_many_zips_in_each_other_are_refused(tmp_path):
    content = DAILY.encode()
    member = name("AT-Aaa")
    for _ in range(4):
        content, member = packed({member: content}), "inner.zip"
    path = tmp_path / "outer.zip"
    path.write_bytes(content)
    found = zips.read_zip(path)
    assert found.towers == []
    assert "More than 3 zips are nested" in found.faults[0]


def test_an_inner_zip_that_is_too_large_is_refused_while_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_INNER", 1000)
    path = write_zip(tmp_path / "all.zip", {"AT-Aaa.zip": packed({name("AT-Aaa"): DAILY}), name("DE-Bbb"): DAILY})
    found = zips.read_zip(path)
    assert [tower.site for tower in found.towers] == ["DE-Bbb"]
    assert "holds more than" in found.faults[0]


def test_a_daily_file_that_is_too_large_unpacked_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_TEXT", 5000)
    found = zips.read_zip(write_zip(tmp_path / "all.zip", {name("AT-Aaa"): DAILY}))
    assert "holds more than" in found.faults[0]


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_MEMBERS", 3)
    with pytest.raises(TamrlError, match="holds 4 files"):
        zips.read_zip(write_zip(tmp_path / "all.zip", dict.fromkeys("abcd", "")))


def test_a_tower_whose_inner_zip_has_no_daily_file_is_a_fault_unless_another_has_it(tmp_path):
    months = packed({name("US-Ccc", step="MM"): "TIMESTAMP,NEE_VUT_REF\n201001,1\n"})
    members = {"FLX_US-Ccc_FLUXNET2015_SUBSET_2010-2010_1-4.zip": months, name("AT-Aaa"): DAILY}
    found = zips.read_zip(write_zip(tmp_path / "all.zip", members))
    assert "no daily (DD), half-hourly (HH) or hourly (HR) file, only MM" in found.faults[0]
    found = zips.read_zip(write_zip(tmp_path / "more.zip", {**members, name("US-Ccc"): DAILY}))
    assert found.faults == []


def test_a_zip_that_a_user_made(tmp_path):
    members = {
        "towers/DE-Tha.csv": DAILY,
        "towers/FI-Hyy.csv.gz": gzip.compress(DAILY.encode()),
        "towers/my sites.csv": "Site ID,Latitude,IGBP\nDE-Tha,50.9,ENF\n",
    }
    found = zips.read_zip(write_zip(tmp_path / "DE-Hai.zip", members))
    assert sorted(tower.site for tower in found.towers) == ["DE-Tha", "FI-Hyy"]
    assert found.sites["DE-Tha"].lat == 50.9


def test_a_zip_with_a_password_says_so(tmp_path):
    path = write_zip(tmp_path / "all.zip", {name("AT-Aaa"): DAILY})
    raw = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + offset] |= 1
    path.write_bytes(raw)
    code, text = ingest(path, "-w", tmp_path / "w")
    assert code == 1
    assert "password" in text
    assert "Traceback" not in text
