"""Places where adapting shows what it does: prepared choices of tower and labelled days, ``assets/stories.yaml``."""

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Literal

import streamlit as st

from tamrl.app.lab import inputs
from tamrl.app.shared import state
from tamrl.bundled import bundled_folder
from tamrl.system.yaml_file import read_yaml

#: Labelled days of every story.
DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Story:
    """One prepared place.

    Attributes:
        site: tower of the bundled workspace.
        start: first labelled day.
        flux: the flux to look at.
        title: of the place, in a few words.
        text: one sentence, what to see and why.
        expect: what happens to the RMSE of the flux on the days that were not labelled.
        stage: whether the presenter's page offers it.
    """

    site: str
    start: datetime.date
    flux: str
    title: str
    text: str
    expect: Literal["better", "worse", "same"]
    stage: bool = False


#: Signs of what happens, with its name for readers who do not see them.
SIGNS = {
    "better": (":material/trending_down:", "error falls"),
    "worse": (":material/trending_up:", "error rises"),
    "same": (":material/trending_flat:", "nothing changes"),
}


@cache
def stories() -> tuple[Story, ...]:
    """Return the stories, in the order in which they are offered."""
    rows = read_yaml(bundled_folder("stories.yaml"))
    return tuple(Story(**row) for row in rows)


def first_day(site: str) -> datetime.date | None:
    """Return the first labelled day of the story that a tower is offered with; None where there is none."""
    return next((story.start for story in stories() if story.site == site), None)


def section() -> None:
    """Offer the stories; a click chooses tower, days and flux, and adapts."""
    told = stories()
    with st.expander(
        f"{len(told)} places worth a look: where adapting works, and where it fails", icon=":material/map:"
    ):
        columns = st.columns(3, gap="medium")
        for index, story in enumerate(told):
            icon, said = SIGNS[story.expect]
            with columns[index % 3]:
                st.button(
                    f"{story.title} · {story.site}",
                    icon=icon,
                    type="tertiary",
                    key=f"story_{index}",
                    help=f"{story.flux}: {said}",
                    on_click=_adapt,
                    args=(story,),
                )
                st.caption(story.text)
        st.caption(
            f"Each with {DAYS} labelled days and the site effect. Arrows: how the error of the flux changes on the "
            "other days."
        )


def choose(story: Story) -> None:
    """Set what the lab shows to a story."""
    for name, value in {"site": story.site, "start": story.start, "days": DAYS, "flux": story.flux}.items():
        state.put(name, value)
    for name in ("method", "steps", "lr", "gaps"):
        state.put(name, None)


def _adapt(story: Story) -> None:
    """Set what the page shows to a story, and adapt."""
    choose(story)
    inputs.press()
