"""Files of half-hours and hours as published: FLUXNET, REddyProc, AmeriFlux BASE; EddyPro is refused."""

import numpy as np
import pandas as pd
import pytest
from step_files import EDDYPRO, base, fluxnet_steps, reddyproc, write_base, write_steps
from tower_files import ingest, name, values, write_dd, write_zip

from tamrl.errors import TamrlError
from tamrl.towers.archive import load_archive, record
from tamrl.towers.readers.layouts import vapour_deficit
from tamrl.towers.readers.one_tower import read_csv
from tamrl.towers.readers.zips import read_zip
from tamrl.towers.releases import one_each

FACTOR = 12.011e-6 * 86_400
HH = name("AT-Aaa", "FLUXNET2015_FULLSET", "HH")


def days_of(table: pd.DataFrame) -> pd.DataFrame:
    """Means of the days, by hand."""
    return table.groupby(table["TIMESTAMP_START"].str[:8]).mean(numeric_only=True)


@pytest.mark.parametrize(
    ("file", "minutes"),
    [
        (HH, 30),
        (HH + ".gz", 30),
        (name("AT-Aaa", "FLUXNET2015_SUBSET", "HR"), 60),
        ("AMF_AT-Aaa_FLUXNET_FLUXMET_HH_2010-2012_v1.2_r1.csv", 30),
        ("ICOSETC_AT-Aaa_FLUXNET_HH_L2.csv", 30),
        ("AT-Aaa.csv", 60),
    ],
)
def test_published_steps_become_days(tmp_path, file, minutes):
    source = fluxnet_steps(3, minutes)
    tower = read_csv(write_steps(tmp_path / file, source))
    mean = days_of(source)
    assert (tower.site, tower.variant, len(tower.table)) == ("AT-Aaa", "VUT_REF", 3)
    for column, variable in (("GPP_NT", "GPP"), ("RECO_NT", "RECO"), ("NEE", "NEE"), ("GPP_DT", "GPP_DT")):
        np.testing.assert_allclose(tower.table[variable], mean[f"{column}_VUT_REF"] * FACTOR, rtol=1e-6)
    for column, variable in (("TA_F", "TA"), ("SW_IN_F", "SW_IN"), ("VPD_F", "VPD"), ("PA_F", "PA")):
        np.testing.assert_allclose(tower.table[variable], mean[column], rtol=1e-6)
    np.testing.assert_allclose(tower.table["P"], 0.05 * 24 * 60 / minutes, rtol=1e-6)
    assert (tower.table["NEE_QC"] == 1).all()
    assert tower.table[["CO2", "SWC"]].isna().all().all()
    assert (tower.table.dtypes == np.float32).all()
    assert any("3 days are made from" in note for note in tower.notes)


def test_the_last_hour_of_a_year_and_a_day_that_is_not_whole(tmp_path):
    source = fluxnet_steps(3, start="2009-12-30").iloc[:-10]
    tower = read_csv(write_steps(tmp_path / HH, source))
    assert tower.table.index.strftime("%Y%m%d").tolist() == ["20091230", "20091231", "20100101"]
    assert tower.table["NEE"].isna().tolist() == [False, False, True]
    assert any("fewer than 44 of 48 steps" in note for note in tower.notes)


def test_a_share_in_place_of_flags_and_a_cut_file_are_told(tmp_path):
    tower = read_csv(write_steps(tmp_path / HH, fluxnet_steps().assign(NEE_VUT_REF_QC=0.9)))
    assert "not 0 to 3" in tower.faults[0]
    assert "NEE_QC" not in tower.table
    path = write_steps(tmp_path / HH, fluxnet_steps())
    path.write_text(path.read_text()[:-40])
    with pytest.raises(TamrlError, match="cut off in its last line"):
        read_csv(path)
    path.write_text(",".join(fluxnet_steps().columns) + "\n")
    with pytest.raises(TamrlError, match="no row"):
        read_csv(path)


@pytest.mark.parametrize("how", [{"sep": "\t"}, {"sep": ","}])
@pytest.mark.parametrize("scenario", ["_uStar", "_U50", ""])
def test_reddyproc_is_read_by_its_scenario(tmp_path, scenario, how):
    file = "DE-Tha_reddyproc.csv"
    tower = read_csv(write_steps(tmp_path / file, reddyproc(scenario=scenario), **how))
    mean = days_of(fluxnet_steps())
    np.testing.assert_allclose(tower.table["GPP"], mean["GPP_NT_VUT_REF"] * FACTOR, rtol=1e-6)
    np.testing.assert_allclose(tower.table["NEE"], tower.table["RECO"] - tower.table["GPP"], atol=1e-5)
    np.testing.assert_allclose(tower.table["SW_IN"], mean["SW_IN_F"], rtol=1e-6)
    assert (tower.table["NEE_QC"] == 1).all()
    assert (scenario == "_uStar") == (not any("REddyProc with" in note for note in tower.notes))


def test_of_several_scenarios_the_best_that_is_whole_counts(tmp_path):
    table = reddyproc(scenario="_U50").join(reddyproc(scenario="_U05")[["NEE_U05_f", "Reco_U05", "GPP_U05_f"]] * 2)
    table = table.assign(NEE_uStar_f=table["NEE_U50_f"])  # without GPP and Reco
    tower = read_csv(write_steps(tmp_path / "DE-Tha.csv", table))
    assert tower.variant == "U50"
    np.testing.assert_allclose(tower.table["RECO"], 3 * FACTOR, rtol=1e-6)


def test_the_row_of_units_is_read_and_another_unit_refused(tmp_path):
    table = reddyproc()
    lines = table.to_csv(index=False, sep="\t").splitlines()
    for unit, works in (("umol m-2 s-1", True), ("\N{MICRO SIGN}molm-2s-1", True), ("gC m-2 d-1", False)):
        units = "\t".join("--" if column == "DateTime" else unit for column in table)
        path = tmp_path / "DE-Tha-Results_DE-Tha.txt"
        path.write_text("\n".join([lines[0], units, *lines[1:]]) + "\n")
        if works:
            tower = read_csv(path)
            assert len(tower.table) == 3
            np.testing.assert_allclose(tower.table["RECO"], 3 * FACTOR, rtol=1e-6)
        else:
            with pytest.raises(TamrlError, match="NEE is in 'gC m-2 d-1'"):
                read_csv(path)


def test_years_of_reddyproc_are_joined_and_text_files_found_in_a_folder(tmp_path):
    table = reddyproc(400)
    for year in ("2010", "2011"):
        rows = table[table["DateTime"].str.startswith(year)]
        write_steps(tmp_path / "in" / f"DE-Tha_{year}.txt", rows, sep="\t")
    (tmp_path / "in" / "README.txt").write_text("words")
    code, text = ingest(tmp_path / "in", "-w", tmp_path / "w")
    assert code == 0, text
    assert record(load_archive(tmp_path / "w" / "archive.zarr"), "DE-Tha").sizes["time"] == 400


def test_base_gives_nee_alone_as_its_team_has_it(tmp_path):
    tower = read_csv(write_base(tmp_path / "AMF_US-Ccc_BASE_HH_2-5.csv", base()))
    mean = days_of(fluxnet_steps())
    np.testing.assert_allclose(tower.table["NEE"], mean["NEE_VUT_REF"] * FACTOR, rtol=1e-6)
    assert not {"GPP", "RECO"} & set(tower.table)
    assert any("NEE is NEE_PI, not filtered" in note for note in tower.notes)
    assert (tower.table["NEE_QC"] == 1).all()
    assert {"TA", "TA_MIN", "SW_IN", "P", "PA", "WS", "VPD"} <= set(tower.table)
    assert vapour_deficit(pd.Series([20.0]), pd.Series([50.0])).item() == pytest.approx(11.69, abs=0.05)


def test_base_with_fc_alone_with_storage_and_filled_by_the_team(tmp_path):
    path, table = tmp_path / "AMF_US-Ccc_BASE_HH_2-5.csv", base().drop(columns="NEE_PI")
    alone = read_csv(write_base(path, table))
    assert any("FC, the flux at the sensor without storage" in note for note in alone.notes)
    whole = read_csv(write_base(path, table.assign(SC=0.1)))
    assert any("NEE is FC + SC" in note for note in whole.notes)
    np.testing.assert_allclose(whole.table["NEE"] - alone.table["NEE"], 0.1 * FACTOR, rtol=1e-4)
    gappy = base()
    gappy.loc[::4, ["NEE_PI", "FC"]] = -9999
    filled = read_csv(write_base(path, gappy.assign(NEE_PI_F=base()["NEE_PI"])))
    np.testing.assert_allclose(filled.table["NEE_QC"], 0.75)
    with pytest.raises(TamrlError, match="No day has NEE on at least 90 % of its half-hours"):
        read_csv(write_base(path, gappy))
    with pytest.raises(TamrlError, match="no value of NEE or FC"):
        read_csv(write_base(path, base().assign(FC=-9999, NEE_PI=-9999)))


def test_eddypro_is_refused_with_the_reason(tmp_path):
    for text in (EDDYPRO, EDDYPRO.split("\n", 1)[1]):
        path = tmp_path / "eddypro_AT-Aaa_full_output_2019_exp.csv"
        path.write_text(text)
        with pytest.raises(TamrlError, match="output of EddyPro: fluxes that are not filtered"):
            read_csv(path)


def test_fluxes_under_other_names_are_named(tmp_path):
    table = fluxnet_steps()[["TIMESTAMP_START", "TIMESTAMP_END", "TA_F"]].assign(NEE_mine=1.0)
    with pytest.raises(TamrlError, match=r"in no column that is read \(NEE_mine\)"):
        read_csv(write_steps(tmp_path / HH, table))


def test_the_daily_file_of_a_tower_wins_in_a_folder(tmp_path):
    write_steps(tmp_path / "in" / HH, fluxnet_steps(5))
    write_base(tmp_path / "in" / "AMF_AT-Aaa_BASE_HH_2-5.csv", base())
    write_dd(tmp_path / "in" / name("AT-Aaa", "FLUXNET2015_FULLSET"))
    code, text = ingest(tmp_path / "in", "-w", tmp_path / "w")
    assert code == 0, text
    assert text.count("_DD_2010-2010_1-4.csv, which is read instead") == 2
    assert record(load_archive(tmp_path / "w" / "archive.zarr"), "AT-Aaa").sizes["time"] == 40


def test_half_hours_of_a_later_release_add_their_days_to_the_daily_file(tmp_path):
    write_steps(
        tmp_path / "in" / "FLX_AT-Aaa_FLUXNET_FULLSET_HH_2010-2012_3-5.csv", fluxnet_steps(5, start="2012-03-01")
    )
    write_dd(tmp_path / "in" / name("AT-Aaa", "FLUXNET2015_FULLSET"))
    code, text = ingest(tmp_path / "in", "-w", tmp_path / "w")
    assert code == 0, text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "AT-Aaa")
    assert int(tower["GPP"].notnull().sum()) == 45


def test_the_daily_file_wins_in_a_zip_and_half_hours_alone_are_read(tmp_path):
    steps, day = fluxnet_steps(5).to_csv(index=False), values().to_csv(index=False)
    both = read_zip(
        write_zip(tmp_path / "both.zip", {HH: steps, name("AT-Aaa"): day, name("DE-Bbb", step="HR"): steps})
    )
    assert {tower.site: len(tower.table) for tower in both.towers} == {"AT-Aaa": 40, "DE-Bbb": 5}
    alone = read_zip(write_zip(tmp_path / "AMF_US-Ccc_BASE-BADM_2-5.zip", {"AMF_US-Ccc_BASE_HH_2-5.csv": _base_text()}))
    assert [tower.site for tower in alone.towers] == ["US-Ccc"]
    assert alone.faults == []


def test_of_equal_releases_days_of_the_provider_count(tmp_path):
    steps = read_csv(write_steps(tmp_path / HH, fluxnet_steps(60)))
    day = read_csv(write_dd(tmp_path / name("AT-Aaa", "FLUXNET2015_FULLSET")))
    chosen, failures = one_each([day, steps])
    assert failures == []
    assert chosen["AT-Aaa"].steps == 0
    assert len(chosen["AT-Aaa"].table) == 60  # half-hours add the days after the daily file


def _base_text() -> str:
    return "# Site: US-Ccc\n# Version: 2-5\n" + base().to_csv(index=False)


def test_steps_in_utc_are_told_where_the_position_is_known(tmp_path):
    from tamrl.towers.hours import hourly_potential

    table = fluxnet_steps(60, start="2010-06-01")
    middles = pd.to_datetime(table["TIMESTAMP_START"], format="%Y%m%d%H%M") + pd.Timedelta(minutes=15)
    sun = hourly_potential(35.0, 139.0, pd.DatetimeIndex(middles), 9)
    clouds = np.random.default_rng(0).uniform(0.3, 0.8, len(sun))
    sites = tmp_path / "sites.csv"
    early = [(0, "", ""), (9, "", "9 hours early"), (1, "", ""), (1, "UTC+9", "1 hours early"), (0, "9", "")]
    for number, (hours, offset, told) in enumerate(early):
        sites.write_text(f"site,lat,lon,utc_offset,igbp,koeppen\nAT-Aaa,35,139,{offset},DBF,Cfa\n")
        moved = table.assign(SW_IN_F=np.roll(sun * clouds, -2 * hours))
        code, text = ingest(write_steps(tmp_path / HH, moved), "--sites", sites, "-w", tmp_path / f"w{number}")
        assert code == 0, text
        said = " ".join(text.split())
        assert (f"SW_IN runs {told}" in said) if told else ("SW_IN runs" not in said)


def test_the_genuine_excerpt_of_half_hours_is_ingested(shared_data, tmp_path):
    path = next((shared_data / "raw" / "formats").glob("FLX_CH-Cha_*_HH_*.csv"))
    code, text = ingest(path, "--sites", shared_data / "fluxnet2015" / "sites.csv", "-w", tmp_path / "w")
    assert code == 0, text
    tower = record(load_archive(tmp_path / "w" / "archive.zarr"), "CH-Cha")
    rows = pd.read_csv(path, dtype={"TIMESTAMP_START": str}, na_values=[-9999])
    mean = days_of(rows)
    assert tower["time"].dt.strftime("%Y%m%d").values.tolist() == ["20050101", "20050102"]
    np.testing.assert_allclose(tower["NEE"], mean["NEE_VUT_REF"].iloc[:2] * FACTOR, rtol=1e-5)
    np.testing.assert_allclose(tower["SW_IN"], mean["SW_IN_F"].iloc[:2], rtol=1e-5)
    np.testing.assert_allclose(
        tower["P"], rows.groupby(rows["TIMESTAMP_START"].str[:8])["P_F"].sum().iloc[:2], rtol=1e-5
    )
    assert (tower["NEE_QC"] == 0).all()  # filled throughout: the tower began in July


def test_the_genuine_excerpt_of_base_has_too_many_gaps(shared_data):
    path = next((shared_data / "raw" / "formats").glob("AMF_US-CRT_BASE_*.csv"))
    with pytest.raises(TamrlError, match="No day has NEE on at least 90 % of its half-hours"):
        read_csv(path)
