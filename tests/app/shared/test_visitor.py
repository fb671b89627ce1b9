"""Whose files stay how long: the owner's while the server runs, a visitor's while a window is open."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from tamrl.app.shared import presence, visitor
from tamrl.app.shared.presence import Presence
from tamrl.system.access import Access


@pytest.fixture
def server(monkeypatch):
    """What a server with one window notes: whose files stay, whose were removed, and the time."""
    said = SimpleNamespace(kept=[], removed=[], now=0.0)
    folders = SimpleNamespace(
        keep=said.kept.append, remove=said.removed.append, limits=SimpleNamespace(minutes=10, hours=12)
    )
    said.people = Presence(lambda session: False, lambda: said.now)
    monkeypatch.setattr(visitor, "visits", lambda: folders)
    monkeypatch.setattr(visitor.presence, "people", lambda: said.people)
    return said


def script():
    import streamlit as st

    from tamrl.app.shared import visitor

    visitor.arrive()
    st.text(visitor.kept_for())


@pytest.mark.parametrize("owner", [True, False])
def test_a_run_says_who_is_here_and_how_long_things_stay(server, monkeypatch, owner):
    monkeypatch.setattr(visitor, "access", lambda: Access.decide(owner))
    at = AppTest.from_function(script).run()
    assert not at.exception
    name = at.session_state["tamrl_visitor"]
    assert server.kept == ([name] if owner else [])
    assert ("10 minutes after you have left" in at.text[0].value) != owner
    server.now = 599
    server.people.look()
    assert server.removed == []
    server.now = 600
    server.people.look()
    assert server.removed == ([] if owner else [name])


def test_a_session_is_asked_for_at_the_server_that_has_it(monkeypatch):
    server = SimpleNamespace(exists=lambda: True, get_instance=lambda: SimpleNamespace(is_active_session="open".__eq__))
    monkeypatch.setattr(presence, "runtime", server)
    assert presence._has_browser("open")
    assert not presence._has_browser("closed")
