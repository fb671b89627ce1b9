"""Workspace, at the top: files are dropped, kept apart for this visitor, and read in the background."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from tamrl.app.shared import components, jobs, own
from tamrl.app.shared.waiting import Share, ShareJob
from tamrl.errors import TamrlError
from tamrl.system.contained import Bounds
from tamrl.towers.report import ReadReport
from tamrl.towers.shelf import MOST_FILES, Draft, Shelf

#: How often the page looks at a running reading [s].
POLL_S = 0.7
#: Number of uploaders so far: a new one is empty.
_UPLOADER = "tamrl_workspace_uploader"
_JOB, _DRAFT, ACCEPTED = "tamrl_workspace_job", "tamrl_workspace_draft", "tamrl_workspace_accepted"


def section(shelf: Shelf) -> None:
    """Draw the box for files, and begin to read what was sent."""
    sent = st.file_uploader(
        "Drop the files of your towers here",
        accept_multiple_files=True,
        key=f"workspace_files_{st.session_state.get(_UPLOADER, 0)}",
        help="Half-hourly, hourly or daily FLUXNET, AmeriFlux or ICOS files as CSV, gz or the published zip; "
        "REddyProc output; tables of towers as Parquet or CSV with sites.csv beside them; satellite series and BIF "
        "tables that belong to them; any other CSV, Excel or Parquet table with one row per time, whose columns you "
        "can then check. "
        f"At most {MOST_FILES} at once.",
    )
    st.caption(
        "Half-hourly to daily files as CSV, gz or the published zip, one or many. Files and workspaces are kept for "
        "you alone."
    )
    if sent:
        # What was sent is written to the disk and leaves the memory, and is not sent again at the next run.
        st.session_state[_UPLOADER] = st.session_state.get(_UPLOADER, 0) + 1
        draft = None
        try:
            names = ", ".join(file.name for file in sent[:3])
            limit = own.bounds(sum(file.size for file in sent), names)
            draft = shelf.new_draft()
            for file in sent:
                draft.place_for(file.name).write_bytes(file.getbuffer())
        except (TamrlError, OSError) as error:
            if draft is not None:
                draft.discard()
            if isinstance(error, OSError):
                what = f"The files cannot be kept: {error.strerror or error}"
                raise TamrlError(what, names, "Try again in some hours") from error
            raise
        begin(draft, limit)
        st.rerun()


def begin(draft: Draft, bounds: Bounds) -> None:
    """Read the files of a draft in the background."""
    before = st.session_state.get(_JOB)
    if before is not None:
        before.cancel()

    def work(on_step: Callable[[Share], None], cancelled: Callable[[], bool]) -> ReadReport:
        return draft.read(lambda share: on_step(Share(share)), bounds, cancelled)

    st.session_state.pop(ACCEPTED, None)
    st.session_state[_DRAFT] = draft.path
    count = len(draft.files)
    title = f"Reading {draft.files[0].name}" if count == 1 else f"Reading {count} files"
    st.session_state[_JOB] = ShareJob(draft.path, title, work, jobs.READ, jobs.owner())


def running() -> bool:
    """Show the running reading, or what ended it; return whether one is running."""
    job = st.session_state.get(_JOB)
    if job is None:
        return False
    if job.status == "running":
        st.fragment(_live, run_every=POLL_S)()
        return True
    if job.status == "failed":
        components.show_error(job.error)
    elif job.status == "cancelled":
        st.info("The reading was cancelled.", icon=":material/cancel:")
    if job.status != "done":
        forget(Draft(job.key))
    return False


def _live() -> None:
    job = st.session_state.get(_JOB)
    if job is None or job.status != "running":
        st.rerun()
    with st.container(border=True, key="workspace_reading"):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.progress(job.progress(), text=job.said())
        right.button("Cancel", icon=":material/stop:", on_click=job.cancel, width="stretch", key="workspace_cancel")


def current(shelf: Shelf) -> Draft | None:
    """Return what was read and is neither accepted nor discarded: of this session, or left from one before."""
    path: Path | None = st.session_state.get(_DRAFT)
    ready = [draft for draft in shelf.drafts() if draft.ready]
    mine = [draft for draft in ready if draft.path == path]
    return next(iter(mine), None) or (ready[-1] if ready and ACCEPTED not in st.session_state else None)


def forget(draft: Draft) -> None:
    """Remove what was sent and read."""
    draft.discard()
    st.session_state.pop(_DRAFT, None)
    st.session_state.pop(_JOB, None)
