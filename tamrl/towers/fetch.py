"""What can be downloaded, on which terms, and the towers of FLUXNET.

These come from the hubs of the networks (AmeriFlux, ICOS, TERN), which list them to the FLUXNET shuttle; its snapshot,
a CSV with a row a product (github.com/fluxnet/shuttle, ``fluxnet-shuttle listall``), is the catalogue.
"""

import base64
import csv
import difflib
import hashlib
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tamrl.errors import TamrlError
from tamrl.system.download import Remote, fetch
from tamrl.system.patience import Patience, UnreachableError
from tamrl.towers.citations import Citation

#: The shuttle's snapshot as the FLUXNET Data Explorer (Keenan 2026, doi:10.5281/zenodo.20331228) renews it each day.
CATALOGUE = "https://raw.githubusercontent.com/trevorkeenan/fluxnet-data-explorer/HEAD/assets/shuttle_snapshot.csv"
_MAKE_ONE = "Give the file that `fluxnet-shuttle listall` writes (pip install fluxnet-shuttle)"
_COLUMNS = ("site_id", "first_year", "last_year", "download_link", "fluxnet_product_name", "product_citation")
_LICENCE = (
    "CC-BY-4.0 (https://creativecommons.org/licenses/by/4.0/): cite each tower wherever its data, or what is made of "
    "them, are shown, and add the acknowledgements that its network asks for; they are in "
    "DATA_POLICY_LICENSE_AND_INSTRUCTIONS.txt of each zip"
)
_MOST_CATALOGUE_BYTES = 50_000_000
#: Names of files are taken from a catalogue that anyone may have written: no folders, nothing hidden.
_ZIP_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,180}\.zip")
#: An ICOS data object is named after its bytes: the first 18 of their SHA-256, in base64 for addresses.
_ICOS_ID = re.compile(r"[\w-]{24}", re.ASCII)


@dataclass(frozen=True)
class Item:
    """One file of an offer.

    Attributes:
        name: of the file on disk.
        words: what it is, one line.
        site: the tower, empty where the file is not of one.
        remote: where it comes from.
    """

    name: str
    words: str
    site: str
    remote: Remote


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Files that can be downloaded, and the terms that are accepted by downloading them.

    Attributes:
        title: what it is and from where.
        items: the files.
        licence: its name and its requirements.
        citations: tower, or data set -> how it is cited.
        notes: what else should be known before.
    """

    title: str
    items: tuple[Item, ...]
    licence: str
    citations: Mapping[str, Citation]
    notes: tuple[str, ...] = ()


@dataclass
class Outcome:
    """The outcome of a download.

    Attributes:
        done: the items that are in the folder now.
        failures: why others are not, in words.
    """

    done: list[Item] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def take(
    offer: Offer,
    folder: Path,
    *,
    patience: Patience | None = None,
    on_bytes: Callable[[Item, int, int | None], None] | None = None,
) -> Outcome:
    """Download the files of an offer, one after the other; a failure of one leaves the others alone.

    Args:
        offer: its terms have been accepted.
        folder: where the files go, made where it does not exist.
        patience: how long servers are waited for.
        on_bytes: called with the item, the bytes that there are, and those of the whole file where that is known.
    """
    outcome, silent = Outcome(), set()
    for item in offer.items:
        if item.remote.host in silent:
            outcome.failures.append(f"{item.name}: {item.remote.host} cannot be reached.")
            continue
        told = (lambda have, whole, item=item: on_bytes(item, have, whole)) if on_bytes else None
        try:
            fetch(item.remote, folder / item.name, patience=patience, on_bytes=told)
        except UnreachableError as error:
            silent.add(item.remote.host)
            outcome.failures.append(str(error))
        except TamrlError as error:
            outcome.failures.append(str(error))
        else:
            outcome.done.append(item)
    return outcome


def fluxnet(sites: Iterable[str], catalogue: str = CATALOGUE, patience: Patience | None = None) -> Offer:
    """Return the newest product of each tower in a catalogue.

    Args:
        sites: ids of towers, as the networks write them.
        catalogue: address or file of a snapshot of the FLUXNET shuttle.
        patience: how long a server is waited for.

    Raises:
        TamrlError: the catalogue cannot be read or is not one, or a tower is not in it.
    """
    rows = _read_catalogue(catalogue, patience)
    wanted = list(dict.fromkeys(sites))
    found = {site: [row for row in rows if row["site_id"] == site] for site in wanted}
    if unknown := [site for site, listed in found.items() if not listed]:
        raise _unknown(unknown, {row["site_id"] for row in rows}, catalogue)
    newest = {site: max(listed, key=_newness) for site, listed in found.items()}
    others = [(site, row["fluxnet_product_name"]) for site in wanted for row in found[site] if row is not newest[site]]
    return Offer(
        title=f"FLUXNET towers, listed in {catalogue}",
        items=tuple(_product(row, catalogue) for row in newest.values()),
        licence=_LICENCE,
        citations={
            site: Citation(" ".join(row["product_citation"].split()), _doi(row.get("product_id") or ""), "CC-BY-4.0")
            for site, row in newest.items()
        },
        notes=tuple(f"{site}: {name} is listed, too, and is left out as the older one" for site, name in others),
    )


def _read_catalogue(catalogue: str, patience: Patience | None) -> list[dict[str, str]]:
    if "://" in catalogue:
        with tempfile.TemporaryDirectory() as folder:
            remote = Remote(url=catalogue, most_bytes=_MOST_CATALOGUE_BYTES)
            return _rows(fetch(remote, Path(folder) / "catalogue.csv", patience=patience), catalogue)
    return _rows(Path(catalogue), catalogue)


def _rows(path: Path, catalogue: str) -> list[dict[str, str]]:
    """Return the rows of a snapshot, each with all of ``_COLUMNS``."""
    try:
        if path.stat().st_size > _MOST_CATALOGUE_BYTES:
            raise TamrlError("The file is too large for a catalogue", catalogue, _MAKE_ONE)
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            lacks = [name for name in _COLUMNS if name not in (table.fieldnames or ())]
            rows = [] if lacks else [row for row in table if None not in row.values()]
    except OSError as error:
        raise TamrlError(f"The catalogue cannot be read: {error.strerror}", catalogue, _MAKE_ONE) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise TamrlError("The catalogue is not a CSV file in UTF-8", catalogue, _MAKE_ONE) from error
    if lacks or not rows:
        what = f"The catalogue has no {', '.join(lacks)}" if lacks else "The catalogue lists no tower"
        raise TamrlError(what, catalogue, _MAKE_ONE)
    return rows


def _unknown(unknown: list[str], known: set[str], catalogue: str) -> TamrlError:
    """Return the error of towers that are not listed, with ids that look alike."""
    folded = {site.casefold(): site for site in known}
    alike = [folded[near] for site in unknown for near in difflib.get_close_matches(site.casefold(), folded, 2, 0.8)]
    few = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
    todo = (
        f"Is {' or '.join(dict.fromkeys(alike[:5]))} meant" if alike else "See which towers are shared on fluxnet.org"
    )
    return TamrlError(f"{few} not among the {len(known)} towers of the catalogue", catalogue, todo)


def _newness(row: dict[str, str]) -> tuple[str, str, str]:
    """Return what the newest product of a tower has most of: the last year, else the version and run in its name."""
    return row["last_year"], row.get("oneflux_code_version", ""), row["fluxnet_product_name"]


def _product(row: dict[str, str], catalogue: str) -> Item:
    """Return the file of a row.

    Raises:
        TamrlError: it has no address, or its name is not that of a file.
    """
    site, name, url = row["site_id"], row["fluxnet_product_name"].strip(), row["download_link"].strip()
    if not _ZIP_NAME.fullmatch(name) or site not in name:
        raise TamrlError(f"The catalogue names no zip of {site}: {name[:60]!r}", catalogue, _MAKE_ONE)
    if urlsplit(url).scheme not in ("http", "https"):
        raise TamrlError(f"The catalogue gives no address for {site}: {url[:60]!r}", catalogue, _MAKE_ONE)
    hub = row.get("data_hub") or row.get("product_source_network") or urlsplit(url).hostname
    words = f"{site}  {row['first_year']}-{row['last_year']}  {hub}  {row.get('site_name') or ''}".rstrip()
    identity = (row.get("product_id") or "").strip()
    named_after_bytes = hub == "ICOS" and _ICOS_ID.fullmatch(identity) and f'"{identity}"' in unquote(url)
    check = _icos_check(identity) if named_after_bytes else _zip_fault
    return Item(name, words, site, Remote(url=url, check=check))


def _doi(product: str) -> str:
    found = re.search(r"10\.\d{4,9}/\S+", product)
    return found.group() if found else ""


def icos_id(sha256: bytes) -> str:
    """Return the id of the ICOS Carbon Portal for the bytes with a SHA-256 (github.com/ICOS-Carbon-Portal/data)."""
    return base64.urlsafe_b64encode(sha256[:18]).decode("ascii")


def _icos_check(identity: str) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        with path.open("rb") as file:
            same = icos_id(hashlib.file_digest(file, "sha256").digest()) == identity
        return "" if same else "its hash does not match"

    return check


def _zip_fault(path: Path) -> str:
    """Return what is wrong with a zip whose hash nobody publishes: it carries a checksum of each of its files."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        return f"it is not a readable zip ({error})"
    return f"{broken} in it is damaged" if broken else ""
