import numpy as np
import pandas as pd
import pytest
from tower_files import tower

from tamrl.towers.archive import Tower, build
from tamrl.towers.readers.names import release
from tamrl.towers.releases import lost_days, one_each

OLD, NEW = "FLX_AT-Aaa_FLUXNET2015_SUBSET_DD_2005-2010_1-4.csv", "AMF_AT-Aaa_FLUXNET_FULLSET_DD_2009-2020_3-5.csv"


def made(name: str, start: str, days: int, level: float, variant: str = "VUT_REF", site: str = "AT-Aaa") -> Tower:
    out = tower(site, days, start, level)
    out.source, out.variant, out.release = name, variant, release(name)
    return out


def test_two_releases_are_joined_and_the_newer_one_wins_where_they_overlap():
    for order in (1, -1):
        pair = [made(OLD, "2005-01-01", 2000, 1.0), made(NEW, "2009-01-01", 1000, 2.0)][::order]
        towers, failures = one_each(pair)
        assert failures == []
        ta = towers["AT-Aaa"].table["TA"]
        assert (ta[:"2008-12-31"] == 1.0).all()
        assert (ta["2009-01-01":] == 2.0).all()
        assert len(ta) == ta.index.nunique() == (pd.Timestamp("2011-09-27") - pd.Timestamp("2005-01-01")).days + 1
        assert "joined from" in towers["AT-Aaa"].notes[0]
        assert "1461 days with fluxes (2005-01-01 to 2008-12-31)" in towers["AT-Aaa"].notes[0]


def test_releases_without_a_common_year_are_joined_with_the_gap_between():
    towers, failures = one_each([made(OLD, "2005-01-01", 365, 1.0), made(NEW, "2019-01-01", 365, 2.0)])
    assert failures == []
    assert len(towers["AT-Aaa"].table) == 730
    assert OLD in towers["AT-Aaa"].source
    assert NEW in towers["AT-Aaa"].source


def test_a_gap_inside_the_newer_release_is_not_filled_from_the_older():
    newer = made(NEW, "2009-01-01", 100, 2.0)
    newer.table.loc["2009-02-01":"2009-02-10", ["GPP", "RECO", "NEE"]] = np.nan
    towers, _ = one_each([made(OLD, "2008-12-01", 200, 1.0), newer])
    assert towers["AT-Aaa"].table.loc["2009-02-01":"2009-02-10", "GPP"].isna().all()


def test_days_before_the_fluxes_of_the_newer_release_come_whole_from_the_older():
    newer = made(NEW, "2009-01-01", 100, 2.0)
    newer.table.loc[:"2009-01-31", ["GPP", "RECO", "NEE"]] = np.nan
    towers, _ = one_each([made(OLD, "2009-01-11", 200, 1.0), newer])
    table = towers["AT-Aaa"].table
    assert (table.loc["2009-01-11":"2009-01-31", "TA"] == 1.0).all()  # fluxes and drivers of one source
    assert (table.loc["2009-01-01":"2009-01-10", "TA"] == 2.0).all()
    assert build([towers["AT-Aaa"]]).sizes["time"] == len(table)


@pytest.mark.parametrize(
    ("name", "variant", "why"),
    [
        (NEW, "CUT_REF", "the fluxes of one are CUT_REF, those of the other VUT_REF"),
        ("FLX_AT-Aaa_JapanFLUX2024_ALLVARS_DD_2019-2020_1-3.csv", "VUT_REF", "processed as JapanFlux2024"),
        ("AT-Aaa.csv", "VUT_REF", "not known whether"),
    ],
)
def test_what_is_of_another_kind_is_refused_with_what_would_be_lost(name, variant, why):
    towers, failures = one_each([made(OLD, "2005-01-01", 365, 1.0), made(name, "2019-01-01", 365, 2.0, variant)])
    assert towers == {}
    assert len(failures) == 1
    assert why in failures[0]
    assert "365 days with fluxes" in failures[0]


def test_a_copy_or_a_part_adds_nothing_and_is_noted():
    towers, failures = one_each([made(OLD, "2005-01-01", 60, 1.0), made(OLD, "2005-01-01", 30, 1.0)])
    assert failures == []
    assert len(towers["AT-Aaa"].table) == 60
    assert "also in" in towers["AT-Aaa"].notes[0]
    table, file = made("daily.parquet", "2005-01-01", 400, 1.0, ""), made(OLD, "2005-02-01", 100, 1.0)
    towers, failures = one_each([file, table])  # of unknown order: the one that holds all days
    assert failures == []
    assert towers["AT-Aaa"].source == "daily.parquet"


def test_variables_that_are_not_taken_are_named():
    longer, shorter = made(OLD, "2005-01-01", 60, 1.0), made(OLD, "2005-01-01", 30, 1.0)
    shorter.table["SWC"] = 20.0
    towers, _ = one_each([longer, shorter])
    assert "SWC of the other are not taken" in towers["AT-Aaa"].notes[0]


def test_ids_that_differ_in_case_alone_are_refused():
    pair = [made(OLD, "2005-01-01", 60, 1.0), made(OLD, "2005-01-01", 60, 1.0, site="AT-AAA")]
    towers, failures = one_each([*pair, made(OLD, "2005-01-01", 60, 1.0, site="DE-Bbb")])
    assert list(towers) == ["DE-Bbb"]
    assert "differ only in upper and lower case" in failures[0]


def test_days_that_a_replaced_record_loses_are_named():
    old = build([made(OLD, "2005-01-01", 365, 1.0)]).isel(site=0)
    assert "365 days with fluxes" in lost_days(old, made(NEW, "2019-01-01", 365, 2.0))
    assert lost_days(old, made(NEW, "2004-01-01", 1000, 2.0)) == ""
