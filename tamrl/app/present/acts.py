"""The steps of a tale: for each a few words beside one figure."""

import html
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from tamrl import wording
from tamrl.app.present import walk, window
from tamrl.app.present.scene import Scene
from tamrl.app.shared import components, jobs, state, static, theme
from tamrl.app.shared.widgets import from_map, legend, tell
from tamrl.app.towers import sections
from tamrl.figures.colours import CLASS
from tamrl.figures.lab import adaptation as figures
from tamrl.figures.lab import by_month, runs
from tamrl.figures.stage import staged
from tamrl.figures.style import number
from tamrl.figures.towers import map as maps
from tamrl.figures.towers import series
from tamrl.predict import output
from tamrl.schema import IGBP
from tamrl.towers.table import years_text

if TYPE_CHECKING:
    from tamrl.predict.adapt import Adaptation

#: Height of the figure where the window is 720 px high.
FIGURE_PX = 496
#: Of it what the legend of the map takes.
LEGEND_PX = 76
#: Height of the map on a telephone [px], and the zoom at which all continents are on it.
NARROW_PX, NARROW_ZOOM = 250, -0.5
#: How often the page looks whether the adaptation has ended, or a key was pressed [s].
_LOOK_S = 0.2
#: Change of an error that is worth a word [%]; below it nothing changes.
_NOTHING = 5.0
_BAR = '<div class="tamrl-bar" role="progressbar" aria-label="The model adapts"><span></span></div>'


def place(scene: Scene, words: st.delta_generator.DeltaGenerator, picture: st.delta_generator.DeltaGenerator) -> None:
    """Draw the tower and where it stands; a click, or a name, takes another one."""
    row, shade = scene.table.loc[scene.site], theme.current()
    with words:
        audience = walk.story(state.get("story", walk.AUDIENCE)) is None
        st.selectbox(
            "Which tower? Choose its name, or click it on the map" if audience else "Tower",
            list(scene.table.index),
            index=list(scene.table.index).index(scene.site),
            key=f"stage_tower_{scene.site}",
            format_func=lambda site: sections.label(site, scene.table),
            on_change=lambda: walk.pick(st.session_state[f"stage_tower_{scene.site}"]),
        )
        facts = [
            components.class_name(row["igbp"]).split(" · ")[-1],
            f"Köppen {components.climate_name(row['koeppen'])}",
            row["country"] or row["continent"],
            years_text(row),
        ]
        st.markdown("  \n".join(components.plain(fact) for fact in facts))
        seen = "The model has seen this tower in its training."
        st.markdown(f"**{seen if scene.seen else 'The model has never seen this tower.'}**")
        if scene.like:
            st.caption(components.plain(f"{scene.like}: a tower of the training."))
    height = NARROW_PX if window.narrow() else round(window.scale() * (FIGURE_PX - LEGEND_PX)) + window.room()
    deck = maps.tower_map(scene.table, scene.site, shade, height, walk.turn(), scene.step)
    # All continents, as large as they fit.
    zoom = NARROW_ZOOM if window.narrow() else 0.65
    deck.initial_view_state.zoom, deck.initial_view_state.latitude = zoom, 30
    picture.pydeck_chart(
        static.placed(deck, window.scale()),
        key="stage_map",
        height=height,
        on_select=lambda: from_map("stage_map", walk.pick),
        alt=f"World map of {len(scene.table)} towers. The ring is {sections.label(scene.site, scene.table)}.",
    )
    with picture:
        known = [code for code in CLASS if code in IGBP and (scene.table["igbp"] == code).any()]
        legend([("●", CLASS[code], IGBP[code]) for code in known], "Land-cover classes")


def zero_shot(
    scene: Scene, words: st.delta_generator.DeltaGenerator, picture: st.delta_generator.DeltaGenerator
) -> None:
    """Draw what the model predicts before it has seen a label."""
    with words:
        st.markdown("From the weather, the vegetation seen from space and the kind of place alone:")
        _large("error before", number(scene.zero_shot_rmse()), f"RMSE of {scene.flux} [{figures.UNIT}]")
    _over_time(scene, picture, {})


def labels(scene: Scene, words: st.delta_generator.DeltaGenerator, picture: st.delta_generator.DeltaGenerator) -> None:
    """Draw the days that the model is shown."""
    first, last = (wording.date(when, scene.step) for when in (scene.support.min(), scene.support.max()))
    with words:
        st.markdown("The model is shown")
        _large("shown", wording.counted(len(scene.support), scene.step), f"from {first} to {last}")
        rest = int(scene.scored.sum())
        st.markdown(f"and is scored on the other {wording.counted(rest, scene.step)}.")
    chart = series.support_chart(scene.tower, scene.support, scene.flux, theme.current())
    chart.update_xaxes(range=figures.first_view(scene.tower, scene.support))
    _draw(picture, "labels", chart, f"Observed {scene.flux} of {scene.site}, the support marked: {first} to {last}.")


def adapt(scene: Scene, words: st.delta_generator.DeltaGenerator, picture: st.delta_generator.DeltaGenerator) -> None:
    """Adapt, and draw the new prediction into the figure of the old one."""
    result = _ready(scene, words)
    if result is None:
        return
    with words:
        st.markdown(
            f"The weights stay as they are. What {wording.counted(len(scene.support), scene.step)} reveal about this "
            "place corrects the states that they act on: the site effect."
        )
        _large("time taken", f"{result.seconds:.1f} s", f"on {result.device}")
    _over_time(scene, picture, {figures.LABELS["adapted"]: result.adapted.mean("member")})


def before_after(
    scene: Scene, words: st.delta_generator.DeltaGenerator, picture: st.delta_generator.DeltaGenerator
) -> None:
    """Draw the error before and after in large figures, and the mean season."""
    result = _ready(scene, words)
    if result is None:
        return
    row = changes(result)[scene.flux]
    if not row["n"]:
        _unscored(scene, picture)
        return
    with words:
        _large(_sign(row["share"]), _percent(row["share"]), f"RMSE of {scene.flux}, {_said(row['share'])}")
        st.markdown(f"from {number(row['before'])} to **{number(row['after'])}** {figures.UNIT}")
        days = wording.counted(row["n"], scene.step)
        st.caption(f"On {days} that the model was not shown.")
    table = figures.season_table(scene.tower, result.zero_shot, result.adapted, result.scored, scene.flux)
    chart = figures.season(table, scene.flux, theme.current())
    _draw(
        picture,
        "season",
        chart,
        f"Mean seasonal cycle of {scene.flux} at {scene.site}, observed, zero-shot and adapted. RMSE from "
        f"{number(row['before'])} to {number(row['after'])} {figures.UNIT}.",
    )


def by_flux(scene: Scene, words: st.delta_generator.DeltaGenerator, picture: st.delta_generator.DeltaGenerator) -> None:
    """Draw where adapting helps and where it harms: by flux in words, by month in the figure."""
    result = _ready(scene, words)
    if result is None:
        return
    told = walk.story(state.get("story", walk.AUDIENCE))
    with words:
        if told:
            st.markdown(components.plain(told.text))
        rows = "".join(
            f'<tr class="{_sign(row["share"])}"><th scope="row">{flux}</th><td>{_percent(row["share"])}</td>'
            f"<td>{_said(row['share'])}</td></tr>"
            for flux, row in changes(result).items()
        )
        st.html(f'<table class="tamrl-change"><caption>Change of RMSE</caption>{rows}</table>')
    if not changes(result)[scene.flux]["n"]:
        _unscored(scene, picture)
        return
    table = by_month.by_month_table(scene.tower, result.zero_shot, result.adapted, result.scored, scene.flux)
    worse = int((table["adapted"] > table["zero-shot"]).sum())
    _draw(
        picture,
        "months",
        by_month.by_month(table, scene.flux, theme.current()),
        f"RMSE of {scene.flux} at {scene.site} by month of the year, zero-shot and adapted. Adapting makes it larger "
        f"in {worse} of {len(table)} months.",
    )


def _unscored(scene: Scene, picture: st.delta_generator.DeltaGenerator) -> None:
    """Say in the place of a figure that the support leaves nothing to score."""
    word = wording.unit(scene.step)
    with picture:
        tell(
            f"No {word} with {scene.flux} is left to score: the model was shown all of them, or predicts none of the "
            f"others. Show it fewer {word}s, in the Few-shot lab, or pick another tower."
        )


Act = Callable[[Scene, st.delta_generator.DeltaGenerator, st.delta_generator.DeltaGenerator], None]
#: What draws each of ``walk.STEPS``.
ACTS: tuple[Act, ...] = (place, zero_shot, labels, adapt, before_after, by_flux)


def changes(result: "Adaptation") -> dict[str, dict[str, Any]]:
    """Return flux -> RMSE ``before`` and ``after`` [gC m-2 d-1], the change as a ``share`` [%], and ``n`` scored."""
    return {
        row["flux"]: {
            "before": row["rmse_before"],
            "after": row["rmse_after"],
            "share": 100 * (row["rmse_after"] / row["rmse_before"] - 1) if row["rmse_before"] else np.nan,
            "n": row["n"],
        }
        for row in output.before_after(result).to_dict("records")
    }


def _ready(scene: Scene, words: st.delta_generator.DeltaGenerator) -> "Adaptation | None":
    """Return the adaptation; where it is not there yet, say so and wait for it. None where it failed, which is said.

    The run of the page waits itself: a key that is pressed meanwhile begins another one, and none is lost to the runs
    of a fragment. There is no number that runs.
    """
    if (result := scene.result()) is not None:
        return result
    scene.start()
    job, waiting = jobs.current(), words.empty()
    with waiting.container():
        st.markdown(f"The model adapts to **{components.plain(scene.site)}**.")
        bar = st.empty()
        while job is not None and job.status == "running":
            bar.html(_BAR)
            job.wait(_LOOK_S)
    waiting.empty()
    if job is not None and job.error is not None:
        with words:
            components.show_error(job.error)
    return scene.result()


def _over_time(scene: Scene, picture: st.delta_generator.DeltaGenerator, made: dict[str, Any]) -> None:
    before = scene.zero_shot.mean("member")
    chart = runs.overlay(scene.tower, before, made, scene.support, scene.flux, theme.current())
    names = ", ".join(["observed", "zero-shot", *(name.lower() for name in made)])
    alt = f"{scene.flux} of {scene.site} over time: {names}. RMSE zero-shot {number(scene.zero_shot_rmse())}."
    _draw(picture, "time", chart, alt)


def _draw(picture: st.delta_generator.DeltaGenerator, name: str, chart: go.Figure, alt: str) -> None:
    """Draw a figure as it stands on a stage."""
    drawn = staged(chart, theme.current(), FIGURE_PX, window.scale(), window.room())
    picture.plotly_chart(drawn, theme=None, key=f"stage_{name}", config={"staticPlot": True}, alt=alt)


def _large(kind: str, value: str, below: str) -> None:
    """Show one thing in large figures, and what it is."""
    look = html.escape(kind.replace(" ", "-"))
    st.html(f'<p class="tamrl-large {look}"><b>{html.escape(value)}</b><span>{html.escape(below)}</span></p>')


def _percent(share: float) -> str:
    return f"{number(share, 0, signed=True)} %"


def _sign(share: float) -> str:
    """Return what a change of an error is: better, worse, same, or unknown where nothing is scored."""
    if np.isnan(share):
        return "unknown"
    if not abs(share) >= _NOTHING:
        return "same"
    return "better" if share < 0 else "worse"


def _said(share: float) -> str:
    return {"better": "improved", "worse": "worse", "same": "about the same", "unknown": "not scored"}[_sign(share)]
