"""How towers ask to be cited: tables of DOIs beside tower files."""

import pandas as pd
import pytest
import tower_files
import xarray as xr

from tamrl.towers import citations
from tamrl.towers.citations import Citation
from tamrl.towers.ingest import ingest
from tamrl.towers.workspace import Workspace


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("site,doi,policy\nAU-Lox,10.18140/FLX/1440247,CC-BY-4.0\n", Citation("", "10.18140/FLX/1440247", "CC-BY-4.0")),
        ("\ufeffSITE_ID,DOI\nAU-Lox,https://doi.org/10.18140/FLX/1440247.\n", Citation("", "10.18140/FLX/1440247")),
        (
            'Site,Citation\nAU-Lox,"Ewenz, C. (2009), Loxton, doi:10.18140/FLX/1440247"\n',
            Citation("Ewenz, C. (2009), Loxton, doi:10.18140/FLX/1440247", "10.18140/FLX/1440247"),
        ),
        ("site,reference,doi\nAU-Lox,Ewenz 2009,\n", Citation("Ewenz 2009")),
        ("site,doi\nAU-Lox,-9999\n", None),
        ("site,doi\n,10.18140/FLX/1440247\n", None),
        ("site,lat,lon\nAU-Lox,1,2\n", None),
        ("date,doi\nAU-Lox,10.18140/FLX/1440247\n", None),
        ("", None),
        ("site,doi\nAU-Lox\n", None),
    ],
)
def test_tables_of_citations(tmp_path, text, found):
    assert citations.read(write(tmp_path / "table.csv", text)).get("AU-Lox") == found


def test_a_source_line_names_each_thing_once():
    assert Citation("", "10.1/x", "CC-BY-4.0").line() == "doi:10.1/x, CC-BY-4.0"
    assert Citation("A. Nother 2009, doi:10.1234/x", "10.1234/x").line() == "A. Nother 2009, doi:10.1234/x"


def test_ingest_keeps_them_beside_the_archive_and_adds_to_them(tmp_path):
    source = tmp_path / "source"
    for site in ("AU-Lox", "DE-Hai"):
        tower_files.write_dd(source / tower_files.name(site))
    write(source / "citations.csv", "site,doi,policy\nAU-Lox,10.18140/FLX/1440247,CC-BY-4.0\nUS-Not,10.1234/none,\n")
    workspace = Workspace.create(tmp_path / "w")
    assert len(ingest([source], workspace).summary) == 2
    assert citations.load(workspace.path) == {"AU-Lox": Citation("", "10.18140/FLX/1440247", "CC-BY-4.0")}
    plain = Workspace.create(tmp_path / "plain")
    (source / "citations.csv").rename(tmp_path / "elsewhere.csv")
    ingest([source], plain)
    assert citations.load(plain.path) == {}
    # The archive itself is the same with and without.
    xr.testing.assert_identical(*(w.archive().load().drop_attrs(deep=False) for w in (workspace, plain)))
    write(source / "citations.csv", "site,citation\nDE-Hai,Knohl 2003\n")
    ingest([source / tower_files.name("DE-Hai")], workspace)
    assert set(citations.load(workspace.path)) == {"AU-Lox", "DE-Hai"}
    assert not list(workspace.path.glob(".citations*"))


def test_the_source_line_of_a_tower_names_file_and_citation(tmp_path):
    from tamrl.app.shared import cache

    source = tmp_path / "source"
    tower_files.write_dd(source / tower_files.name("AU-Lox"))
    write(source / "citations.csv", "site,doi,policy\nAU-Lox,10.18140/FLX/1440247,CC-BY-4.0\n")
    workspace = Workspace.create(tmp_path / "w")
    ingest([source], workspace)
    line = cache.tower_source(workspace, "AU-Lox")
    assert line.startswith("AU-Lox, FLX_AU-Lox_")
    assert line.endswith("Cite as: doi:10.18140/FLX/1440247, CC-BY-4.0")


def test_those_of_fluxnet2015_are_read(shared_data):
    found = citations.read(shared_data / "fluxnet2015" / "citations.csv")
    sites = pd.read_csv(shared_data / "fluxnet2015" / "sites.csv")["site"]
    assert set(sites) <= set(found)
    assert found["AU-Lox"] == Citation("", "10.18140/FLX/1440247", "CC-BY-4.0")


def test_a_work_is_written_as_text_and_as_bibtex():
    work = citations.Work(
        key="Doe2020",
        kind="article",
        fields={
            "author": "Doe, J. and Roe, R. and others",
            "year": "2020",
            "title": "Carbon & water_fluxes: 50 % of {all}",
            "journal": "Journal",
            "volume": "7",
            "number": "2",
            "pages": "1--9",
            "doi": "10.1234/a_b%c",
        },
        licence="CC-BY-4.0",
    )
    assert work.text() == (
        "Doe, J., Roe, R., et al. (2020): Carbon & water_fluxes: 50 % of {all}. Journal 7(2), 1\N{EN DASH}9. "
        "doi:10.1234/a_b%c. Licence: CC-BY-4.0"
    )
    lines = work.bibtex().splitlines()
    assert lines[0] == "@article{Doe2020,"
    assert r"  title = {{Carbon \& water\_fluxes: 50 \% of \{all\}}}," in lines
    assert "  author = {Doe, J. and Roe, R. and others}," in lines
    assert "  doi = {10.1234/a_b%c}," in lines
    assert lines[-2:] == ["  copyright = {CC-BY-4.0},", "}"]


def test_the_data_of_a_tower_are_cited_in_the_words_of_their_provider():
    given = Citation("Ewenz, C. (2009), Loxton, doi:10.18140/FLX/1440247", "10.18140/FLX/1440247", "CC-BY-4.0")
    work = given.work("AU-Lox", "Loxton")
    assert work.text() == (
        "Eddy covariance data of the tower AU-Lox (Loxton): Ewenz, C. (2009), Loxton, doi:10.18140/FLX/1440247. "
        "Licence: CC-BY-4.0"
    )
    assert "publisher = {FLUXNET2015}" in work.bibtex()
    assert "note = {Ewenz, C. (2009), Loxton, doi:10.18140/FLX/1440247}" in work.bibtex()
    assert Citation("", "10.17190/AMF/1").work("US-Abc").text() == (
        "Eddy covariance data of the tower US-Abc. doi:10.17190/AMF/1"
    )
