"""What the Scorecard reads and computes, kept between runs and shared between sessions; read it, never change it.

Keys are the folder, its modification time and the question, since tables cannot be hashed. Of the towers a short text
is the key: to hash their names takes longer than to find what is kept.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from tamrl.evaluation import comparison
from tamrl.evaluation import results as scorecard
from tamrl.evaluation.benchmark.targets import against_claims, against_targets
from tamrl.evaluation.comparison import Asked, Column
from tamrl.evaluation.results import Results

_BUSY = "Loading scores"
#: Folder, version, table, design, scale, metric, placement, and whether it asks for a score a tower.
Question = tuple[str, int, str, str, str, str, str, bool]
Sites = tuple[str, ...]


@st.cache_resource(max_entries=4, show_spinner="Opening the scores")
def _results(folder: str, version: int) -> Results:
    return scorecard.open_results(folder)


@st.cache_resource(max_entries=16, show_spinner="Reading the scores")
def _table(folder: str, version: int, name: str) -> pd.DataFrame:
    return scorecard.read_table(Path(folder), name)


@st.cache_resource(max_entries=24, show_spinner=_BUSY)
def _asked(
    folder: str, version: int, name: str, design: str, scale: str, metric: str, placement: str, one: bool
) -> Asked:
    ask = comparison.ask_towers if one else comparison.ask
    return ask(_table(folder, version, name), design, scale, metric, placement)


@lru_cache(maxsize=64)
def _key(sites: Sites) -> str:
    return hashlib.sha256("\0".join(sites).encode()).hexdigest()


@st.cache_resource(max_entries=24, show_spinner=_BUSY)
def _kept(question: Question, key: str, _sites: Sites) -> Asked:
    return _asked(*question).keep(_sites)


@st.cache_data(max_entries=64, show_spinner=_BUSY)
def _contest(
    question: Question, key: str, _sites: Sites, flux: str, columns: tuple[Column, ...], reference: Column, band: float
) -> pd.DataFrame:
    return comparison.contest(_kept(question, key, _sites), flux, list(columns), reference, band)


@st.cache_data(max_entries=64, show_spinner=_BUSY)
def _summary(question: Question, key: str, _sites: Sites, reference: str, same: bool, quick: bool) -> pd.DataFrame:
    return comparison.summary(_kept(question, key, _sites), reference, same, quick)


@st.cache_data(max_entries=128, show_spinner=_BUSY)
def _standing(
    question: Question, key: str, _sites: Sites, flux: str, columns: tuple[Column, ...], reference: Column | None
) -> pd.DataFrame:
    return _kept(question, key, _sites).standing(flux, list(columns), reference)


@st.cache_data(max_entries=128, show_spinner=_BUSY)
def _classes(
    question: Question, key: str, _sites: Sites, by: str, flux: str, columns: tuple[Column, ...], reference: Column
) -> pd.DataFrame:
    table = _results(question[0], question[1]).sites
    return comparison.by_class(_kept(question, key, _sites), table, by, flux, list(columns), reference)


@st.cache_data(max_entries=4, show_spinner=_BUSY)
def _targets(folder: str, version: int, design: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    found = _results(folder, version)
    scores = _table(folder, version, "scores")
    intervals = _table(folder, version, "intervals")
    main, covered = (table[table["design"] == design] for table in (scores, intervals))
    return against_targets(main, found.sites.reset_index(), covered), against_claims(main)


def results(folder: Path) -> Results:
    """Return what a results folder says of itself.

    Raises:
        TamrlError: it holds no scores, or is damaged.
    """
    return _results(str(folder), scorecard.version(folder))


def table(found: Results, name: str) -> pd.DataFrame:
    """Return one table of a results folder.

    Raises:
        TamrlError: it is missing or damaged.
    """
    return _table(str(found.path), scorecard.version(found.path), name)


def question(
    found: Results, design: str, scale: str, metric: str, placement: str, name: str = "scores", one: bool = False
) -> Question:
    """Return a question in a form that can be a key: of the table ``name``; ``one`` asks for a score a tower."""
    return str(found.path), scorecard.version(found.path), name, design, scale, metric, placement, one


def asked(what: Question, sites: Sites) -> Asked:
    """Return the answers to a question, of some towers."""
    return _kept(what, _key(sites), sites)


def contest(
    what: Question, sites: Sites, flux: str, columns: tuple[Column, ...], reference: Column, band: float
) -> pd.DataFrame:
    """Return ``tamrl.evaluation.comparison.contest`` of a question and some towers, against one reference."""
    return _contest(what, _key(sites), sites, flux, columns, reference, band)


def summary(what: Question, sites: Sites, reference: str, same: bool, quick: bool = True) -> pd.DataFrame:
    """Return ``tamrl.evaluation.comparison.summary`` of a question and some towers."""
    return _summary(what, _key(sites), sites, reference, same, quick)


def standing(
    what: Question, sites: Sites, flux: str, columns: tuple[Column, ...], reference: Column | None
) -> pd.DataFrame:
    """Return ``Asked.standing`` of a question and some towers."""
    return _standing(what, _key(sites), sites, flux, columns, reference)


def classes(
    what: Question, sites: Sites, by: str, flux: str, columns: tuple[Column, ...], reference: Column
) -> pd.DataFrame:
    """Return ``tamrl.evaluation.comparison.by_class`` of a question and some towers."""
    return _classes(what, _key(sites), sites, by, flux, columns, reference)


def targets(found: Results, design: str = "igbp") -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return ``against_targets`` and ``against_claims`` (``tamrl.evaluation.benchmark.targets``) of a design."""
    return _targets(str(found.path), scorecard.version(found.path), design)


@st.cache_data(max_entries=1)
def published() -> dict[str, Any]:
    """Return the published figures that come with the project, the content of ``assets/published.yaml``.

    Raises:
        TamrlError: the file is missing or damaged.
    """
    return scorecard.published()
