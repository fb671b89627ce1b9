"""Bring a part of the page into view, once for each new thing that it shows."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

_JS = """
const seen = (window.tamrlSeen ??= {});
export default function ({ data }) {
  const { part, turn } = data;
  if (!turn || seen[part] === turn) return;
  seen[part] = turn;
  // What was just drawn has no height yet.
  setTimeout(() => {
    document.querySelector(`.st-key-${CSS.escape(part)}`)?.scrollIntoView({ block: "start" });
  }, 150);
}
"""


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    return st.components.v2.component("tamrl_scroll", js=_JS)


def to(part: str, turn: str) -> None:
    """Scroll the container with the key ``part`` to the top of the page, once for each ``turn``.

    Args:
        part: key of the container.
        turn: what is shown there; empty for nothing that is new.
    """
    _component()(key=f"scroll-to-{part}", data={"part": part, "turn": turn}, height="content")
