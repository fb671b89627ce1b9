"""The colours of the World page's map: which palette, over which range, and what else lies on the map."""

import streamlit as st

from tamrl.figures import world_map as figures
from tamrl.figures.style import unit_label
from tamrl.figures.world_map import Scale
from tamrl.ui import state, theme, world_cache
from tamrl.ui.world_cache import Question
from tamrl.ui.world_view import View


def scale_of(view: View, asked: tuple[Question, ...]) -> Scale:
    """Return the colours: by hand, or between percentiles of what is shown."""
    different = view.mode == "difference"
    palette = state.get("palette", figures.BY_VARIABLE)
    colours, centred = figures.colours_of(view.name, different, theme.current(), palette)
    ends = figures.ends_of(view.name, view.short[view.entry.key] if different else None)
    low, high = state.get("range") or world_cache.limits(asked, centred, state.get("tails", figures.TAILS))
    label = figures.label_of(view.name, different)
    return Scale(colours, low, high, label, figures.unit_of(view.name), ends, palette)


def popover(scale: Scale) -> None:
    """Draw the choice of palette, of colour range and of what lies on the map."""
    with st.popover("Colours", icon=":material/palette:"):
        st.selectbox(
            "Palette",
            list(figures.PALETTES),
            format_func=figures.PALETTES.get,
            help="Cividis and purple to orange are told apart by readers with any kind of colour blindness.",
            **state.bind("palette", figures.BY_VARIABLE),
        )
        by_hand = state.get("range") is not None
        st.session_state["world_by_hand"] = by_hand
        st.segmented_control(
            "Colour range", [False, True], key="world_by_hand", required=True,
            format_func=lambda hand: "By hand" if hand else "By percentile",
            on_change=_take_by_hand, args=(scale,),
        )  # fmt: skip
        if by_hand:
            _range_by_hand(scale)
        else:
            st.slider(
                "Percentiles", 0.0, 100.0, step=0.5, **state.bind("tails", figures.TAILS), format="%g %%",
                help="Cells below the lower and above the upper percentile wear the end colours. Months share a range.",
            )  # fmt: skip
        st.toggle("Towers", **state.bind("dots", True))


def _take_by_hand(scale: Scale) -> None:
    # Three digits: the reader goes on from what the colour bar shows, not from a percentile's last digit.
    ends = tuple(float(f"{end:.3g}") for end in (scale.low, scale.high))
    state.put("range", ends if st.session_state["world_by_hand"] else None)


def _range_by_hand(scale: Scale) -> None:
    step = 10.0 ** (len(str(int(scale.high - scale.low))) - 3)
    st.session_state["world_low"], st.session_state["world_high"] = scale.low, scale.high
    left, right = st.columns(2)
    unit = unit_label(scale.unit)
    left.number_input(f"From [{unit}]", key="world_low", step=step, format="%g", on_change=_take_range)
    right.number_input(f"To [{unit}]", key="world_high", step=step, format="%g", on_change=_take_range)


def _take_range() -> None:
    low, high = st.session_state["world_low"], st.session_state["world_high"]
    if low < high:
        state.put("range", (low, high))
    else:
        st.toast("The upper end of the range must lie above the lower one.", icon=":material/warning:")
