"""A session that was closed is noticed, one that comes back soon is not disturbed."""

import pytest

from tamrl.app.shared import presence
from tamrl.app.shared.presence import DROP_S, STOP_S, Presence


class Server:
    """Sessions that come and go, and what was done about it."""

    def __init__(self):
        self.active, self.now, self.said = {"one", "two"}, 0.0, []
        self.presence = Presence(
            self.active.__contains__,
            lambda owner: self.said.append(("stop", owner)),
            lambda owner: self.said.append(("drop", owner)),
            lambda: self.now,
        )
        self.presence.add("one", "ann")
        self.presence.add("two", "bob")

    def after(self, seconds):
        self.now += seconds
        self.presence.look()
        return self.said


@pytest.fixture
def server():
    return Server()


def test_work_of_a_closed_session_is_stopped_and_then_its_results_are_dropped(server):
    assert server.after(1000) == []
    server.active.remove("one")
    assert server.after(STOP_S - 1) == []
    assert server.after(1) == [("stop", "ann")]
    assert server.after(5) == [("stop", "ann")]
    assert server.after(DROP_S) == [("stop", "ann"), ("drop", "ann")]
    assert server.after(DROP_S) == [("stop", "ann"), ("drop", "ann")]


def test_a_session_that_comes_back_goes_on(server):
    server.active.remove("two")
    assert server.after(STOP_S - 1) == []
    server.active.add("two")
    assert server.after(DROP_S) == []
    server.active.remove("two")
    assert server.after(STOP_S - 1) == []
    server.presence.add("two", "bob")  # it asked for work
    assert server.after(STOP_S - 1) == []
    assert server.after(1) == [("stop", "bob")]


def test_without_a_server_nobody_has_a_browser():
    assert presence.session() is None
    assert not presence.has_browser("one")
