"""The account of an ingest of towers: the findings of its checks and the notes of its readers in one place."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from tamrl import schema
from tamrl.system.account import IngestReport
from tamrl.towers.archive import Tower
from tamrl.towers.checks import BALANCE_TOLERANCE
from tamrl.towers.readers.detect import Item
from tamrl.towers.screen import Screened

#: Said of towers without a position, and of those without a class.
NO_POSITION, NO_CLASS = "No position", "IGBP or Koeppen class unknown"
_TODO = "give --sites FILE, a CSV with site, lat, lon, igbp, koeppen"


def tell(
    items: Iterable[Item],
    towers: Iterable[Tower],
    screened: Screened,
    report: pd.DataFrame,
    balance: pd.DataFrame,
    summary: pd.DataFrame,
) -> IngestReport:
    """Return the account of what was done to towers.

    Args:
        items: files that were read.
        towers: that were ingested, with the notes of their readers.
        screened: what ``screen.screen`` found.
        report: rejected values, see ``checks.validate``.
        balance: towers whose carbon balance does not close, see ``checks.balance``.
        summary: one row a tower, see ``ingest.Result``.
    """
    account = IngestReport()
    for row in report.itertuples():
        words = (
            f"{row.variable}: {row.n_outside} of {row.n} values ({row.lowest:.4g} to {row.highest:.4g}): {row.reason}"
        )
        account.rejected(row.site, words, int(row.n_outside))
    for site, name, words in screened.doubts:
        account.assumed(site, f"{name} is in {schema.variable(name).unit}, though {words}; kept as read")
    for site, words in screened.constants:
        account.assumed(site, words)
    for tower in towers:
        for note in tower.notes:
            account.note(tower.site, note)
    for row in balance.itertuples():
        account.assumed(row.site, open_balance(row))
    if not summary.empty:
        unknown = (summary["igbp"] == schema.UNKNOWN) | (summary["koeppen"] == schema.UNKNOWN)
        for site in summary.loc[~summary["position"].astype(bool), "site"]:
            account.missing(site, f"{NO_POSITION}: not on the map until you {_TODO}")
        for site in summary.loc[unknown, "site"]:
            account.missing(site, f"{NO_CLASS}: {_TODO}")
    for item in items:
        for note in item.notes:
            account.note(item.path.name, note.removeprefix(f"{item.path.name}: "))
        if item.status == "failed":
            account.rejected(item.path.name, item.reason)
    return account


def open_balance(row: Any) -> str:
    """Return in words by how much the carbon balance of one tower fails to close (a row of ``checks.balance``)."""
    return (
        f"NEE = RECO - GPP is not closed within {BALANCE_TOLERANCE:g} {schema.FLUX_UNIT} on {100 * row.share_open:.1f} "
        f"% of {row.n} days, at most by {row.largest:.2g}; published files choose the reference of each flux "
        "separately, values are kept as they are"
    )
