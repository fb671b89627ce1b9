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
