"""Workspace, in the middle: what was read, tower by tower, and what became of every file."""

from typing import Any

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl.app.shared import components, own, sizes, theme, visitor
from tamrl.app.shared.components import Origin
from tamrl.app.workspace import accept, columns, drop, place
from tamrl.figures import style
from tamrl.figures.towers import coverage
from tamrl.schema import VARIABLES
from tamrl.system.account import KINDS, IngestReport
from tamrl.towers.archive import record
from tamrl.towers.fill import FILLED
from tamrl.towers.report import STATUS, ReadReport
from tamrl.towers.shelf import Draft, Shelf

#: More lines of one kind are counted.
_MOST_LINES = 30
_VERDICT = {"agrees": "✓ agrees", "contradicts": "✗ contradicts", "not judged": "not judged"}


def show(draft: Draft, shelf: Shelf) -> None:
    """Draw the report of a draft, and what can be done with it."""
    report = draft.report()
    _heading(report)
    _remarks(report)
    columns.section(draft, report)
    if not report.sites:
        _files(report, open_now=True)
        st.button("Discard", icon=":material/delete:", key="workspace_discard", on_click=drop.forget, args=(draft,))
        return
    site = report.sites[0]
    if len(report.sites) > 1:
        _overview(report)
        site = st.selectbox(
            f"Tower ({len(report.sites)} were read)", report.sites, key=f"workspace_tower_{draft.path.name}"
        )
    _tower(draft, report, site)
    _files(report, open_now=any(row["status"] == "failed" for row in report.files))
    accept.section(draft, report, shelf, site)


def _heading(report: ReadReport) -> None:
    count = len(report.sites)
    one = _text(report.sites[0]) if count == 1 else f"{count} towers"
    st.header(one if count else "No tower was read", anchor=False)
    if count:
        st.caption("Read, and not yet part of a workspace: look at it, then accept or discard it.")
    else:
        st.caption("No tower could be read from these files. The table below says why, file by file.")


def _remarks(report: ReadReport) -> None:
    """Say what was rejected, and what must be doubted, of more than one tower."""
    failed = [row for row in report.files if row["status"] == "failed"]
    if failed and report.sites:
        names = ", ".join(row["name"] for row in failed[:3]) + (" and others" if len(failed) > 3 else "")
        st.warning(f"Rejected: {_text(names)}. The table of files says why.", icon=":material/block:")
    for lines, head, icon in (
        (report.faults, "These variables contradict the others at most towers; they are kept as read", "rule"),
        (report.doubts, "The unit of these variables is in doubt; they are kept as read", "straighten"),
        (report.failures, "Left out", "block"),
    ):
        if lines:
            st.warning(
                f"**{head}:**" + "".join(f"\n- {_text(line)}" for line in lines[:_MOST_LINES]),
                icon=f":material/{icon}:",
            )


def _text(text: str) -> str:
    return components.plain(visitor.public(text))


def _overview(report: ReadReport) -> None:
    """Draw one row a tower."""
    odd = pd.Series([row["site"] for row in report.audit if row["verdict"] == "contradicts"], dtype=str).value_counts()
    rows = [
        (r["site"], f"{r['first']} to {r['last']}", r["days"], r["igbp"], r["koeppen"], r["position"], r["n_outside"])
        for r in report.towers
    ]
    table = pd.DataFrame(rows, columns=["site", "record", "days", "igbp", "koeppen", "position", "aside"])
    sizes.table(
        table.assign(odd=table["site"].map(odd).fillna(0).astype(int)),
        hide_index=True,
        key="workspace_overview",
        column_config={
            "site": st.column_config.TextColumn("Tower", pinned=True, width=80),
            "record": st.column_config.TextColumn("Record", width=190),
            "days": st.column_config.NumberColumn("Days", format="localized", width=70),
            "igbp": st.column_config.TextColumn("IGBP", width=80),
            "koeppen": st.column_config.TextColumn("Köppen", width=80),
            "position": st.column_config.CheckboxColumn("Position known", width=110),
            "aside": st.column_config.NumberColumn("Values rejected", format="localized", width=110),
            "odd": st.column_config.NumberColumn("Checks that contradict", width=150),
        },
    )


def _tower(draft: Draft, report: ReadReport, site: str) -> None:
    """Draw what is known of one tower."""
    row = report.tower(site)
    aside = f"{row['n_outside']:,} values rejected" if row["n_outside"] else "no value rejected"
    facts = (
        *(f"{row['first']} to {row['last']}", f"{row['days']:,} days"),
        *(
            f"land cover {components.class_name(row['igbp'])}",
            f"climate {components.climate_name(row['koeppen'])}",
            aside,
        ),
    )
    with st.container(key="workspace_facts"):
        st.markdown(" · ".join(facts))
    tower = record(draft.workspace.archive(), site)
    place.section(draft, tower, site)
    st.markdown("**What the record holds**")
    components.figure(
        f"{site}_coverage",
        coverage.coverage(tower, theme.current()),
        coverage.in_words(tower),
        Origin(f"{site}, {tower['source'].item()}", False),
        lambda: coverage.monthly_shares(tower).T.rename_axis("month"),
    )
    st.caption("Grey: no value in the month. Valid days have a flux, and a quality (NEE_QC) of at least 0.7.")
    _lacking(draft, tower, site)
    _variables(row, site)
    _checks(report, site)
    _account(report.of_tower(site), site)


def _lacking(draft: Draft, tower: xr.Dataset, site: str) -> None:
    """Say which drivers of the bundled model the record lacks altogether, and offer what can be filled."""
    from tamrl.config import ModelConfig

    wanted = [name for name in ModelConfig().drivers if name in VARIABLES]
    lacking = [n for n in wanted if n not in tower or not bool(tower[n].notnull().any())]
    if lacking:
        named = ", ".join(f"{n} ({VARIABLES[n].long_name.lower()})" for n in lacking)
        st.caption(
            f"Drivers of the bundled model that these files lack: {named}. The model runs without them, less well: "
            "to add them, drop a table with the columns site, date and their names together with the tower files."
        )
    if draft.filled or set(lacking) & set(FILLED):
        _fill(draft, site)


def _fill(draft: Draft, site: str) -> None:
    """Offer to fill what a tower lacks of leaves and rain; a change reads the files again."""
    key = f"workspace_fill_{draft.path.name}_{site}"
    wanted = st.toggle(
        f"Fill missing {', '.join(FILLED)} with the mean annual cycle of the bundled global drivers",
        value=draft.filled,
        key=key,
        help="At the position of the tower, marked in its source wherever it is named. On 163 held-out towers without "
        "LAI and EVI the RMSE of GPP rose by 23 % zero-shot where they were left out, by 13 % where they were filled "
        "(RECO 13 and 8 %, NEE 8 and 6 %); without precipitation by 1 % or less. Daily weather is not filled.",
    )
    if wanted != draft.filled:
        draft.put_filled(wanted)
        drop.begin(draft, own.bounds(0, site))
        st.rerun()


def _variables(row: dict[str, Any], site: str) -> None:
    """Draw the variables that were read, with the unit that each is kept in."""
    missing = {n: row.get(f"missing_{n}") for n in VARIABLES}
    rows = [
        (name, VARIABLES[name].long_name, style.unit_label(VARIABLES[name].unit) or "1", 100 * (1 - share))
        for name, share in missing.items()
        if share is not None
    ]
    with st.expander(f"Variables and units of {_text(site)} ({len(rows)})", icon=":material/straighten:"):
        sizes.table(
            pd.DataFrame(rows, columns=["variable", "name", "unit", "share"]),
            hide_index=True,
            key=f"workspace_variables_{site}",
            column_config={
                "variable": st.column_config.TextColumn("Variable", width="small"),
                "name": st.column_config.TextColumn("Name", width="large"),
                "unit": st.column_config.TextColumn("Kept in", width="small"),
                "share": st.column_config.NumberColumn("Days with a value [%]", format="%.0f", width="small"),
            },
        )
        st.caption("Values that came in another unit are listed below, as converted.")


def _checks(report: ReadReport, site: str) -> None:
    """Draw the checks of one tower: its variables against each other and its place."""
    table = report.checks(site)
    if table.empty:
        return
    odd = int((table["verdict"] == "contradicts").sum())
    judged = int((table["verdict"] != "not judged").sum())
    said = f"{odd} of {judged} contradict" if odd else f"{judged} judged, none contradicts" if judged else "none judged"
    for row in table[table["verdict"] == "contradicts"].itertuples():
        st.warning(f"{_text(row.found)}; expected {_text(row.expected)}.", icon=":material/rule:")
    with st.expander(f"Checks of {_text(site)}: {said}", icon=":material/rule:"):
        sizes.table(
            table.assign(verdict=table["verdict"].map(_VERDICT)),
            hide_index=True,
            key=f"workspace_checks_{site}",
            column_config={
                "check": st.column_config.TextColumn("Check", width=170),
                "found": st.column_config.TextColumn("Found", width="large"),
                "expected": st.column_config.TextColumn("Expected", width="medium"),
                "verdict": st.column_config.TextColumn("Verdict", width="small"),
            },
        )
        st.caption("Checks change nothing. A contradiction is most often due to a unit, a sign or a shifted clock.")


def _account(entries: IngestReport, subject: str) -> None:
    """Say what was done to the data of one tower: rejected, missing, converted, assumed."""
    if not len(entries):
        return
    counts = entries.table()["kind"].value_counts()
    said = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)
    with st.expander(f"What was done to the data of {_text(subject)}: {said}", icon=":material/fact_check:"):
        for kind, meaning in KINDS.items():
            listed = [f"\n- {_text(entry.words)}" for entry in entries if entry.kind == kind]
            if listed:
                more = f"\n- and {len(listed) - _MOST_LINES} more" if len(listed) > _MOST_LINES else ""
                st.markdown(f"**{kind.capitalize()}**: {meaning}\n" + "".join(listed[:_MOST_LINES]) + more)


def _files(report: ReadReport, open_now: bool) -> None:
    """Draw what became of every file."""
    files = pd.DataFrame(report.files, columns=["name", "status", "reason"])
    # What failed is seen first.
    files = files.sort_values("status", key=lambda s: s != "failed", kind="stable")
    files = files.assign(status=files["status"].map(STATUS), reason=files["reason"].map(visitor.public))
    with st.expander(f"Files ({len(files)})", icon=":material/description:", expanded=open_now):
        sizes.table(
            files,
            hide_index=True,
            key="workspace_files_table",
            column_config={
                "name": st.column_config.TextColumn("File", width="medium"),
                "status": st.column_config.TextColumn("Result", width=90),
                "reason": st.column_config.TextColumn("Towers, or why not", width="large"),
            },
        )
        # A table cuts off what is longer than its column.
        for row in [row for row in report.files if row["status"] == "failed"][:_MOST_LINES]:
            st.caption(f"**{_text(row['name'])}**: {_text(row['reason'])}")
        for entry in report.of_files():
            st.caption(f"{_text(entry.subject)}: {_text(entry.words)}")
