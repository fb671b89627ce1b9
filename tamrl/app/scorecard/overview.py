"""Scorecard, first section: the answer in a sentence and three cards, the table, and for which places it holds."""

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.scorecard import cache
from tamrl.app.scorecard.view import ScorecardView, shots_choice, told_unscored
from tamrl.app.shared import components, sizes, state, theme
from tamrl.app.shared.widgets import chart, legend, pick
from tamrl.evaluation import comparison
from tamrl.evaluation.comparison import Column
from tamrl.evaluation.labels import in_order
from tamrl.evaluation.results import SITE_MEAN
from tamrl.figures.colours import ACCENT, UNSURE, rgba
from tamrl.figures.scorecard import models as figures
from tamrl.figures.scorecard import names
from tamrl.schema import FLUXES, IGBP, KOEPPEN, VARIABLES

#: Numbers of support days that the cards show.
CARD_SHOTS = (0, 30, 365)
TOWERS_ROW = "Towers (n)"
_SHARES = {"improved": "smaller", "harmed": "larger"}


def show(view: ScorecardView) -> None:
    """Draw the section."""
    if told_unscored(view.asked()):
        return
    _cards(view)
    _table(view)
    _places(view)


def _cards(view: ScorecardView) -> None:
    """Draw one card a flux: TAM-RL's score without labels and with days of them, against the reference."""
    asked = view.asked()
    fluxes = asked.fluxes
    known = asked.columns(fluxes[0])
    zero_shot = (view.against, 0) in known
    versus = names.column_label((view.against, 0), names.plain(known)) if zero_shot else names.look(view.against).label
    equal = [s for s in CARD_SHOTS if s and view.reference(known, s)[1] == s]
    unit = names.metric_label(view.metric)
    size = "the change of its absolute value" if view.metric.best == "zero" else "its change"
    st.markdown(f"**TAM-RL at towers it has never seen** · {unit} and {size} against {versus}")
    for column, flux in zip(st.columns(len(fluxes), gap="small"), fluxes, strict=True):
        with column, st.container(border=True, key=f"card-{flux}"):
            st.markdown(f"**{flux}** · {VARIABLES[flux].long_name.lower()}")
            with st.container(horizontal=True, gap="small", horizontal_alignment="distribute"):
                for shots in CARD_SHOTS:
                    if ("tamrl", shots) in known:
                        _metric(view, flux, ("tamrl", shots), view.reference(known, shots))
            shown = [("tamrl", s) for s in CARD_SHOTS if ("tamrl", s) in known]
            _by_labels(view, flux, shown)
            _shares(view, flux, shown, known)
    if equal:
        with_labels = names.look(view.reference(known, equal[0])[0]).label
        versus += (
            f", with labels against {with_labels} and the same days" if zero_shot else " with the same days of labels"
        )
    how = "ratio of the two" if view.metric.relative else "median difference of the towers"
    how = "difference of the two" if view.scale == SITE_MEAN and not view.metric.relative else how
    how += ", of absolute values" if view.metric.best == "zero" else ""
    st.caption(
        f"{names.SCALE_LABELS[view.scale]}, {asked.statistic}, {len(view.sites)} towers pass the filters. Changes "
        f"({how}) are against {versus}, on the same towers and days; hover for the 95 % interval and n. "
        "Zero-shot is scored on all valid days of a tower, the others on the days outside the largest support: compare "
        "a card's columns with their references, not with each other; what labels change against TAM-RL's own "
        "zero-shot is on the same days. Grey: the 95 % interval includes zero, so the sign is not known. "
        + (
            "*Paired* is the geometric mean of the ratios at each tower, by which the targets are judged: it sees a "
            "small change at most towers, which the ratio of two medians may miss. "
            if view.metric.relative
            else ""
        )
        + _members(view)
    )


def _by_labels(view: ScorecardView, flux: str, columns: list[Column]) -> None:
    """Write below a card what labels change against the model's own zero-shot, on the same days."""
    texts = []
    for column in columns:
        if not column[1]:
            continue
        row = cache.standing(view.question(), view.keys, flux, (column,), (column[0], 0)).iloc[0]
        if np.isfinite(row["change"]):
            low, high = (names.change_text(row[k], view.metric) for k in ("change_low", "change_high"))
            told = "" if _sure(row) else ", not clear"
            text = f"{names.change_text(row['change'], view.metric)} ({low} to {high}{told})"
            if view.metric.relative and np.isfinite(row["paired"]):
                text += f", paired {names.number(row['paired'], 1, True)} %"
            texts.append(f"{names.shots_label(column[1])} {text}")
    if texts:
        size = ", in absolute value" if view.metric.best == "zero" else ""
        st.caption(f"Against its own zero-shot{size}: " + "; ".join(texts))


def _sure(row: pd.Series) -> bool:
    """Return whether the change of one row is known in its sign; of site means, which have no interval, it is shown."""
    return bool(names.clear(row.to_frame().T)[0]) or not np.isfinite(row["change_low"])


def _members(view: ScorecardView) -> str:
    """Return how many members stand against how many, and what one member scores, where it was scored."""
    members = view.results.manifest.get("members")
    if not members or members == 1:
        return ""
    asked, single = view.asked(), []
    for flux in asked.fluxes:
        if ("tamrl-1", 0) in asked.columns(flux):
            columns = (("tamrl-1", 0), ("tamrl", 0))
            rows = cache.standing(view.question(), view.keys, flux, columns, None)
            one, every = rows["value"]
            single.append(f"{flux} {names.number(one)} (all {members}: {names.number(every)})")
    text = f"TAM-RL is the mean of {members} members, every other model a single one."
    return text + (
        f" For a fair comparison with them, one member alone; zero-shot: {', '.join(single)}." if single else ""
    )


def _shares(view: ScorecardView, flux: str, columns: list[Column], known: list[Column]) -> None:
    """Write below a card at how many towers the error is more than 10 % smaller and larger than the reference's."""
    texts = []
    for column in columns:
        reference = view.reference(known, column[1])
        row = cache.standing(view.question(), view.keys, flux, (column,), reference).iloc[0]
        if np.isfinite(row["improved"]):
            label, paired = names.shots_label(column[1]), names.number(row["paired"], 1, True)
            texts.append(f"{label} {row['improved']:.0f} % / {row['harmed']:.0f} % (paired {paired} %)")
    if texts:
        st.caption("Towers improved / harmed by more than 10 %: " + "; ".join(texts))


def _metric(view: ScorecardView, flux: str, column: Column, reference: Column) -> None:
    row = cache.standing(view.question(), view.keys, flux, (column,), reference).iloc[0]
    moved = np.isfinite(row["change"])
    text = names.change_text(row["change"], view.metric) if moved else "reference"
    bounds = [names.change_text(row[k], view.metric) for k in ("change_low", "change_high")]
    tip = f"n = {row['towers']} towers. {names.number(row['low'])} to {names.number(row['high'])}"
    tip += f"; change {bounds[0]} to {bounds[1]} (95 % bootstrap over towers)" if moved else " (95 % bootstrap)"
    st.metric(
        names.shots_label(column[1]).capitalize(),
        names.number(row["value"]),
        text,
        help=tip,
        width="content",
        **components.delta_look(row["change"], view.metric.best, _sure(row)),
    )


def _table(view: ScorecardView) -> None:
    """Draw the table of models, fluxes and numbers of days."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", gap="small"):
        said = f"**Models, fluxes and days of labels** · {view.metric.label}, {view.asked().statistic}"
        st.markdown(said, width="content")
        texts = {"score": "Score", "change": f"Change against {names.look(view.against).label}"}
        if view.metric.relative:
            texts |= {"improved": "Improved", "harmed": "Harmed"}
        shown = pick("Numbers", "show", list(texts), "score", texts.get, hidden=True)
    # The intervals of the changes cost the most, and only their table needs them.
    summary = view.summary(state.get("same", False), quick=shown != "change")
    score_table(summary, "value" if shown == "score" else shown, view, "table")
    if shown == "change":
        st.caption("Grey: the 95 % interval over towers includes zero, or fewer than five towers are left to give one.")
    if shown in _SHARES:
        st.caption(f"Percent of towers whose error is more than 10 % {_SHARES[shown]} than that of the reference.")
    components.footer(
        f"scorecard_{view.metric.name}_{view.scale}",
        view.origin,
        lambda: comparison.summary(view.asked(), view.against, state.get("same", False), quick=False).set_index("flux"),
    )


def score_table(summary: pd.DataFrame, column: str, view: ScorecardView, key: str, towers: bool = True) -> None:
    """Draw rows of ``tamrl.evaluation.comparison.summary``: a row a model, columns by flux, the best of each tinted.

    Args:
        summary: the rows.
        column: ``value``, ``change``, or the percentages ``improved`` and ``harmed``.
        view: what the page is asked.
        key: of the element.
        towers: whether the last row is the number of towers.
    """
    wide = summary.pivot_table(index="model", columns=["flux", "shots"], values=column, dropna=False, sort=False)
    wide = wide.reindex(in_order(list(wide.index)))
    shots = sorted(summary["shots"].unique())
    wide = wide.reindex(columns=[(f, s) for f in FLUXES for s in shots if (f, s) in wide.columns])
    counts = summary.groupby(["flux", "shots"])["towers"].max()
    best = _best(wide, column, view)
    percent = column in _SHARES or (column == "change" and view.metric.relative)
    digits = 0 if column in _SHARES else 1 if percent else 2
    unit, signed = " %" if percent else "", column == "change"
    texts = wide.map(lambda value: "" if value != value else names.number(value, digits, signed) + unit)
    if towers:
        texts.loc[TOWERS_ROW] = [str(counts[c]) for c in wide.columns]
        best.loc[TOWERS_ROW] = False
    labels = [names.look(m).brief if m != TOWERS_ROW else m for m in texts.index]
    texts.index = pd.Index(labels, name="Model")
    tint = f"background-color: {rgba(ACCENT[theme.current()], 0.2)}; font-weight: 600"
    css = pd.DataFrame(np.where(best, tint, ""), index=texts.index, columns=texts.columns)
    if column == "change" and summary["change_low"].notna().any():
        known = summary.assign(clear=names.clear(summary)).pivot(
            index="model", columns=["flux", "shots"], values="clear"
        )
        unsure = ~known.reindex(index=wide.index, columns=wide.columns).fillna(False).to_numpy(dtype=bool)
        css.iloc[: len(wide)] = np.where(unsure, f"color: {UNSURE[theme.current()]}", css.iloc[: len(wide)])
    heads = pd.MultiIndex.from_tuples([(f, "0 d" if not s else f"{s} d") for f, s in texts.columns])
    texts.columns = css.columns = heads
    sizes.table(
        texts.style.apply(lambda _: css, axis=None),
        key=key,
        height=36 * len(texts) + 70,
        row_height=36,
        alt=f"{view.metric.label} of each model (rows) by flux and days of labels (columns)",
    )


def _best(wide: pd.DataFrame, column: str, view: ScorecardView) -> pd.DataFrame:
    """Return which cells are the best of their column."""
    low = column != "improved" if column in _SHARES else view.metric.best != "high"
    size = wide.abs() if view.metric.best == "zero" and column == "value" else wide
    ends = size.min() if low else size.max()
    return size.eq(ends, axis="columns") & size.notna()


def _places_in_words(found: pd.DataFrame, flux: str, view: ScorecardView) -> str:
    """Return what the figure of classes shows: how many are better, worse, and not to be told apart."""
    title = f"Change of {flux} {view.metric.label} by class of towers, TAM-RL against the reference."
    for shots, rows in found.groupby("shots"):
        sure = rows[names.clear(rows)]
        better = ((sure["change"] > 0) == (view.metric.best == "high")).sum()
        title += (
            f" {names.shots_label(shots).capitalize()}: better in {better} of {len(rows)} classes, worse in "
            f"{len(sure) - better}, undetermined in {len(rows) - len(sure)}."
        )
    return title


def _places(view: ScorecardView) -> None:
    """Draw how TAM-RL stands against the reference in each class of towers."""
    asked = view.asked()
    st.markdown(f"**By land cover, climate and network** · TAM-RL against {names.look(view.against).label}")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        texts = {"igbp": "Land cover", "climate": "Climate", "network": "Network"}
        by = pick("Towers by", "by", list(texts), "igbp", texts.get)
        shots = shots_choice([s for s in (7, 30, 90, 365) if any(("tamrl", s) in asked.columns(f) for f in FLUXES)])
    tint = names.look("tamrl").colour(theme.current())
    legend([("○", tint, "TAM-RL, zero-shot"), ("●", tint, f"TAM-RL, {names.shots_label(shots)}")], "Points")
    parts, references, cut = {}, dict[str, None](), ""
    for column, flux in zip(st.columns(len(asked.fluxes) or 1, gap="small"), asked.fluxes, strict=False):
        known = asked.columns(flux)
        # Each against its own reference, on its own days: zero-shot on all, few-shot outside the support.
        pairs = [(("tamrl", s), view.reference(known, s)) for s in (0, shots)]
        tables = [
            cache.classes(view.question(), view.keys, by, flux, (mine,), other)
            for mine, other in pairs
            if mine in known and mine != other
        ]
        nothing = cache.classes(view.question(), view.keys, by, flux, (), pairs[0][1])
        found = pd.concat(tables) if tables else nothing
        parts[flux] = found
        labels = {"igbp": {}, "climate": {name: name for name in KOEPPEN.values()}, "network": {}}[by]
        references |= dict.fromkeys(view.versus(known, s) for s in (0, shots))
        # Both references would not fit under a third of the page: the caption names them.
        figure = figures.classes(found, flux, view.metric, "the reference", labels, theme.current())
        if any(figures.BEYOND & {*note.text} for note in figure.layout.annotations):
            cut = " ◂ ▸: beyond the axis."
        chart(column, f"scorecard-places_{flux}_{by}_{shots}", figure, _places_in_words(found, flux, view))
    if references:
        versus = ", with labels ".join(references)
        st.caption(f"Reference: {versus}. Orange: worse. Grey: the 95 % interval includes zero.{cut}")
    components.footer(f"scorecard_places_{by}", view.origin, lambda: pd.concat(parts, names=["flux"]))
    if by == "igbp":
        present = [c for c in IGBP if c in set(view.sites["igbp"])]
        st.caption(" · ".join(f"{c} {IGBP[c].lower()}" for c in present) + ". In brackets the number of towers.")
