"""Where the presenter stands: which tale and which step, forwards, and back to the state before."""

from typing import Any

import streamlit as st

from tamrl.app.lab import stories
from tamrl.app.lab.stories import Story
from tamrl.app.shared import state
from tamrl.bundled import bundled_workspaces
from tamrl.towers.workspace import Workspace

#: Steps of a tale, as the dots name them.
STEPS = ("The place", "Zero-shot", "The labels", "Adapting", "Before and after", "Where it helps")
#: The step at which the model adapts; later ones show what came of it.
ADAPTING = 4
#: Number of stories; the next number is the tower that the audience picks.
TOLD = 3
AUDIENCE = TOLD + 1
#: Workspace of the stories, as the address names it.
OF_STORIES = "fluxnet2015"
#: What makes up a state that undo returns to.
_NAMES = ("story", "step", "site", "start", "days", "flux", "method", "steps", "lr", "gaps", "ws", "model")
_BEFORE, _TURN = "tamrl_stage_before", "tamrl_stage_turn"
#: States that are kept.
_MOST = 200


def told() -> tuple[Story, ...]:
    """Return the stories of the stage, in the order of their keys."""
    return tuple(story for story in stories.stories() if story.stage)


def step() -> int:
    """Return the present step, 1 to 6."""
    return min(max(state.get("step", 1), 1), len(STEPS))


def number(workspace: Workspace) -> int:
    """Return the number of the present tale; at first that of a tower that was chosen before, else the first story."""
    at_home = workspace.path == bundled_workspaces()[OF_STORIES]
    chosen = state.get("story", 1 if at_home and not state.get("site") else AUDIENCE)
    if not 1 <= chosen <= AUDIENCE:
        state.leave_out("story")
        return AUDIENCE
    return chosen


def story(number: int) -> Story | None:
    """Return the story of a number, None for the tower of the audience."""
    return told()[number - 1] if number <= TOLD else None


def turn() -> int:
    """Return how many towers were picked in this session."""
    return st.session_state.get(_TURN, 0)


def forward() -> None:
    """Go one step on; the last one stays."""
    if step() < len(STEPS):
        _remember()
        state.put("step", step() + 1)


def undo() -> None:
    """Return to the state before the last key; where that is not known, as after a reload, one step back."""
    before: list[dict[str, Any]] = st.session_state.get(_BEFORE, [])
    if before:
        for name, value in before.pop().items():
            state.put(name, value)
    else:
        state.put("step", max(1, step() - 1))


def begin(number: int) -> None:
    """Begin a story, or the tower of the audience, at its first step."""
    _remember()
    state.put("story", number)
    state.put("step", 1)
    if number <= TOLD:
        to_story(told()[number - 1])
    else:
        _own_days()


def pick(site: str) -> None:
    """Take the tower that the audience picked."""
    _remember()
    state.put("story", AUDIENCE)
    state.put("step", 1)
    state.put("site", site)
    _own_days()
    st.session_state[_TURN] = turn() + 1


def to_story(chosen: Story) -> None:
    """Set what is shown, here and in the lab, to a story."""
    stories.choose(chosen)
    if state.get("ws") != OF_STORIES:
        state.put("ws", OF_STORIES)
        state.put("model", None)


def _own_days() -> None:
    """Forget the days, the flux and the settings of the tale before."""
    for name in ("start", "days", "flux", "method", "steps", "lr", "gaps"):
        state.put(name, None)


def _remember() -> None:
    before = st.session_state.setdefault(_BEFORE, [])
    before.append({name: state.get(name) for name in _NAMES})
    del before[:-_MOST]
