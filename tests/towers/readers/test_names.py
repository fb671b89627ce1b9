import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.towers.readers.names import COUNTRIES, SITE_ID, classify, find_id, release

_SITE = st.builds("{}-{}".format, st.sampled_from(sorted(COUNTRIES)), st.from_regex(r"[A-Za-z0-9]{3}", fullmatch=True))


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("ICOS-ETC_SE-Ccc_FLUXNET_DD_L2.csv", "SE-Ccc"),
        ("FLUXNET-towers-main/data/FLX_DE-Aaa_FLUXNET2015_SUBSET_DD_2019-2020_1-4.csv", "DE-Aaa"),
        ("US-Ha1/AMF_US-xBA_FLUXNET_SUBSET_DD_2019-2021_3-5.csv", "US-xBA"),
        ("C:\\data\\DE-Tha\\FLX_FI-Hyy_FLUXNET2015_FULLSET_DD_2000-2014_1-4.csv", "FI-Hyy"),
        ("DE-Tha.csv", "DE-Tha"),
        ("DE-Tha (1).csv", "DE-Tha"),
        ("daily.US-1a2.2019.csv.gz", "US-1a2"),
        ("FLX_XX-Non_FLUXNET2015_SUBSET_DD_2010-2010_1-4.csv", "XX-Non"),
        ("FLX_US-Ne1_FLUXNET2015_QC-001_DD.csv", "US-Ne1"),
        ("JPF_JP-Tef_FLUXNET_FLUXMET_DD_2001-2023_v1.3_r1.csv", "JP-Tef"),
    ],
)
def test_an_id_is_a_token_of_the_base_name(name, site):
    assert find_id(name) == (site, "")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("FLUXNET-towers-main.csv", "no tower id"),
        ("DE-Tha/daily.csv", "no tower id"),
        ("my_tower_QC-001.csv", "no tower id"),
        ("DE-Tha-daily.csv", "no tower id"),
        ("flx_de-tha_fluxnet2015_dd.csv", "case-sensitive"),
        ("FLX_DE-Tha_and_DE-Hai_DD.csv", "two tower ids, DE-Tha and DE-Hai"),
    ],
)
def test_a_name_without_an_id_or_with_two_says_so(name, why):
    site, words = find_id(name)
    assert site == ""
    assert why in words


@given(
    _SITE,
    st.sampled_from(["FLX", "AMF", "ICOSETC", "ICOS-ETC", "JPF", "EUROFLUX"]),
    st.sampled_from(["FLUXNET2015_FULLSET", "FLUXNET_SUBSET", "FLUXNET_FLUXMET", "FLUXNET", "JapanFLUX2024_ALLVARS"]),
    st.sampled_from(["2000-2014_1-4", "1999-2020_beta-3", "1991-2023_v1.3_r1", "L2", "2000-2014_1-4 (1)"]),
    st.lists(st.one_of(_SITE, st.sampled_from(["FLUXNET-towers-main", "a", ".."])), max_size=3),
    st.sampled_from([".csv", ".csv.gz", ".CSV", ".zip", ""]),
)
def test_a_published_name_in_any_folder_gives_its_id(site, network, product, version, folders, suffix):
    name = "/".join([*folders, f"{network}_{site}_{product}_DD_{version}{suffix}"])
    assert find_id(name) == (site, "")
    assert classify(name).site == site


@given(st.text(max_size=60), st.lists(_SITE, max_size=2))
def test_whatever_the_name_an_id_has_the_form_of_one(text, sites):
    site, why = find_id("_".join([text, *sites]))
    assert bool(site) != bool(why)
    assert not site or SITE_ID.fullmatch(site)


@given(_SITE, st.text("abcxyzABC019-", min_size=1, max_size=8))
def test_letters_beside_an_id_make_another_token(site, more):
    assert find_id(f"FLX_{site}{more}_DD.csv")[0] == ""
    assert find_id(f"FLX_{more}{site}_DD.csv")[0] == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ICOSETC_FR-Xyz_VARINFO_FLUXNET_DD_L2.csv", "varinfo"),
        ("ICOSETC_FR-Xyz_SITEINFO_L2.csv", "bif"),
        ("ICOSETC_FR-Xyz_ANCILLARY_L2.csv", "auxiliary"),
        ("ICOSETC_FR-Xyz_METEOSENS_L2.csv", "auxiliary"),
        ("ICOSETC_FR-Xyz_FLUXNET_DD_L2.csv", "daily"),
        ("FLX_JP-Xxx_JapanFLUX2024_ALLVARS_DD_2019-2020_1-3.csv", "daily"),
        ("FLX_JP-Xxx_JapanFLUX2024_COREVARS_DD_2019-2020_1-3.csv", "auxiliary"),
        ("FLX_JP-Xxx_JapanFLUX2024_ERA5_DD_1990-2024_1-3.csv", "reanalysis"),
        ("FLX_CH-Yyy_FLUXDATAKIT_FULLSET_DD_2019_2020_2-3.csv", "daily"),
        ("FLX_CH-Yyy_PLUMBER_FULLSET_DD_2019_2020_2-3.csv", "daily"),
        ("!TOC.csv", "auxiliary"),
    ],
)
def test_the_files_of_other_networks_are_known(name, kind):
    assert classify(name).kind == kind


def test_releases_are_in_their_order():
    names = [
        "FLX_US-Ha1_FLUXNET2015_FULLSET_DD_1991-2012_1-3.csv",
        "FLX_US-Ha1_FLUXNET2015_FULLSET_DD_1991-2012_1-4.csv",
        "FLX_US-Ha1_FLUXNET2015_FULLSET_DD_1991-2012_2-4.csv",
        "FLX_US-Ha1_FLUXNET2015_FULLSET_DD_1991-2018_beta-3.csv",
        "FLX_US-Ha1_FLUXNET2015_FULLSET_DD_1991-2020_beta-3.csv",
        "AMF_US-Ha1_FLUXNET_FULLSET_DD_1991-2020_3-5.csv",
        "AMF_US-Ha1_FLUXNET_FULLSET_DD_1991-2020_4-6.csv",
        "AMF_US-Ha1_FLUXNET_FLUXMET_DD_1991-2023_v1.2_r1.csv",
        "AMF_US-Ha1_FLUXNET_FLUXMET_DD_1991-2023_v1.3_r1.csv",
    ]
    found = [release(name) for name in names]
    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert {one.processing for one in found} == {"ONEFlux"}
    assert release("US-Ha1.csv").processing == ""
