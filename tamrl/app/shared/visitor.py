"""What this session may open of the server's files, what it may read of where they lie, and what it keeps there."""

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from tamrl.app.shared import presence
from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.system.access import ENVIRONMENT, Access, is_local
from tamrl.system.visits import Limits, Visits

_KNOWN, _NAME = "tamrl_known_folders", "tamrl_visitor"
#: Told apart from other visitors by this cookie of streamlit: random, and kept while the browser is open.
_COOKIE = "_streamlit_xsrf"


def access() -> Access:
    """Return what this session may open."""
    headers = {name: st.context.headers.get_all(name) for name in st.context.headers}
    peer = st.context.ip_address
    local = is_local(
        st.get_option("server.address"),
        headers,
        peer if isinstance(peer, str) else None,  # a test without a browser has none
        st.get_option("server.baseUrlPath") or "",
    )
    return Access.decide(local, os.environ.get(ENVIRONMENT))


def know(folders: Iterable[Path]) -> None:
    """Remember the folders that messages of this run name paths from, such as the open workspace."""
    st.session_state[_KNOWN] = tuple(folders)


def public(text: str) -> str:
    """Return a message as this session may read it, see ``tamrl.system.access.Access.public``."""
    own = [bundled_folder(""), Path(tempfile.gettempdir())]
    return access().public(text, [*st.session_state.get(_KNOWN, ()), *own])


@st.cache_resource(show_spinner=False)
def visits() -> Visits:
    """Return the folders of all visitors of this server.

    Raises:
        TamrlError: a limit in the environment is not a number.
    """
    made = Visits(Limits.read(os.environ))
    presence.people().also(made.sweep)
    return made


def arrive() -> None:
    """Note that this visitor is here; to be called in every run. Whoever sits at the computer is a visitor that stays.

    A server that has no place for what visitors keep says so where something is to be kept.
    """
    session = presence.session()
    if session is None:
        return
    with contextlib.suppress(TamrlError):
        if access().owner:
            visits().keep(name())
        else:
            presence.people().add(session, name(), presence.Left(visits().limits.minutes * 60, visits().remove))


def name() -> str:
    """Return what tells this visitor from others: the browser where it says so, else the session."""
    return browser() or st.session_state.setdefault(_NAME, uuid.uuid4().hex)


def browser() -> str:
    """Return what tells this browser from others, also after a reload; empty where it sends no cookie."""
    return _token(st.context.cookies.to_dict().get(_COOKIE, ""))


def _token(cookie: str) -> str:
    """Return the random part of streamlit's cookie, ``2|mask|masked token|time``; only the mask may change."""
    try:
        version, mask, masked, _ = cookie.strip("\"'").split("|")
        key, token = bytes.fromhex(mask), bytes.fromhex(masked)
    except ValueError:
        return ""
    if version != "2" or len(key) != 4 or len(token) < 16:
        return ""
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(token)).hex()


def kept_for() -> str:
    """Return in words how long what a visitor keeps here stays: ``until the server stops``."""
    limits = visits().limits
    if access().owner:
        return "until the server stops"
    return f"until {limits.minutes:g} minutes after you have left, {limits.hours:g} hours after their last use at most"
