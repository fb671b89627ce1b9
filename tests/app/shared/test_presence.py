"""Who has gone is noticed, whoever comes back soon or has another window is not disturbed."""

import threading

import pytest

from tamrl.app.shared import presence
from tamrl.app.shared.jobs import DROP_S, STOP_S
from tamrl.app.shared.presence import Left, Presence


class Server:
    """Sessions that come and go, and what was done about it."""

    def __init__(self):
        self.active, self.now, self.said = {"one", "two"}, 0.0, []
        self.presence = Presence(self.active.__contains__, lambda: self.now)
        self.left = (
            Left(STOP_S, lambda owner: self.said.append(("stop", owner))),
            Left(DROP_S, lambda owner: self.said.append(("drop", owner))),
        )
        self.presence.add("one", "ann", *self.left)
        self.presence.add("two", "bob", *self.left)

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
    assert len(server.presence) == 1  # nothing is remembered of who has left


def test_a_session_that_comes_back_goes_on(server):
    server.active.remove("two")
    assert server.after(STOP_S - 1) == []
    server.active.add("two")
    assert server.after(DROP_S) == []
    server.active.remove("two")
    assert server.after(STOP_S - 1) == []
    server.presence.add("two", "bob", *server.left)  # it asked for work
    assert server.after(STOP_S - 1) == []
    assert server.after(1) == [("stop", "bob")]


def test_after_a_long_pause_all_that_is_due_is_done_in_its_order(server):
    server.active.remove("one")
    assert server.after(10 * DROP_S) == [("stop", "ann"), ("drop", "ann")]


def test_who_has_several_windows_leaves_with_the_last_and_stays_over_a_reload(server):
    gone = Left(600, lambda name: server.said.append(("gone", name)))
    server.presence.add("one", "visitor", gone)
    server.presence.add("two", "visitor", gone)
    server.active.remove("one")
    assert ("gone", "visitor") not in server.after(18_000)  # a visit that goes on
    server.active.remove("two")
    assert ("gone", "visitor") not in server.after(599)
    server.presence.add("three", "visitor", gone)  # the page was loaded again: another session
    server.active.add("three")
    assert ("gone", "visitor") not in server.after(18_000)
    server.active.remove("three")
    assert ("gone", "visitor") not in server.after(599)
    assert server.after(1).count(("gone", "visitor")) == 1
    assert len(server.presence) == 0


def test_the_same_name_in_another_part_is_somebody_else(server):
    server.presence.add("two", "ann", Left(1, lambda name: server.said.append(("other", name))))
    server.active.remove("two")
    assert server.after(STOP_S) == [("stop", "bob"), ("other", "ann")]


def test_a_failure_does_not_end_the_looking(monkeypatch, caplog):
    monkeypatch.setattr(presence, "_LOOK_S", 0.001)
    looked = threading.Event()

    def fail(name):
        raise OSError("no disk")

    made = Presence(lambda session: False)
    made.add("one", "ann", Left(0, fail))
    made.also(lambda: looked.set() if len(made) == 0 else None)
    made.look_on()
    assert looked.wait(10)
    assert "no disk" in caplog.text


def test_without_a_server_nobody_has_a_browser():
    assert presence.session() is None
    assert not presence._has_browser("one")


def test_what_is_done_at_the_looks_is_done_as_often_as_was_asked_for():
    regular = presence._Regular(lambda: None, 10.0, 0.0)
    assert [now for now in range(0, 31, 2) if regular.due(now)] == [10, 20, 30]
