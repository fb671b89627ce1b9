"""The Scorecard, run as a user runs it: through the router, without a browser."""

import re
import shutil

import pandas as pd
import pytest
import score_files
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.evaluation import results
from tamrl.evaluation.results import METRICS, SCALES

pytestmark = pytest.mark.slow

SECTIONS = {
    "Overview": 3,
    "Map and towers": 3,
    "Learning curves": 3,
    "Distribution": 6,
    "Patterns": 9,
    "Intervals": 9,
    "Ablations": 3,
    "Published": 2,
    "Targets": 0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return score_files.shared(tmp_path_factory)


@pytest.fixture(autouse=True)
def _workspace(small_workspace, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))


def page(folder=None, **query):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params.update(query | ({"scores": str(folder)} if folder else {}))
    return at.switch_page("pages/scorecard.py").run()


def open_section(at, name):
    at.session_state["choose_section"] = name
    at.session_state["tamrl_values"]["section"] = name
    return healthy(at.run())


def said(at):
    return " ".join(element.value for element in (*at.markdown, *at.caption))


def test_the_first_view_answers_for_every_flux(folder):
    at = healthy(page(folder))
    assert at.title[0].value == "Scorecard"
    assert [m.label for m in at.metric] == ["Zero-shot", "30 days", "365 days"] * 3
    scores = results.read_table(folder, "scores")
    mine = scores.query("design == 'igbp' and scale == 'daily' and model == 'tamrl' and shots == 0 and flux == 'GPP'")
    median = mine[mine["placement"] == "all"].astype({"site": str}).set_index("site")["rmse"].median()
    assert at.metric[0].value == f"{median:.2f}"
    assert at.metric[0].delta.endswith("%")
    assert "median over towers" in said(at)
    assert "with labels against XGBoost with the support and the same days" in said(at)
    assert sum("Towers improved / harmed by more than 10 %" in c.value for c in at.caption) == 3
    own = [c.value for c in at.caption if c.value.startswith("Against its own zero-shot: 30 days ")]
    assert len(own) == 3
    assert all("365 days" in text and " to " in text for text in own)
    assert "TAM-RL is the mean of 5 members, every other model a single one" in said(at)
    frame = at.dataframe[0].value
    assert "TAM-RL" in frame.index
    assert frame.loc["Towers (n)"].iloc[0] == "24"
    assert any("cannot tell" in expander.label for expander in at.main.expander)
    assert "SIMULATED" in said(at)


def test_the_table_shows_towers_improved_and_harmed(folder):
    at = healthy(page(folder, show="harmed"))
    frame = at.dataframe[0].value
    assert frame.loc["XGBoost"].iloc[0] in ("", "\N{EN DASH}")
    assert frame.loc["TAM-RL"].iloc[0].endswith(" %")
    assert "more than 10 % larger" in said(at)
    assert "score" not in healthy(page(folder, show="harmed", metric="r2")).query_params.get("show", "")


def test_every_section_draws_its_figures_with_sources(folder):
    at = healthy(page(folder))
    for name, figures in SECTIONS.items():
        open_section(at, name)
        assert len(at.get("plotly_chart")) == figures, name
        assert sum("Source:" in c.value for c in at.caption) >= 1, name
        assert len(at.get("download_button")) >= 1, name
        assert at.query_params["section"] == name


@pytest.mark.parametrize("metric", list(METRICS))
def test_every_score_and_scale_can_be_asked(folder, metric):
    at = healthy(page(folder, metric=metric))
    for scale in SCALES:
        at.selectbox(key="choose_scale").set_value(scale)
        healthy(at.run())
        assert METRICS[metric].label in said(at)
    for section in ("Map and towers", "Distribution"):
        open_section(at, section)  # at the scale of site means
    at.selectbox(key="choose_scale").set_value("daily")
    for section in ("Map and towers", "Distribution", "Ablations", "Learning curves"):
        open_section(at, section)


def test_what_lies_beyond_the_axis_of_the_classes_is_said():
    beyond = "◂ ▸: beyond the axis."
    assert beyond in said(healthy(page(metric="r2"))), (
        "of the published scores snow has one tower, far below all others"
    )
    assert beyond not in said(healthy(page(metric="rmse")))


@pytest.mark.parametrize("against", ["tamrl", "maml", "climatology"])
def test_any_model_can_be_the_reference(folder, against):
    at = healthy(page(folder, against=against))
    for section in SECTIONS:
        open_section(at, section)


def test_filters_change_the_numbers_and_can_be_cleared(folder):
    at = healthy(page(folder))
    whole = at.metric[0].value
    sites = results.open_results(folder).sites
    chosen = sites["igbp"].value_counts().index[0]
    at.multiselect(key="choose_igbp").set_value([chosen]).run()
    healthy(at)
    count = int((sites["igbp"] == chosen).sum())
    assert at.dataframe[0].value.loc["Towers (n)"].iloc[0] == str(count)
    assert at.metric[0].value != whole
    assert at.query_params["igbp"] == chosen
    for network in sites["network"].unique():
        rest = sites[(sites["igbp"] == chosen) & (sites["network"] == network)]
        at.multiselect(key="choose_network").set_value([network]).run()
        healthy(at)
        assert ("No tower passes" in " ".join(i.value for i in at.info)) == rest.empty
        for section in SECTIONS if len(rest) == 1 else ():
            open_section(at, section)
    at.multiselect(key="choose_climate").set_value([sites["climate"].iloc[0]]).run()
    healthy(at)


def test_the_drill_down_starts_at_the_median_tower(folder):
    at = healthy(page(folder, section="Map and towers"))
    table = at.dataframe[0].value.set_index("site")["value"]
    place = table.rank().loc[at.header[0].value]
    assert abs(place - (len(table) + 1) / 2) <= 1
    # It is the first row, and the others follow, the best first.
    assert table.index[0] == at.header[0].value
    assert table.iloc[1:].is_monotonic_increasing


def test_an_address_restores_the_page(folder):
    query = {
        "metric": "r2",
        "scale": "weekly",
        "against": "ct-lstm",
        "design": "koeppen",
        "placement": "dormant",
        "section": "Map and towers",
        "flux": "NEE",
        "shots": "90",
        "tower": "XX-003",
        "show": "change",
    }
    at = healthy(page(folder, **query))
    assert at.selectbox(key="choose_metric").value == "r2"
    assert at.selectbox(key="choose_design").value == "koeppen"
    assert at.header[0].value == "XX-003"
    assert at.query_params == {**query, "scores": str(folder)}


def test_an_address_that_is_not_understood_is_passed_over(folder):
    at = healthy(page(folder, metric="luck", section="nowhere", shots="3", band="9", design="x", tower="none"))
    assert at.selectbox(key="choose_metric").value == "rmse"
    assert len(at.get("plotly_chart")) == SECTIONS["Overview"]


def test_the_lab_is_linked_only_for_towers_of_the_open_workspace(small_workspace, tmp_path):
    from tamrl.towers.table import tower_table

    towers = tower_table(small_workspace[0].archive()).reset_index()
    known = towers.assign(network="none", days=2000)[["site", "lat", "lon", "igbp", "koeppen", "network", "days"]]
    more = known.assign(site=[f"ZZ-{i}" for i in range(len(known))])
    both = pd.concat([known, more], ignore_index=True)
    folder = score_files.make(tmp_path / "scores", table=both, designs=("igbp",))
    at = healthy(page(folder, section="Map and towers", tower=known["site"][0]))
    assert at.header[0].value == known["site"][0]
    assert len(at.get("page_link")) == 1
    at.selectbox(key="score_tower").set_value("ZZ-1").run()
    healthy(at)
    assert at.header[0].value == "ZZ-1"
    assert at.query_params["tower"] == "ZZ-1"
    assert len(at.get("page_link")) == 0


def test_the_neutral_band_decides_what_a_tie_is(folder):
    at = healthy(page(folder, section="Distribution"))
    at.slider(key="score_band").set_value(20.0).run()
    healthy(at)
    assert at.query_params["band"] == "0.2"


def test_a_missing_folder_is_an_error_in_three_parts(tmp_path):
    at = page(tmp_path / "nothing")
    assert not at.exception
    assert at.title[0].value == "Scorecard"
    assert "no scores in this folder" in at.error[0].value
    assert "bench accuracy" in at.error[0].value
    assert at.text_input(key="choose_scores").value.endswith("nothing")


def test_a_damaged_table_costs_its_section_alone(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "cycles.parquet").write_bytes(b"PAR1")
    at = healthy(page(copy))
    at.session_state["tamrl_values"]["section"] = "Patterns"
    at.run()
    assert not at.exception
    assert "cycles.parquet" in at.error[0].value
    open_section(at, "Learning curves")


def test_the_scores_of_the_workspace_are_offered(folder, small_workspace, tmp_path, monkeypatch):
    mine = shutil.copytree(small_workspace[0].path, tmp_path / "mine")
    shutil.copytree(folder, mine / "scores")
    monkeypatch.setenv("TAMRL_WORKSPACE", str(mine))
    at = page()
    next(b for b in at.sidebar.button if b.label == "Use those of the workspace").click().run()
    healthy(at)
    assert at.query_params["scores"] == str(mine / "scores")
    assert len(at.metric) == 9


def test_results_without_ablations_say_so(folder, tmp_path):
    copy = tmp_path / "scores"
    shutil.copytree(folder, copy)
    (copy / "ablations.parquet").unlink()
    at = open_section(page(copy), "Ablations")
    assert any("without ablations" in info.value for info in at.info)


def test_targets_and_claims_are_those_of_the_scores_that_are_shown(folder):
    from tamrl.evaluation.benchmark.targets import FLUXES, NAME, against_claims, against_targets, verdict

    at = healthy(page(folder, section="Targets"))
    scores, intervals = (results.read_table(folder, name) for name in ("scores", "intervals"))
    scores, intervals = (table[table["design"] == "igbp"] for table in (scores, intervals))
    targets = against_targets(scores, results.open_results(folder).sites.reset_index(), intervals)
    claims = against_claims(scores)
    assert len(claims) == 2
    tables = [m.value for m in at.markdown if m.value.startswith("| Target |")]
    for table, rows in zip(tables, (targets, claims), strict=True):
        lines = table.splitlines()[2:]
        assert len(lines) == len(rows)
        for line, row in zip(lines, rows, strict=True):
            told = row[NAME].replace("R2", "R²")
            assert line.lower().startswith(f"| {told.lower()} |")
            assert [("not met" in c, "met" in c) for c in line.split("|")[2:5]] == [
                (verdict(row[f])[1] is False, verdict(row[f])[1] is not None) for f in FLUXES
            ]
            assert not re.search(r"(?<!\w)-\d", line)  # true minus signs
    good = sum(verdict(row[f])[1] is True for row in targets for f in FLUXES)
    assert f"{good} of {3 * len(targets)} met" in said(at)
    assert "8 to 9.6 % lower" in said(at)


def test_results_without_the_design_of_the_targets_say_so(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "scores")
    manifest = other / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("- igbp\n", ""))
    at = healthy(page(other, section="Targets", design="koeppen"))
    assert any("Targets are set for TAM-RL in five folds" in i.value for i in at.info)
