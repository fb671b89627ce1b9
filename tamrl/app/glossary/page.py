"""Glossary: the terms of the pages, with their sources."""

import streamlit as st

from tamrl.app import router
from tamrl.app.glossary.terms import terms
from tamrl.app.shared import components, state

TITLE = "Glossary"
LEAD = "The terms of these pages, with their sources."


def _body() -> None:
    """Draw the page: the term that the address names comes first."""
    known = terms()
    asked = state.get("term")
    if asked is not None and asked not in known:
        st.warning(f"There is no term {components.quoted(asked)} in this glossary.", icon=":material/link_off:")
        state.put("term", None)
        asked = None
    st.selectbox(
        "Term",
        list(known),
        format_func=lambda key: known[key].name,
        placeholder="all terms",
        **state.bind("term", asked),
        index=None,
    )
    asked = state.get("term")
    if asked is not None:
        with st.container(border=True, key="glossary_asked"):
            st.markdown(f"**{known[asked].name}**  \n{known[asked].text}")
    for term in known.values():
        st.markdown(f"**{term.name}**  \n{term.text}")


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    with components.guarded():
        components.page_header(TITLE, LEAD, False)
        _body()
