"""The page Glossary: every term stands on it, one that is asked for comes first, and every figure leads to its own."""

import re

import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.glossary.terms import terms
from tamrl.app.shared import explain


def glossary(**address):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/glossary.py")
    at.query_params.update(address)
    return healthy(at.run())


def entries(at):
    """Names of the terms on the page, from the top."""
    return [m.value.split("**")[1] for m in at.main.markdown if m.value.startswith("**")]


@pytest.fixture(scope="module")
def whole():
    return glossary()


def test_every_term_stands_on_the_page_with_its_text_and_links(whole):
    assert entries(whole) == [term.name for term in terms().values()]
    text = "\n".join(m.value for m in whole.main.markdown)
    for term in terms().values():
        assert term.text in text
    assert not re.search(r"(?<!\[)doi:10\.", text), "a DOI without its link"
    assert not re.search(r"\]\((?!https://)", text), "a link that leads nowhere in the app"


def test_a_chosen_term_comes_first_and_the_address_keeps_it(whole):
    asked = list(terms().values())[-3]
    whole.selectbox(key="choose_term").set_value(asked.key).run()
    assert entries(healthy(whole))[0] == asked.name
    assert whole.query_params["term"] == asked.key
    whole.selectbox(key="choose_term").set_value(None).run()
    assert entries(healthy(whole))[0] == next(iter(terms().values())).name
    assert "term" not in whole.query_params


def test_what_is_this_of_every_figure_lands_at_its_term():
    known = terms()
    at = glossary()
    for key in sorted({row.term for row in explain._ROWS}):
        at.query_params["term"] = key
        assert entries(healthy(at.run()))[0] == known[key].name


def test_an_unknown_term_in_the_address_is_told_and_all_are_shown():
    at = glossary(term="no-such-term")
    assert "no-such-term" in at.warning[0].value
    assert len(entries(at)) == len(terms())
