"""From files of any kind to the archive of a workspace, with an account of every tower, value and file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl import schema
from tamrl.errors import TamrlError, printable
from tamrl.globe.earth import load_earth
from tamrl.system.account import IngestReport
from tamrl.system.storage import locate, locked, swap_in
from tamrl.towers import audit, citations
from tamrl.towers.account import tell
from tamrl.towers.archive import Tower, build, load_whole, merge, record_days, validate, write_zarr
from tamrl.towers.checks import BALANCE_SHARE, REPORT_COLUMNS, balance, check_structure
from tamrl.towers.derived import complete
from tamrl.towers.fill import FILLED, fill
from tamrl.towers.hours import clock_note
from tamrl.towers.readers.column_map import ColumnMap
from tamrl.towers.readers.detect import Item, beside, find, pass_over, read
from tamrl.towers.readers.parquet import files
from tamrl.towers.readers.sites import SiteInfo, read_sites
from tamrl.towers.releases import lost_days, one_each
from tamrl.towers.satellite import put_on_days
from tamrl.towers.screen import screen
from tamrl.towers.workspace import Workspace, sha256

_GIVEN = "positions and classes as given"


@dataclass(kw_only=True)
class Result:
    """What an ingest did.

    Attributes:
        summary: one row a tower: site, action (added, replaced), days, first, last, igbp, koeppen, position
            (bool), n_outside, n_failed (variables rejected as a whole), notes, and for each variable
            ``missing_<variable>`` (fraction of the record's days; NaN where the tower lacks it).
        audit: one row for each tower and check, see ``audit.audit``; of the towers of this ingest.
        checks: one row a check over these towers, see ``audit.summarise``.
        items: every file found and its outcome.
        archive: path of the archive.
        report: rejected values, see ``checks.validate``.
        balance: towers where NEE = RECO - GPP does not close, see ``checks.balance``.
        n_sites: towers in the archive now (0 where there is none).
        failures: reasons for failure, in words, that do not concern a single file.
        doubts: variables whose magnitude does not fit their unit at any known tower, in words. They are kept as read.
        account: what was done to the data, as kept in the provenance.
    """

    summary: pd.DataFrame
    items: list[Item]
    archive: Path
    report: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(REPORT_COLUMNS)))
    balance: pd.DataFrame = field(default_factory=pd.DataFrame)
    n_sites: int = 0
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    account: IngestReport = field(default_factory=IngestReport)
    audit: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(audit.ROWS)))
    checks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(audit.SUMMARY)))

    @property
    def faults(self) -> list[str]:
        """Faults of the file, in words: variables that contradict the others at most towers. They are kept as read."""
        return self.checks.loc[self.checks["fault"].astype(bool), "words"].tolist()

    @property
    def ok(self) -> bool:
        """Whether at least one tower went in, nothing failed and no variable contradicts the others at most towers."""
        failed = any(item.status == "failed" for item in self.items) or bool(self.failures) or bool(self.faults)
        return len(self.summary) > 0 and not failed and not (self.report["failed"].astype(bool).any())


def ingest(
    sources: Iterable[str | Path],
    workspace: Workspace,
    sites: str | Path | None = None,
    command: str = "ingest",
    on_item: Callable[[int, int], None] | None = None,
    fill_drivers: bool = False,
    columns: Sequence[ColumnMap] = (),
) -> Result:
    """Read towers from ``sources`` and add them to, or replace them in, the workspace's archive.

    Args:
        sources: folders, parquet, csv, csv.gz or zip files.
        workspace: a writable workspace.
        sites: table of positions and classes that takes precedence over all others.
        command: as written into the provenance.
        on_item: called with (files read, files in all).
        fill_drivers: fill drivers that a tower lacks from the bundled global ones, see ``tamrl.towers.fill``.
        columns: maps by which tables of no known layout are read, each by the one that fits it.

    Raises:
        TamrlError: the workspace cannot be written, or its archive or the table of sites is damaged.
    """
    workspace.check_writable()
    workspace.provenance()  # a damaged one is said before anything is written
    notes: list[str] = []
    given, faults = read_sites(sites, notes) if sites else ({}, [])
    items = _read_all(sources, on_item, columns)
    if sites:
        items.append(Item(path=Path(sites), explicit=True, status="used", reason=_GIVEN, notes=notes))
    towers, refused = one_each(tower for item in items for tower in item.towers)
    _add_series(items, towers)
    _account_for_siblings(items, set(towers))
    result = Result(summary=_summary_table([]), items=items, archive=workspace.archive_path, failures=faults + refused)
    placed = _placed(towers, _places(items, given))
    found = screen(placed)
    result.doubts += found.doubt_lines()
    ready = [complete(tower, found.failed(tower.site) | tower.failed) for tower in placed]
    if fill_drivers:
        _fill(ready, result)
    result.failures += [f"{tower.site}: {fault}" for tower in placed for fault in tower.faults]
    usable = [tower for tower in ready if tower.table.notna().to_numpy().any()]
    result.failures += [f"{t.site}: {t.source} holds no value at all" for t in ready if t not in usable]
    if usable:
        _store(usable, workspace, result, found.rows)
    result.account = tell(items, usable, found, result.report, result.balance, result.summary)
    if usable:
        citations.keep(workspace.path, [item.path for item in items], [tower.site for tower in usable])
        workspace.add_provenance(_entry(result, command, set(towers)))
    return result


def _entry(result: Result, command: str, ingested: set[str]) -> dict[str, Any]:
    """Return what the provenance keeps of an ingest."""
    entry: dict[str, Any] = {"command": printable(command), "inputs": _inputs(result.items, ingested)}
    return entry | {"audit": audit.brief(result.checks), "account": result.account.to_list()}


def _placed(towers: dict[str, Tower], places: dict[str, SiteInfo]) -> list[Tower]:
    """Give each tower the position and classes that are known of it, by its id."""
    return [places.get(site, SiteInfo()).apply(tower) for site, tower in sorted(towers.items())]


def _fill(towers: list[Tower], result: Result) -> None:
    """Fill drivers that are lacking, where there is anything else; say where that could not be."""
    earth = load_earth()
    for tower in towers:
        if tower.table.notna().to_numpy().any():
            lacking = [name for name in FILLED if name not in tower.table or tower.table[name].isna().all()]
            filled = fill(tower, earth)
            left = [name for name in lacking if name not in filled]
            if left:
                result.failures.append(f"{tower.site}: {', '.join(left)} cannot be filled without a position on land")


def _read_all(
    sources: Iterable[str | Path], on_item: Callable[[int, int], None] | None, columns: Sequence[ColumnMap]
) -> list[Item]:
    """Read every file of the sources, and the tables that lie beside them."""
    items = _unique(item for source in sources for item in find(source))
    pass_over(items)
    for count, item in enumerate(items, start=1):
        read(item, columns)
        if on_item:
            on_item(count, len(items))
    return items + [read(item) for item in beside(items)]


def _unique(items: Iterable[Item]) -> list[Item]:
    """Keep each file once; naming it explicitly counts more than finding it in a folder."""
    kept: dict[Path, Item] = {}
    for item in items:
        key = item.path.resolve()
        if key not in kept or (item.explicit and not kept[key].explicit):
            kept[key] = item
    return list(kept.values())


def _add_series(items: list[Item], towers: dict[str, Tower]) -> None:
    """Give the towers the satellite series of the sources; a file that is for none of them is noted."""
    for item in items:
        there = sorted(set(item.series) & set(towers))
        for site in there:
            put_on_days(towers[site], item.series[site], item.path.name)
        if item.series and not there:
            item.notes.append(f"{item.path.name}: none of its {len(item.series)} towers is ingested here")


def _account_for_siblings(items: list[Item], ingested: set[str]) -> None:
    """A file of a published set that lies in a folder is skipped, not failed, when its tower went in."""
    for item in items:
        if item.status == "failed" and item.sibling and not item.explicit and item.site in ingested:
            item.status = "skipped"


def _places(items: list[Item], given: dict[str, SiteInfo]) -> dict[str, SiteInfo]:
    """Join what is known of places: the table given, then tables of sites, then BIF."""
    known = dict(given)
    tables = [item.sites for item in items if item.path.name.lower() == "sites.csv"]
    others = [item.sites for item in items if item.path.name.lower() != "sites.csv"]
    for table in (*tables, *others):
        for site, info in table.items():
            known[site] = known[site].filled(info) if site in known else info
    return known


def _store(towers: list[Tower], workspace: Workspace, result: Result, screened: list[dict[str, Any]]) -> None:
    """Build, check, merge and write; fill the result's tables."""
    with locked(workspace.archive_path):
        old = load_whole(workspace.archive_path) if locate(workspace.archive_path) else None
        before = _from_archive(towers, old)
        fresh, report = validate(build(towers))
        rows = [*screened, *report.to_dict("records")]
        result.report = pd.DataFrame(rows, columns=list(REPORT_COLUMNS))
        lost = ~record_days(fresh).any(axis=1)
        if lost.any():
            result.failures += [f"{site}: no value lies within its bounds" for site in fresh["site"].values[lost]]
            fresh = fresh.isel(site=~lost)
        if fresh.sizes["site"]:
            _audit(fresh, towers, result)
            result.summary = _summarise(fresh, towers, before, result.report)
            found = balance(fresh)
            result.balance = found[found["share_open"] > BALANCE_SHARE].reset_index(drop=True)
            joined = merge(old, fresh)
            check_structure(joined)
            result.n_sites = joined.sizes["site"]
            swap_in(workspace.archive_path, lambda folder: write_zarr(joined, folder))
        elif old is not None:
            result.n_sites = old.sizes["site"]


def _audit(fresh: xr.Dataset, towers: list[Tower], result: Result) -> None:
    """Fill the audit of the result; what contradicts at a tower alone is noted there."""
    try:
        earth = load_earth()
    except TamrlError as error:
        earth = None
        result.failures.append(f"TA is not compared with the climatology of the place: {error}")
    result.audit = audit.audit(fresh, earth)
    result.checks = audit.summarise(result.audit)
    faults = set(result.checks.loc[result.checks["fault"].astype(bool), "check"])
    for tower in towers:
        tower.notes += audit.notes(result.audit, tower.site, faults)
        if tower.radiation is not None:
            tower.notes += filter(None, [clock_note(tower.radiation, tower.lat, tower.lon, tower.utc_offset)])


def _from_archive(towers: list[Tower], old: xr.Dataset | None) -> dict[str, set[str]]:
    """Fill positions and classes from towers already in the archive; return what variables those had."""
    before: dict[str, set[str]] = {}
    if old is None:
        return before
    row = {str(site): index for index, site in enumerate(old["site"].values)}
    for tower in towers:
        if tower.site not in row:
            continue
        there = old.isel(site=row[tower.site])
        before[tower.site] = {str(name) for name, values in there.data_vars.items() if values.notnull().any()}
        info = SiteInfo(**{name: there[name].item() for name in ("name", "lat", "lon", "igbp", "koeppen")})
        own = SiteInfo(name=tower.name, lat=tower.lat, lon=tower.lon, igbp=tower.igbp, koeppen=tower.koeppen)
        own.filled(info).apply(tower)
        gone = before[tower.site] - set(tower.table.columns[tower.table.notna().any()])
        if gone:
            tower.notes.append(f"replaces a version that had {', '.join(n for n in schema.VARIABLES if n in gone)}")
        known = np.flatnonzero(record_days(there))
        if known.size and known[-1] - known[0] + 1 > len(tower.table):
            tower.notes.append(f"replaces a longer version of {known[-1] - known[0] + 1} days")
        if lost := lost_days(there, tower):
            tower.notes.append(lost)
    return before


def _summarise(ds: xr.Dataset, towers: list[Tower], before: dict[str, Any], report: pd.DataFrame) -> pd.DataFrame:
    """Make one row a tower of a validated Dataset, see ``Result.summary``."""
    days = record_days(ds)
    time = ds["time"].values.astype("datetime64[D]")
    notes = {tower.site: "; ".join(tower.notes) for tower in towers}
    rows = []
    for i, site in enumerate(ds["site"].values.astype(str)):
        cut = np.flatnonzero(days[i])
        span = slice(int(cut[0]), int(cut[-1]) + 1)
        found = report[report["site"] == site]
        row = {
            "site": site,
            "action": "replaced" if site in before else "added",
            "days": span.stop - span.start,
            "first": str(time[span][0]),
            "last": str(time[span][-1]),
            "igbp": str(ds["igbp"].values[i]),
            "koeppen": str(ds["koeppen"].values[i]),
            "n_outside": int(found["n_outside"].sum()),
            "position": bool(np.isfinite(ds["lat"].values[i]) and np.isfinite(ds["lon"].values[i])),
            "n_failed": int(found["failed"].sum()),
            "notes": notes[site],
        }
        for name in ds.data_vars:
            missing = np.isnan(ds[name].values[i, span]).mean()
            row[f"missing_{name}"] = missing if missing < 1 else np.nan
        rows.append(row)
    return _summary_table(rows)


def _summary_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = [
        "site",
        "action",
        "days",
        "first",
        "last",
        "igbp",
        "koeppen",
        "position",
        "n_outside",
        "n_failed",
        "notes",
    ]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


def _inputs(items: list[Item], ingested: set[str]) -> list[dict[str, Any]]:
    """List the files that towers or positions were read from, with their SHA-256; of a table in parts each part."""
    used = [
        (path, sorted({tower.site for tower in item.towers} & ingested))
        for item in items
        if item.towers or item.status == "used"
        for path in files(item.path)
    ]
    return [{"path": printable(str(path)), "sha256": sha256(path), "towers": names} for path, names in used]
