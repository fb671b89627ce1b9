"""The information in file names: tower, content and release; folder names are never used."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

SITE_ID = re.compile(r"[A-Z]{2}-[A-Za-z0-9]{3}")
#: First letters of tower ids: ISO 3166-1 alpha-2, and UK, which some networks write for GB.
COUNTRIES = frozenset(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA "
    "CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA "
    "GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP "
    "KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS "
    "MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS "
    "RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW "
    "TZ UA UG UK UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW".split()
)
#: First letters of the token that names a product, upper case -> processing whose fluxes may be joined.
PRODUCTS = {"FLUXNET": "ONEFlux", "JAPANFLUX": "JapanFlux2024", "FLUXDATAKIT": "FluxDataKit", "PLUMBER": "FluxDataKit"}
Kind = Literal["daily", "subdaily", "resolution", "auxiliary", "reanalysis", "base", "bif", "varinfo", "unknown"]
STEPS = {"HH": "half-hourly", "HR": "hourly", "DD": "daily", "WW": "weekly", "MM": "monthly", "YY": "yearly"}
_REASONS: dict[str, str] = {
    "auxiliary": "it holds processing details, no fluxes",
    "reanalysis": "it holds reanalysis meteorology, no fluxes",
    "varinfo": "it describes variables, it holds no fluxes",
    "bif": "it describes the tower, it holds no fluxes",
}
# What files of longer steps are good for.
_USES = {
    "WW": "which holds the days that this one averages",
    "MM": "from which tamrl aggregate makes the months of a workspace for climate models",
    "YY": "whose days add up to these totals",
}
# Files of ICOS archives and of JapanFlux2024 that hold no daily fluxes that are read, by their tokens.
_BESIDES = frozenset(("ANCILLARY", "FLUXES", "METEO", "METEOSENS", "COREVARS", "METADATA", "TOC"))
_SUFFIX = re.compile(r"(\.(csv|txt|parquet|zip|xlsx))?(\.gz)?$", re.IGNORECASE)
_SPLIT = re.compile(r"[^A-Za-z0-9-]+")
_LOWER_ID = re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{3}")


@dataclass(frozen=True)
class FileName:
    """The information in the name of a file.

    Attributes:
        kind: what the file holds; subdaily is HH or HR, resolution is WW, MM or YY.
        site: tower id, empty where the name has none, or two.
        step: DD, HH, HR, WW, MM, YY or empty.
    """

    kind: Kind
    site: str = ""
    step: str = ""

    @property
    def reason(self) -> str:
        """Why a file of this kind is not ingested, in words."""
        if self.kind == "resolution":
            what = f"it is {STEPS[self.step]} ({self.step}); ingest reads the daily (DD) or half-hourly (HH) file"
            return f"{what} of the same product, {_USES[self.step]}"
        return _REASONS.get(self.kind, "its name is not that of a FLUXNET daily file")


@dataclass(frozen=True, order=True)
class Release:
    """The release that a file belongs to; a later one compares as greater.

    Attributes:
        generation: of the product: FLUXNET2015 0, its later versions (beta) 1, FLUXNET of the networks 2, the releases
            with ``v`` and ``r`` 3; -1 where the name says nothing.
        last_year: in the name, 0 where none.
        version: numbers of the version, those of the processing before those of the data.
        processing: how the fluxes were made; those of one processing may be joined. Empty where not known.
    """

    generation: int = -1
    last_year: int = 0
    version: tuple[int, ...] = ()
    processing: str = ""


#: Of files whose names say nothing.
NO_RELEASE = Release()


def tokens(name: str) -> list[str]:
    """Return the parts of the base name of a path between underscores, dots, spaces and brackets."""
    base = PurePosixPath(name.replace("\\", "/")).name
    return [token for token in _SPLIT.split(_SUFFIX.sub("", base)) if token]


def find_id(name: str) -> tuple[str, str]:
    """Return the tower id that the base name of a path has, and why there is none.

    An id is a whole token of the name. Where several tokens look like ids, those that begin with a country count; one
    that begins with none must stand first or second, where published names have it.

    Returns:
        The id and an empty text, or an empty id and the reason in words.
    """
    found = tokens(name)
    like = list(dict.fromkeys(token for token in found if SITE_ID.fullmatch(token)))
    known = [token for token in like if token[:2] in COUNTRIES]
    if len(known) == 1:
        return known[0], ""
    if len(known) > 1:
        return "", f"The file name has two tower ids, {known[0]} and {known[1]}"
    placed = [token for token in like if token in found[:2]]
    if len(placed) == 1:
        return placed[0], ""
    small = [token for token in found if _LOWER_ID.fullmatch(token) and token[:2].upper() in COUNTRIES]
    if small:
        right = small[0][:2].upper() + small[0][2:]
        return "", f"The file name has {small[0]!r}; ids are case-sensitive and begin with capitals, such as {right}"
    return "", "The file name has no tower id such as AU-Lox"


def classify(name: str) -> FileName:
    """Read what a file is from its name; never from its content.

    Args:
        name: file name, with or without folder, ``.csv`` and ``.gz``.
    """
    found = tokens(name)
    site, _ = find_id(name)
    step = next((token for token in found if token in STEPS), "")
    large = {token.upper() for token in found}
    kind: Kind = "unknown"
    if any(token.startswith(("BIFVARINFO", "VARINFO")) for token in large):
        kind = "varinfo"
    elif large & {"BIF", "SITEINFO"}:
        kind = "bif"
    elif "BASE" in large:
        kind = "base"
    elif any(token.startswith("AUX") for token in large) or (large & _BESIDES and (site or "TOC" in large)):
        kind = "auxiliary"
    elif {"ERA5", "ERAI"} & large:
        kind = "reanalysis"
    elif step and site and _product(found):
        kind = "daily" if step == "DD" else "subdaily" if step in ("HH", "HR") else "resolution"
    return FileName(kind, site, step)


def outdone(names: Iterable[str]) -> dict[str, str]:
    """Return, for the files that need not be read, the file of the same tower that is read instead.

    A daily file of the same or a later release replaces half-hours; either replaces AmeriFlux BASE, which is raw.
    """
    ranks = {"daily": 0, "subdaily": 1, "base": 2}
    known = [(name, classify(name), release(name)) for name in dict.fromkeys(names)]
    known = [(name, what, version) for name, what, version in known if what.kind in ranks and what.site]
    found: dict[str, str] = {}
    for name, what, version in known:
        for other, better, newer in known:
            if better.site == what.site and ranks[better.kind] < ranks[what.kind] and newer >= version:
                found.setdefault(name, other)
    return found


def _product(found: list[str]) -> str:
    """Return the token that names the product, in capitals; empty where there is none."""
    return next((token.upper() for token in found if token.upper().startswith(tuple(PRODUCTS))), "")


def release(name: str) -> Release:
    """Return which release the file of this name belongs to."""
    base = PurePosixPath(name.replace("\\", "/")).name
    product = _product(tokens(name))
    if not product:
        return NO_RELEASE
    processing = next(words for key, words in PRODUCTS.items() if product.startswith(key))
    years = re.search(r"(?<!\d)(?:19|20)\d{2}[-_]((?:19|20)\d{2})(?!\d)", base)
    beta = re.search(r"beta-(\d+)", base)
    pair = re.search(r"(?<![\d-])(\d{1,2})-(\d{1,2})(?![\d-])", base.split("beta")[0])
    newest = re.search(r"_v(\d+)\.(\d+)(?:_r(\d+))?", base)
    if newest:
        generation, version = 3, tuple(int(part or 0) for part in newest.groups())
    elif product == "FLUXNET2015":
        generation = 1 if beta else 0
        version = (int(beta.group(1)),) if beta else (int(pair.group(2)), int(pair.group(1))) if pair else ()
    else:
        generation, version = 2, (int(pair.group(2)), int(pair.group(1))) if pair else ()
    return Release(generation, int(years.group(1)) if years else 0, version, processing)
