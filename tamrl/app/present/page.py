"""Presenter: the Few-shot lab told on a stage in six steps, one key each; large, calm, and without a network."""

from functools import lru_cache
from pathlib import Path

import streamlit as st

from tamrl.app import router
from tamrl.app.present import acts, scene, walk, window
from tamrl.app.shared import components, sidebar, state, theme, widgets
from tamrl.app.towers import sections
from tamrl.bundled import bundled_workspaces
from tamrl.figures.stage import STAGE_GROUND, STAGE_INK, STAGE_ROLE

#: Key of what covers the window.
STAGE = "stage"
OF_AUDIENCE = "A tower from the audience"
#: A change that helps and one that harms, on the ground of a stage.
_CHANGE = {"light": ("#00694a", "#a8321b"), "dark": ("#5fdcab", "#ff9d85")}


@lru_cache(maxsize=1)
def _parts() -> tuple[str, str]:
    folder = Path(__file__).parent
    css, js = ((folder / name).read_text(encoding="utf-8") for name in ("stage.css", "keys.js"))
    return css, js


def show() -> None:
    """Draw the page, whatever goes wrong in it."""
    router.require()
    css, js = _parts()
    shade = theme.current()
    better, worse = _CHANGE[shade]
    look = {
        "ground": STAGE_GROUND[shade],
        "ink": STAGE_INK[shade],
        "accent": STAGE_ROLE[shade]["adapted"],
        "better": better,
        "worse": worse,
    }
    look["scale"] = f"{window.scale():g}"
    said = "".join(f"--stage-{name}: {value};" for name, value in look.items())
    st.html(f"<style>:root {{ {said} }}{css}</style>")
    with st.container(key="tamrl_keys"):
        st.html(f"<script>{js}</script>", unsafe_allow_javascript=True)
    window.watch()
    with st.container(key=STAGE, gap="small"):
        with components.guarded():
            _body()
        _controls()


def _body() -> None:
    """Draw the head and the present step."""
    choice = sidebar.choice()
    number = walk.number(choice.workspace)
    state.put("story", number)
    if told := walk.story(number):
        walk.to_story(told)
        if choice.workspace.path != bundled_workspaces()[walk.OF_STORIES]:
            st.rerun()  # the workspace of the story is opened by the sidebar
    name = _head(told.title if told else OF_AUDIENCE, choice.workspace.simulated)
    now = scene.make(choice)
    name.caption(components.plain(sections.label(now.site, now.table)))
    words, picture = st.columns([1, 2.35], gap="large")
    with words:
        spoken = st.container(key="stage_words")
    with picture:
        seen = st.container(key="stage_picture", gap="xsmall")
    acts.ACTS[walk.step() - 1](now, spoken, seen)
    with seen:
        st.caption(f"Source: {components.plain(now.origin.line())}")


def _head(title: str, simulated: bool) -> st.delta_generator.DeltaGenerator:
    """Write the title, which step it is, and the mark of simulated towers; return the place for the tower's name."""
    step = walk.step()
    row = st.container(horizontal=True, vertical_alignment="center", key="stage_head")
    with row:
        st.title(title, width="content", anchor=False)
        name = st.container(width="content", key="stage_name")
        if simulated:
            components.simulated_badge()
        dots = "".join(_dot(said, number - step) for number, said in enumerate(walk.STEPS, start=1))
        st.html(f'<ol class="tamrl-dots" aria-label="Steps">{dots}</ol>', width="content")
    return name


def _dot(name: str, ahead: int) -> str:
    """Return the dot of a step that is so many steps ahead; the present one is written out."""
    now, past = " aria-current=step" if not ahead else "", ' class="past"' if ahead < 0 else ""
    return f"<li{now}{past}><span>{name}</span></li>"


def _controls() -> None:
    """Draw a button for all that has a key."""
    now = state.get("story", 0)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="stage_controls"):
        st.button("Undo", icon=":material/undo:", key="stage_undo", on_click=walk.undo)
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            type="primary",
            key="stage_next",
            on_click=walk.forward,
            disabled=walk.step() == len(walk.STEPS),
        )
        titles = [*(story.title for story in walk.told()), OF_AUDIENCE]
        for number, title in enumerate(titles, start=1):
            label = f"{number} · {title}"
            chosen = f"**{label}**" if number == now else label
            st.button(chosen, type="tertiary", key=f"stage_story_{number}", on_click=walk.begin, args=(number,))
        st.html('<button type="button" class="tamrl-full">Full screen</button>', width="content")
        left = widgets.button("Leave", "stage_leave", icon=":material/close:", type="tertiary")
    st.html(
        '<p class="tamrl-keys">Next <kbd>→</kbd> or <kbd>Space</kbd> · Undo <kbd>←</kbd> or <kbd>U</kbd> · '
        "Stories <kbd>1</kbd>–<kbd>3</kbd> · Audience <kbd>4</kbd> · Full screen <kbd>F</kbd> · "
        "Leave <kbd>Esc</kbd></p>"
    )
    if left:
        st.switch_page("pages/lab.py")
