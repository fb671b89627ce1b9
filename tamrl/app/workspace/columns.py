"""Workspace: which column of a table of own making is which variable, guessed, shown and corrected."""

from typing import Any

import pandas as pd
import streamlit as st

from tamrl.app.shared import components, own, sizes, widgets
from tamrl.app.workspace import drop
from tamrl.errors import TamrlError
from tamrl.schema import VARIABLES, variable
from tamrl.towers.readers import column_units
from tamrl.towers.readers.column_map import Column, ColumnMap
from tamrl.towers.report import ReadReport
from tamrl.towers.shelf import Draft

#: What a column may be beside a variable.
TIME, SITE, NOTHING = "date or time", "tower", ""
_STAMPS = {"begin": "the beginning of a step", "end": "the end of a step"}


def section(draft: Draft, report: ReadReport) -> None:
    """Draw the columns of the tables that are, or could be, read by a map; a change reads the files again.

    Tables that have the same columns are shown once.
    """
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for table in report.tables:
        alike.setdefault(tuple(table["names"]), []).append(table)
    for number, tables in enumerate(alike.values()):
        names = ", ".join(table["name"] for table in tables[:3]) + (" and others" if len(tables) > 3 else "")
        mapped = all(table["mapped"] for table in tables)
        failed = {row["name"] for row in report.files if row["status"] == "failed"}
        ask = not mapped or any(table["name"] in failed for table in tables)
        with st.expander(
            f"Columns of {components.plain(names)}" + ("" if mapped else ": is this right?"),
            icon=":material/view_column:",
            expanded=ask,
        ):
            _table(draft, tables[0], mapped, number)


def _table(draft: Draft, table: dict[str, Any], mapped: bool, number: int) -> None:
    if not mapped:
        st.caption(
            "Its layout is not known. This is what its columns may be, by their names, units and values: correct what "
            "is wrong, and the file is read."
        )
    for remark in table["remarks"]:
        st.caption(f":material/help: {components.plain(remark)}.")
    key = f"{draft.path.name}_{number}"
    edited = sizes.editor(
        rows(table),
        hide_index=True,
        disabled=["column", "first"],
        key=f"workspace_columns_{key}",
        column_config={
            "column": st.column_config.TextColumn("Column", width="medium"),
            "what": st.column_config.SelectboxColumn(
                "Read as",
                options=[NOTHING, TIME, SITE, *VARIABLES],
                width="small",
                help="Empty: the column is not read",
            ),
            "unit": st.column_config.TextColumn("Its unit", width="small", help="Empty: the unit usual here"),
            "negate": st.column_config.CheckboxColumn(
                "Turn the sign", width="small", help="NEE is negative for uptake here, GPP and RECO are positive"
            ),
            "first": st.column_config.TextColumn("First values", width="medium"),
        },
    )
    stamps = table["columns"]["stamps"]
    if table["steps"]:
        stamps = st.selectbox(
            "A time stamp is",
            list(_STAMPS),
            list(_STAMPS).index(stamps),
            _STAMPS.__getitem__,
            key=f"workspace_stamps_{key}",
        )
    if widgets.button(
        "Use these columns",
        icon=":material/check:",
        key=f"workspace_use_columns_{key}",
        help="The files are read again with it, and so is your next file with the same columns",
    ):
        with components.guarded():
            draft.put_columns(to_map(edited, stamps, table["steps"], table["name"]))
            drop.begin(draft, own.bounds(0, table["name"]))
            st.rerun()


def rows(table: dict[str, Any]) -> pd.DataFrame:
    """Return the columns of a table as rows: column, what it is, unit, whether its sign is the other one, first values.

    Args:
        table: one of ``ReadReport.tables``.
    """
    columns = ColumnMap.from_dict(table["columns"], table["name"])
    lines = []
    for name in table["names"]:
        known = columns.columns.get(name)
        what = TIME if name in columns.time else SITE if name == columns.site else known.variable if known else NOTHING
        unit, negate = (known.unit, known.negate) if known else ("", False)
        lines.append((name, what, unit, negate, ", ".join(table["first"][name])))
    return pd.DataFrame(lines, columns=["column", "what", "unit", "negate", "first"])


def to_map(edited: pd.DataFrame, stamps: str, steps: bool, where: str) -> ColumnMap:
    """Return the map that edited rows describe.

    Args:
        edited: as ``rows`` gives them.
        stamps: whether times begin or end steps.
        steps: the table has half-hours or hours: units left empty are theirs.
        where: file, for messages.

    Raises:
        TamrlError: two columns name the tower, or see ``ColumnMap.check``.
    """
    filled = edited.fillna({"what": NOTHING, "unit": "", "negate": False})
    by = {what: filled.loc[filled["what"] == what, "column"].tolist() for what in (TIME, SITE, NOTHING)}
    if len(by[SITE]) > 1:
        raise TamrlError(f"Two columns name the tower, {by[SITE][0]} and {by[SITE][1]}", where, "Keep one of them")
    columns = {
        row.column: Column(
            variable=row.what,
            unit=row.unit.strip() or (column_units.of_steps(row.what) if steps else variable(row.what).unit),
            negate=bool(row.negate),
        )
        for row in filled.itertuples()
        if row.what in VARIABLES
    }
    return ColumnMap(
        time=tuple(by[TIME]), stamps=stamps, site="".join(by[SITE]), columns=columns, ignored=tuple(by[NOTHING])
    ).check(where)
