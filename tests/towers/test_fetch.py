"""The catalogue of FLUXNET towers, and downloads from it."""

import base64
import csv
import hashlib
import io
import zipfile

import pytest
from file_server import file_server

from tamrl.errors import TamrlError
from tamrl.system.patience import Patience
from tamrl.towers import citations, fetch
from tamrl.towers.fetch import fluxnet, icos_id, take

HASTY = Patience(connect_s=2, stall_s=0.3, tries=2, pause_s=0.01)
# The columns of a snapshot of fluxnet-shuttle 1.0 (2026).
COLUMNS = (
    *("data_hub", "site_id", "site_name", "location_lat", "location_long", "igbp", "network", "team_member_name"),
    *("team_member_role", "team_member_email", "first_year", "last_year", "download_link", "fluxnet_product_name"),
    *("product_citation", "product_id", "oneflux_code_version", "product_source_network"),
)


def zipped(text="TIMESTAMP,NEE_VUT_REF\n"):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("a.csv", text)
    return body.getvalue()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as files:
        yield files


def row(server, site, hub="AmeriFlux", years="2004-2010", **changed):
    """A row as the shuttle writes it, with a zip on the server that it leads to."""
    name = f"AMF_{site}_FLUXNET_{years}_v1.3_r1.zip"
    server.bodies.setdefault(f"/FLUXNET/{name}", zipped(site))
    first, _, last = years.partition("-")
    cells = {
        **dict.fromkeys(COLUMNS, ""),
        "data_hub": hub,
        "site_id": site,
        "site_name": f"The forest, of {site}",
        "first_year": first,
        "last_year": last,
        "download_link": f"{server.url}/FLUXNET/{name}?=fluxnetshuttle",
        "fluxnet_product_name": name,
        "product_citation": f"Ada Araújo (2026), AmeriFlux FLUXNET-1F {site}, (Dataset). https://doi.org/10.17190/AMF/1{site[-1:]}",
        "product_id": f"10.17190/AMF/1{site[-1:]}",
    }
    return cells | changed


def snapshot(path, rows, columns=COLUMNS):
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    return str(path)


def test_a_catalogue_from_an_address_offers_the_towers_that_were_asked_for(server, tmp_path):
    path = tmp_path / "snapshot.csv"
    snapshot(path, [row(server, "BR-Ji3"), row(server, "BR-Ma2"), row(server, "US-Ha1")])
    server.bodies["/snapshot.csv"] = path.read_bytes()
    server.types["/snapshot.csv"] = "text/plain; charset=utf-8"
    offer = fluxnet(["US-Ha1", "BR-Ji3", "US-Ha1"], f"{server.url}/snapshot.csv", HASTY)
    assert [item.site for item in offer.items] == ["US-Ha1", "BR-Ji3"]
    assert offer.items[0].words == "US-Ha1  2004-2010  AmeriFlux  The forest, of US-Ha1"
    assert offer.citations["BR-Ji3"].doi == "10.17190/AMF/13"
    assert offer.citations["BR-Ji3"].citation.startswith("Ada Araújo (2026)")
    assert "CC-BY-4.0" in offer.licence
    outcome = take(offer, tmp_path / "out", patience=HASTY)
    assert outcome.done == list(offer.items)
    assert outcome.failures == []
    zips = sorted(path.name for path in (tmp_path / "out").glob("*.zip"))
    assert zips == ["AMF_BR-Ji3_FLUXNET_2004-2010_v1.3_r1.zip", "AMF_US-Ha1_FLUXNET_2004-2010_v1.3_r1.zip"]


def test_of_several_products_of_a_tower_the_newest_is_offered_and_the_others_are_named(server, tmp_path):
    rows = [row(server, "BE-Bra", years=years) for years in ("1999-2024", "1996-2020", "1999-2012")]
    offer = fluxnet(["BE-Bra"], snapshot(tmp_path / "c.csv", rows))
    assert [item.name for item in offer.items] == ["AMF_BE-Bra_FLUXNET_1999-2024_v1.3_r1.zip"]
    assert len(offer.notes) == 2
    assert "1996-2020" in offer.notes[0]


def test_citations_lie_where_ingest_looks_for_them(server, tmp_path):
    offer = fluxnet(["US-Ha1"], snapshot(tmp_path / "c.csv", [row(server, "US-Ha1")]))
    citations.add(tmp_path, {"DE-Tha": citations.Citation("Earlier", "10.1/x", "CC-BY-4.0")})
    citations.add(tmp_path, offer.citations)
    assert citations.read(tmp_path / "citations.csv") == {
        "DE-Tha": citations.Citation("Earlier", "", "CC-BY-4.0"),
        "US-Ha1": offer.citations["US-Ha1"],
    }


def test_towers_that_are_not_listed_are_named_with_what_may_be_meant(server, tmp_path):
    path = snapshot(tmp_path / "c.csv", [row(server, "DE-Tha"), row(server, "US-Ha1")])
    with pytest.raises(TamrlError, match=r"de-tha, XX-Abc not among the 2 towers .*Is DE-Tha meant"):
        fluxnet(["de-tha", "XX-Abc"], path)
    with pytest.raises(TamrlError, match=r"fluxnet\.org"):
        fluxnet(["XX-Abc"], path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("site,lat\nDE-Tha,50\n", "has no site_id, first_year"),
        (
            "data_hub,network,site_id,first_year,last_year,download_link\n",
            "has no fluxnet_product_name, product_citation",
        ),
        (",".join(COLUMNS) + "\n", "lists no tower"),
        ("", "has no site_id"),
        ('a,b\n"' + "x" * 200_000 + '"\n', "has no site_id"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
    ],
)
def test_another_file_is_no_catalogue(tmp_path, text, words):
    path = tmp_path / "c.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TamrlError, match=f"{words}.*fluxnet-shuttle listall"):
        fluxnet(["DE-Tha"], str(path))


def test_a_catalogue_that_is_not_there_or_far_too_large(tmp_path, monkeypatch):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(TamrlError, match="catalogue cannot be read"):
            fluxnet(["DE-Tha"], str(path))
    monkeypatch.setattr(fetch, "_MOST_CATALOGUE_BYTES", 2)
    (tmp_path / "c.csv").write_text("much")
    with pytest.raises(TamrlError, match="too large for a catalogue"):
        fluxnet(["DE-Tha"], str(tmp_path / "c.csv"))


@pytest.mark.parametrize(
    "changed",
    [
        {"fluxnet_product_name": "../../AMF_US-Ha1.zip"},
        {"fluxnet_product_name": ".US-Ha1.zip"},
        {"fluxnet_product_name": "US-Ha1.exe"},
        {"fluxnet_product_name": "US-Ha2.zip"},
        {"fluxnet_product_name": ""},
        {"download_link": "file:///etc/passwd"},
        {"download_link": ""},
    ],
)
def test_names_and_addresses_that_lead_elsewhere_are_refused(server, tmp_path, changed):
    path = snapshot(tmp_path / "c.csv", [row(server, "US-Ha1", **changed)])
    with pytest.raises(TamrlError, match=r"catalogue (names no zip|gives no address)"):
        fluxnet(["US-Ha1"], path)


def test_the_id_of_icos_is_that_of_genuine_objects():
    # Both are published: licence_accept?ids=["0ST81nXCND5VfAQdOCSJDveT"] and the SHA-256 of what it gives.
    genuine = bytes.fromhex("d124fcd675c2343e557c041d3824890ef793840d1d0c78875dd1fb6d2e14e6a8")
    assert icos_id(genuine) == "0ST81nXCND5VfAQdOCSJDveT"


def icos_row(server, body, published):
    identity = base64.urlsafe_b64encode(hashlib.sha256(published).digest()[:18]).decode()
    server.bodies["/objects/one"] = body
    link = f"{server.url}/licence_accept?ids=%5B%22{identity}%22%5D"
    return row(server, "BE-Bra", hub="ICOS", download_link=link, product_id=identity)


def test_a_tower_of_icos_is_checked_by_its_id(server, tmp_path):
    offer = fluxnet(["BE-Bra"], snapshot(tmp_path / "c.csv", [icos_row(server, zipped("a"), zipped("a"))]))
    assert take(offer, tmp_path / "out", patience=HASTY).failures == []
    offer = fluxnet(["BE-Bra"], snapshot(tmp_path / "c.csv", [icos_row(server, zipped("b"), zipped("a"))]))
    outcome = take(offer, tmp_path / "other", patience=HASTY)
    assert outcome.done == []
    assert "not the published file: its hash does not match" in outcome.failures[0]
    assert list((tmp_path / "other").glob("*.zip")) == []


def test_a_zip_without_a_published_hash_is_checked_by_its_own_sums(server, tmp_path):
    rows = [row(server, site) for site in ("US-Ha1", "US-NR1", "US-Var")]
    whole = zipped("0123456789" * 100)
    damaged = whole.replace(b"0123456789" * 100, b"0123456788" * 100)
    server.bodies["/FLUXNET/AMF_US-Ha1_FLUXNET_2004-2010_v1.3_r1.zip"] = damaged
    server.bodies["/FLUXNET/AMF_US-NR1_FLUXNET_2004-2010_v1.3_r1.zip"] = b"an error in plain text"
    outcome = take(fluxnet(["US-Ha1", "US-NR1", "US-Var"], snapshot(tmp_path / "c.csv", rows)), tmp_path / "out")
    assert [item.site for item in outcome.done] == ["US-Var"]
    assert "a.csv in it is damaged" in outcome.failures[0]
    assert "it is not a readable zip" in outcome.failures[1]


def test_a_hub_that_cannot_be_reached_is_not_asked_for_every_tower(server, tmp_path, monkeypatch):
    rows = [row(server, f"US-Aa{i}", download_link=f"http://127.0.0.1:1/{i}.zip") for i in range(3)]
    rows.append(row(server, "US-Var"))
    told = []
    offer = fluxnet([r["site_id"] for r in rows], snapshot(tmp_path / "c.csv", rows))
    asked = []
    monkeypatch.setattr(
        fetch, "fetch", lambda remote, *a, real=fetch.fetch, **k: asked.append(remote) or real(remote, *a, **k)
    )
    outcome = take(offer, tmp_path / "out", patience=HASTY, on_bytes=lambda item, *n: told.append(item.site))
    assert [item.site for item in outcome.done] == ["US-Var"]
    assert len(asked) == 2
    assert all("127.0.0.1:1 cannot be reached" in failure for failure in outcome.failures)
    assert set(told) == {"US-Var"}


def test_one_tower_that_is_gone_leaves_the_others_alone(server, tmp_path):
    rows = [row(server, "US-Ha1"), row(server, "US-Var")]
    del server.bodies["/FLUXNET/AMF_US-Ha1_FLUXNET_2004-2010_v1.3_r1.zip"]
    outcome = take(fluxnet(["US-Ha1", "US-Var"], snapshot(tmp_path / "c.csv", rows)), tmp_path / "out", patience=HASTY)
    assert [item.site for item in outcome.done] == ["US-Var"]
    assert outcome.failures[0].startswith("The file is no longer there (AMF_US-Ha1_FLUXNET_2004-2010_v1.3_r1.zip from")
