"""What the user has chosen: kept across pages, written into the URL, and read back from it.

The session holds one value for each name of ``PARAMETERS``. At the start of a run a URL value that the app
did not write itself (a deep link, the back button, a link with parameters) wins; at its end the URL is
written anew, so that the address of every page restores it.
"""

import math
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_VALUES, _WRITTEN, _BEFORE, _REFUSED = "tamrl_values", "tamrl_written", "tamrl_written_before", "tamrl_refused"
#: What the address of this run newly asks for, and what of it is not to be had: name -> its text.
_ASKED, _LEFT_OUT = "tamrl_asked", "tamrl_left_out"
#: Seconds in which a browser may still send the address that the app has just replaced.
_LATE_S = 3.0
#: Characters of a value in the address; a longer one is none that the app has written.
_LONGEST = 2000


@dataclass(frozen=True)
class Parameter:
    """How one choice is read from and written to the URL.

    Attributes:
        read: text of the URL to value; a ValueError means that the text is not understood, which is told.
        write: value to text of the URL.
    """

    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str


def _years(text: str) -> tuple[int, int]:
    first, last = text.split("-")
    return min(int(first), int(last)), max(int(first), int(last))


def _whole(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError(text)
    return value


def _flag(text: str) -> bool:
    return bool(re.fullmatch("1|true|yes", text))


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < 10:
        raise ValueError(text)
    return value


def _month(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 12:
        raise ValueError(text)
    return value


def _coordinate(limit: float) -> Parameter:
    """Return how degrees between -limit and limit are kept, to about 10 m."""

    def read(text: str) -> float:
        value = float(text)
        if not -limit <= value <= limit:
            raise ValueError(text)
        return value

    return Parameter(read, lambda value: f"{value:.4f}".rstrip("0").rstrip("."))


#: The world map's view of the whole Earth, as the map itself begins, and more zoom than it has.
WHOLE_EARTH, _MOST_ZOOM = (13.0, 0.0, 1.0), 1000.0


def _view(text: str) -> tuple[float, float, float] | None:
    """Return latitude, longitude and zoom of the world map; None where it shows the whole Earth."""
    lat, lon, zoom = (float(part) for part in text.split(","))
    if not (abs(lat) <= 90 and abs(lon) <= 180 and 1 <= zoom <= _MOST_ZOOM):
        raise ValueError(text)
    return None if (lat, lon, zoom) == WHOLE_EARTH else (lat, lon, zoom)


def _pair(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split(","))
    if not low < high or not math.isfinite(high - low):
        raise ValueError(text)
    return low, high


def _tails(text: str) -> tuple[float, float]:
    low, high = _pair(text)
    if low < 0 or high > 100:
        raise ValueError(text)
    return low, high


def _write_pair(pair: tuple[float, float]) -> str:
    return f"{pair[0]:g},{pair[1]:g}"


#: Choices of the sidebar, which count on every page; the address of the first page holds no others.
EVERYWHERE = ("folder", "ws", "model")
_TEXT = Parameter()
_LIST = Parameter(lambda text: [part for part in text.split(",") if part], ",".join)
_COUNT = Parameter(_whole)
PARAMETERS: dict[str, Parameter] = {
    "folder": _TEXT,
    "ws": _TEXT,
    "model": _TEXT,
    "site": _TEXT,
    "igbp": _LIST,
    "climate": _LIST,
    "continent": _LIST,
    "years": Parameter(_years, lambda pair: f"{pair[0]}-{pair[1]}"),
    "flux": _TEXT,
    "drivers": _LIST,
    "low": Parameter(_flag, lambda flag: "1" if flag else "0"),
    "start": Parameter(lambda text: pd.Timestamp(text).date(), str),
    "days": _COUNT,
    "method": _TEXT,
    "steps": _COUNT,
    "lr": Parameter(_rate, lambda value: f"{value:g}"),
    "seen": Parameter(_flag, lambda flag: "1" if flag else "0"),
    "gaps": Parameter(_flag, lambda flag: "1" if flag else "0"),
    "scope": _TEXT,
    "run": Parameter(_flag, lambda flag: "1" if flag else "0"),
    # of the presenter's page
    "story": _COUNT,
    "step": _COUNT,
    # of the Scorecard
    "scores": _TEXT,
    "section": _TEXT,
    "design": _TEXT,
    "placement": _TEXT,
    "metric": _TEXT,
    "scale": _TEXT,
    "against": _TEXT,
    "network": _LIST,
    "shots": _COUNT,
    "subject": _TEXT,
    "show": _TEXT,
    "by": _TEXT,
    "group": _TEXT,
    "tower": _TEXT,
    "same": Parameter(_flag, lambda flag: "1" if flag else "0"),
    "band": Parameter(_share, lambda value: f"{value:g}"),
    # of the Task space
    "hue": _TEXT,
    "trait": _TEXT,
    "plane": _TEXT,
    "part": _TEXT,
    "way": _TEXT,
    "member": _COUNT,
    "blind": Parameter(_flag, lambda flag: "1" if flag else "0"),
    # of the Glossary
    "term": _TEXT,
    # of the World page
    "map": _TEXT,
    "with": _TEXT,
    "mode": _TEXT,
    "layer": _TEXT,
    "season": _TEXT,
    "month": Parameter(_month, str),
    "year": _COUNT,
    "lat": _coordinate(90),
    "lon": _coordinate(180),
    "view": Parameter(_view, lambda view: ",".join(f"{round(part, 2):g}" for part in view)),
    "veg": Parameter(_flag, lambda flag: "1" if flag else "0"),
    "range": Parameter(_pair, _write_pair),
    "tails": Parameter(_tails, _write_pair),
    "mask": Parameter(_flag, lambda flag: "1" if flag else "0"),
    "dots": Parameter(_flag, lambda flag: "1" if flag else "0"),
    "palette": _TEXT,
    "speed": _TEXT,
    "curtain": Parameter(_flag, lambda flag: "1" if flag else "0"),
    # of the Lessons page
    "lesson": _TEXT,
    "stage": _TEXT,
    "class": _TEXT,
}


def restore() -> bool:
    """Take what the URL says where the app did not write it itself; to be called first in every run.

    A browser may ask for a run before it has heard of the address that the last run wrote: what was replaced a moment
    ago is not taken back. Where the user went back or forward, the address is all that counts: what it lacks is
    forgotten. A change of page empties the address and forgets nothing.

    Returns:
        Whether the address newly asks for more than the sidebar's choices, and was not gone back to.
    """
    values = st.session_state.setdefault(_VALUES, {})
    written = st.session_state.setdefault(_WRITTEN, {})
    new, back = False, _went_back()
    if back:
        values.clear()
        written.clear()
        st.session_state.pop(_BEFORE, None)
    before, now = st.session_state.get(_BEFORE, {}), time.monotonic()
    st.session_state[_ASKED] = {}
    for name, parameter in PARAMETERS.items():
        text = st.query_params.get(name)
        if text is None or text == written.get(name) or len(text) > _LONGEST:
            continue
        replaced, when = before.get(name, ("", -math.inf))
        if text == replaced and now - when < _LATE_S:
            continue
        new = new or name not in EVERYWHERE
        st.session_state[_ASKED][name] = text
        try:
            read = parameter.read(text)
        except ValueError:
            leave_out(name)
            continue
        if not any(read == refused and now - when < _LATE_S for refused, when in _refused(name)):
            values[name] = read
    return new and not back


def _went_back() -> bool:
    """Return whether this run was asked for by the browser's back or forward button."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: PARAMETERS[name].write(value) for name, value in values.items() if value not in (None, "", [])}


def address(**values: Any) -> str:
    """Return the whole address that restores this page; empty where there is no browser.

    Args:
        values: choices that are not those of the page now; None leaves one out.
    """
    query = urlencode(_texts(st.session_state.get(_VALUES, {}) | values))
    page = st.context.url
    return f"{page}?{query}" if page else ""


def publish(everywhere: bool = False) -> None:
    """Write every choice into the URL, or those of ``EVERYWHERE`` alone; to be called last in every run."""
    chosen = {n: v for n, v in st.session_state.get(_VALUES, {}).items() if n in EVERYWHERE or not everywhere}
    texts = _texts(chosen)
    if st.query_params.to_dict() != texts:
        st.query_params.from_dict(texts)
    written, now = st.session_state.get(_WRITTEN, {}), time.monotonic()
    before = {name: (text, now) for name, text in written.items() if texts.get(name) != text}
    st.session_state.setdefault(_BEFORE, {}).update(before)
    st.session_state[_WRITTEN] = texts


def get(name: str, default: Any = None) -> Any:
    """Return the user's choice, or ``default`` where there is none."""
    value = st.session_state.get(_VALUES, {}).get(name)
    return default if value is None else value


def put(name: str, value: Any) -> None:
    """Set a choice; None forgets it."""
    values = st.session_state.setdefault(_VALUES, {})
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def asked(name: str) -> bool:
    """Return whether the address of this run newly asks for something by a name."""
    return name in st.session_state.get(_ASKED, {})


def leave_out(name: str, part: str | None = None) -> None:
    """Forget a choice that is not to be had; what the address has just asked for is kept for ``left_out``.

    Args:
        name: of the choice.
        part: of its text that is not to be had; None is all of it.
    """
    text = st.session_state.get(_ASKED, {}).pop(name, None)
    put(name, None)
    if text is not None:
        st.session_state.setdefault(_LEFT_OUT, {})[name] = part or text


def among(name: str, options: Collection[str]) -> list[str]:
    """Return those of a list of choices that are to be had, and forget the others as ``leave_out`` does."""
    values = get(name, [])
    found = [value for value in values if value in options]
    if len(found) < len(values):
        leave_out(name, ",".join(value for value in values if value not in options))
    put(name, found or None)
    return found


def left_out() -> dict[str, str]:
    """Return once what of the address is not to be had: name -> its text."""
    return st.session_state.pop(_LEFT_OUT, {})


def refuse(name: str) -> None:
    """Forget what the user chose, and give the next run another widget for it.

    A request that is under way still brings the refused value, in the old widget or in its address: from there it is
    not taken again.
    """
    st.session_state.setdefault(_REFUSED, {}).setdefault(name, []).append((get(name), time.monotonic()))
    put(name, None)


def bind(name: str, default: Any = None) -> dict[str, Any]:
    """Return the key and callback that tie a widget to the choice ``name``; the widget takes no default itself."""
    turn = len(_refused(name))
    key = f"choose_{name}_{turn}" if turn else f"choose_{name}"
    st.session_state[key] = get(name, default)
    return {"key": key, "on_change": _take, "args": (name, key, turn)}


def _refused(name: str) -> list[tuple[Any, float]]:
    """Return what was refused of a choice, and when, in its order."""
    return st.session_state.get(_REFUSED, {}).get(name, [])


def _take(name: str, key: str, turn: int) -> None:
    if st.session_state[key] not in [value for value, _ in _refused(name)[turn : turn + 1]]:
        put(name, st.session_state[key])
