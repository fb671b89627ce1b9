"""Dates of tables in any form: the right days, or a refusal that names the form; never half."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tower_files import ingest, tower

from tamrl.towers.archive import load_archive, record

LENGTHS = {"DE-Aaa": 400, "FI-Bbb": 380}


def table() -> pd.DataFrame:
    frames = []
    for site, days in LENGTHS.items():
        frame = tower(site, days, "2019-01-01").table.rename(columns={"GPP": "GPP_NT", "RECO": "RECO_NT"})
        frames.append(frame.rename_axis("date").reset_index().assign(site=site))
    return pd.concat(frames, ignore_index=True)


FORMS = {
    "float": lambda day: day.dt.strftime("%Y%m%d").astype(float),
    "int with a gap": lambda day: day.dt.strftime("%Y%m%d").astype("Int64").where(day.index != 5),
    "day first": lambda day: day.dt.strftime("%d/%m/%Y"),
    "dotted": lambda day: day.dt.strftime("%d.%m.%Y"),
    "UTC": lambda day: day.dt.tz_localize("UTC"),
    "local zone": lambda day: day.dt.tz_localize("Europe/Berlin"),
    "dates": lambda day: day.dt.date,
    "noon": lambda day: day + pd.Timedelta(hours=12),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_right_days(tmp_path, form):
    rows = table()
    rows.assign(date=FORMS[form](rows["date"])).to_parquet(tmp_path / "daily.parquet", index=False)
    code, text = ingest(tmp_path / "daily.parquet", "-w", tmp_path / "w")
    assert code == 0, text
    archive = load_archive(tmp_path / "w" / "archive.zarr")
    for site, days in LENGTHS.items():
        found = record(archive, site)
        assert found.sizes["time"] == days
        assert str(found.time.values[0])[:10] == "2019-01-01"
        assert int(found["GPP"].isnull().sum()) == (form == "int with a gap" and site == "DE-Aaa")


REFUSED = {
    "float32": (lambda day: day.dt.strftime("%Y%m%d").astype("float32"), "32-bit"),
    "local midnight in UTC": (
        lambda day: day.dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC"),
        "days begin in another time zone",
    ),
    "two digits": (lambda day: day.dt.strftime("%d/%m/%y"), "first value is '01/01/19'"),
    "serial": (lambda day: (day - pd.Timestamp("1899-12-30")).dt.days, "day numbers of a spreadsheet"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_or_a_refusal_that_names_the_form(tmp_path, form):
    make, words = REFUSED[form]
    rows = table()
    rows.assign(date=make(rows["date"])).to_parquet(tmp_path / "daily.parquet", index=False)
    code, text = ingest(tmp_path / "daily.parquet", "-w", tmp_path / "w")
    assert code == 1
    assert words in text
    assert "Nothing was ingested" in text
    assert not (tmp_path / "w" / "archive.zarr").exists()


def test_a_folder_of_parts_and_a_file_without_the_metadata_of_pandas(tmp_path):
    rows = table()
    (tmp_path / "a" / "daily.parquet").mkdir(parents=True)
    for i, part in enumerate(np.array_split(np.arange(len(rows)), 4)):
        rows.iloc[part].to_parquet(tmp_path / "a" / "daily.parquet" / f"part.{i}.parquet", index=False)
    (tmp_path / "b").mkdir()
    numbers = rows.assign(date=FORMS["int with a gap"](rows["date"]))
    plain = pa.Table.from_pandas(numbers, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(plain, tmp_path / "b" / "daily.parquet")
    for folder in ("a", "b"):
        code, text = ingest(tmp_path / folder, "-w", tmp_path / f"w{folder}")
        assert code == 0, text
        archive = load_archive(tmp_path / f"w{folder}" / "archive.zarr")
        assert [record(archive, site).sizes["time"] for site in LENGTHS] == [400, 380]


def test_a_tower_that_loses_more_than_a_twentieth_of_its_rows_fails(tmp_path):
    rows = table()
    text_dates = rows["date"].dt.strftime("%Y-%m-%d")
    text_dates[:30] = "unknown"
    rows.assign(date=text_dates).to_parquet(tmp_path / "daily.parquet", index=False)
    code, text = ingest(tmp_path / "daily.parquet", "-w", tmp_path / "w")
    assert code == 1
    assert "DE-Aaa (30 of 400)" in text
    assert list(load_archive(tmp_path / "w" / "archive.zarr").site.values) == ["FI-Bbb"]
