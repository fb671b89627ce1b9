"""Global land totals beside published ones: published values, the uncertainty of ours, and why they may differ."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.maps.aggregate import TOTAL_UNIT
from tamrl.maps.catalog import MapsEntry, bundled_maps
from tamrl.schema import FLUXES
from tamrl.system.yaml_file import read_yaml

#: The product whose total every verdict is measured against.
_REFERENCE = "FLUXCOM-X-BASE"
_UNIT_TEXT = "PgC yr⁻¹"
_FIX = "Restore the file from the project"

_TROPICS = "Few towers stand in the tropics, where most of the carbon is exchanged: a small bias there is large here."
#: Why the net uptake of maps learnt from towers is larger than that of the land.
SINK_REASONS = (
    "Towers tend to stand in young, growing, undisturbed forests and not in old, burnt or felled ones.",
    "What leaves by fire, harvest, rivers and change of land use is not in the NEE of a tower, nor in these maps.",
    "On calm nights CO₂ drains away below the instruments, so respiration is measured too low.",
    _TROPICS,
)
_PRODUCTS = "Published products differ by as much between themselves: in drivers, land masks, years and rising CO₂."
#: Why gross fluxes may be too large.
GROSS_REASONS = (_TROPICS, "Towers tend to stand where plants grow well, and not on the poor soils between.", _PRODUCTS)
#: A single published total without uncertainty counts as reached within this share of it.
_SLACK = 0.05


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published total of the land, PgC yr-1; either a mean or the range of several members.

    Attributes:
        product: name of the product.
        flux: GPP, RECO or NEE.
        years: first and last.
        citation: authors, year and journal.
        doi: of the paper.
        mean: the total.
        plus_minus: uncertainty as its authors give it after the plus-minus sign, PgC yr-1; None where they give none.
        low: smallest of several members.
        high: largest of several members.
        derived: whether it follows from two published ones by NEE = RECO - GPP.
    """

    product: str
    flux: str
    years: tuple[int, int]
    citation: str
    doi: str
    mean: float | None = None
    plus_minus: float | None = None
    low: float | None = None
    high: float | None = None
    derived: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and largest value within its uncertainty or range."""
        if self.mean is None:
            assert self.low is not None  # a range, where there is no mean
            assert self.high is not None
            return self.low, self.high
        return self.mean - (self.plus_minus or 0), self.mean + (self.plus_minus or 0)

    @property
    def text(self) -> str:
        """The total as it was published."""
        if self.mean is None:
            low, high = self.ends
            return f"{number(low)} to {number(high)}"
        return number(self.mean) + (f" ± {self.plus_minus:g}" if self.plus_minus else "")


def number(value: float) -> str:
    """Return a number with a minus sign, to the digits that it was published with."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def published_path() -> Path:
    """Return where the published totals lie."""
    return bundled_folder("published-totals.yaml")


def read_published(path: Path | None = None) -> list[Published]:
    """Read the published totals; of a product with GPP and NEE of the same years the respiration is added.

    Raises:
        TamrlError: the file is missing, or an entry is not understood.
    """
    import yaml

    path = path or published_path()
    try:
        content = read_yaml(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TamrlError(f"The published totals cannot be read: {error}", str(path), _FIX) from error
    if not isinstance(content, dict) or set(content) != {"unit", "totals"} or content["unit"] != TOTAL_UNIT:
        raise TamrlError(f"The published totals must have the unit {TOTAL_UNIT} and a list of totals", str(path), _FIX)
    found = [_entry(item, f"{path}: entry {i}") for i, item in enumerate(content["totals"], start=1)]
    return [*found, *_respiration(found)]


def _entry(item: Any, where: str) -> Published:
    known = {f.name for f in fields(Published)} - {"derived"}
    if not isinstance(item, dict) or set(item) - known:
        extra = ", ".join(sorted(map(str, set(item) - known))) if isinstance(item, dict) else "no mapping"
        raise TamrlError(f"A published total is not understood: {extra}", where, f"Known keys: {', '.join(known)}")
    try:
        numbers: dict[str, Any] = {k: float(item[k]) for k in ("mean", "plus_minus", "low", "high") if k in item}
        texts: dict[str, Any] = {k: str(item[k]) for k in ("product", "flux", "citation", "doi")}
        first, last = (int(year) for year in item["years"])
    except (KeyError, TypeError, ValueError) as error:
        raise TamrlError(f"A published total lacks something, or it is not a number: {error}", where, _FIX) from error
    ranged = {"low", "high"} <= numbers.keys()
    if ranged == ("mean" in numbers) or (ranged and numbers["low"] > numbers["high"]) or first > last:
        raise TamrlError("A published total is either a mean or a range from low to high", where, _FIX)
    if texts["flux"] not in FLUXES or not texts["doi"].startswith("10."):
        raise TamrlError("A published total is of GPP, RECO or NEE, and has a DOI", where, _FIX)
    return Published(**texts, years=(first, last), **numbers)


def _respiration(found: list[Published]) -> list[Published]:
    """Return RECO = NEE + GPP of the products that published both; how certain it is does not follow."""
    known = {(p.product, p.years, p.flux): (p, p.mean) for p in found if p.mean is not None}
    return [
        Published(
            product=p.product,
            flux="RECO",
            years=p.years,
            citation=p.citation,
            doi=p.doi,
            mean=round(gross + net[1], 2),
            derived=True,
        )
        for (product, years, flux), (p, gross) in known.items()
        if flux == "GPP" and (net := known.get((product, years, "NEE"))) and (product, years, "RECO") not in known
    ]


def member_spread(entry: MapsEntry) -> dict[str, float]:
    """Return the standard deviation over the members of each flux's total, PgC yr-1, of bundled maps; else nothing.

    It was computed from the total of each member when the maps were made. It cannot be derived from the spread of
    single cells, since their errors are correlated in space, which a map does not show.

    Raises:
        TamrlError: the file beside the maps is damaged.
    """
    import yaml

    path = bundled_maps() / "totals.yaml"
    if entry.path.parent != bundled_maps() or not path.is_file():
        return {}
    try:
        content = read_yaml(path).get(entry.path.stem) or {}
        return {flux: float(content[flux]["sd"]) for flux in FLUXES if content.get(flux, {}).get("sd") is not None}
    except (OSError, AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise TamrlError(f"The totals of the bundled maps cannot be read: {error}", str(path), _FIX) from error


def verdict(flux: str, value: float, published: list[Published]) -> str:
    """Return in words how a total compares with the published ones of the same flux, and by how much it differs.

    Args:
        flux: GPP, RECO or NEE.
        value: our total, PgC yr-1.
        published: of ``read_published``; those of other fluxes are ignored.
    """
    mine = [p for p in published if p.flux == flux]
    unit = _UNIT_TEXT
    if not mine:
        return f"{flux} is {_number(value)} {unit}; no published total of it is bundled for comparison."
    low, high = min(p.ends[0] for p in mine), max(p.ends[1] for p in mine)
    said = ""
    if len(mine) > 1:
        where = f"within the published totals, {_number(low)} to {_number(high)}"
        if value > high:
            where = f"{_number(value - high)} above the highest of the published totals, {_number(high)}"
        elif value < low:
            where = f"{_number(low - value)} below the lowest of the published totals, {_number(low)}"
        said = f", {where}"
    against = [_against(value, p) for p in mine if p.product == _REFERENCE] or [_against(value, mine[0])]
    return f"{flux} is {_number(value)} {unit}{said}; {'; '.join(against)}."


def _against(value: float, p: Published) -> str:
    at = p.mean
    if at is None:
        # Of a range its nearest end.
        at = min(max(value, p.ends[0]), p.ends[1])
        if at == value:
            return f"within the range of {p.product} ({p.text})"
    off = value - at
    share = f" ({100 * abs(off / at):.0f} %)" if at else ""
    how = "more" if off > 0 else "less"
    if p.flux == "NEE":
        how = "less uptake" if off > 0 else "more uptake"
    follows = ", which follows from its GPP and NEE" if p.derived else ""
    return f"{_number(abs(off))}{share} {how} than {p.product} ({p.text}{follows})"


def _number(value: float) -> str:
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def reasons(flux: str, value: float, published: list[Published]) -> tuple[str, ...]:
    """Return why a total may lie outside the range of the published ones; empty where it lies inside.

    Args:
        flux: GPP, RECO or NEE.
        value: our total, PgC yr-1.
        published: of ``read_published``.
    """
    mine = [p for p in published if p.flux == flux]
    if not mine:
        return ()
    low, high = min(p.ends[0] for p in mine), max(p.ends[1] for p in mine)
    if low == high:
        low, high = low - _SLACK * abs(low), high + _SLACK * abs(high)
    if low <= value <= high:
        return ()
    if flux == "NEE":
        return SINK_REASONS if value < low else (_TROPICS,)
    return GROSS_REASONS if value > high else (_TROPICS, _PRODUCTS)
