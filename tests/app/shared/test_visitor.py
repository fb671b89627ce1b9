"""Whose files stay how long: the owner's while the server runs, a visitor's while a window is open."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from tamrl.app.shared import visitor
from tamrl.system.access import Access


@pytest.fixture
def noted(monkeypatch):
    """What the server was told of who is here."""
    told = []
    limits = SimpleNamespace(minutes=10, hours=12)
    monkeypatch.setattr(visitor, "visits", lambda: SimpleNamespace(here=lambda *who: told.append(who), limits=limits))
    return told


def script():
    import streamlit as st

    from tamrl.app.shared import visitor

    visitor.arrive()
    st.text(visitor.kept_for())


@pytest.mark.parametrize("owner", [True, False])
def test_a_run_says_who_is_here_and_how_long_things_stay(noted, monkeypatch, owner):
    monkeypatch.setattr(visitor, "access", lambda: Access.decide(owner))
    at = AppTest.from_function(script).run()
    assert not at.exception
    ((name, session),) = noted
    assert name == at.session_state["tamrl_visitor"]
    assert (session is None) == owner
    assert ("10 minutes after you have left" in at.text[0].value) != owner


def test_a_session_is_asked_for_at_the_server_that_has_it(monkeypatch):
    assert visitor._connected("no server, as in a test")
    server = SimpleNamespace(exists=lambda: True, get_instance=lambda: SimpleNamespace(is_active_session="open".__eq__))
    monkeypatch.setattr(visitor, "runtime", server)
    monkeypatch.setattr(visitor.presence, "runtime", server)
    assert visitor._connected("open")
    assert not visitor._connected("closed")
