"""The Few-shot lab, run as a user runs it: through the router, without a browser."""

import shutil

import numpy as np
import pandas as pd
import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.output import before_after
from tamrl.timestep import TimeStep
from tamrl.towers.archive import record, save_archive
from tamrl.towers.workspace import Workspace

pytestmark = pytest.mark.slow


def lab(**query):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    at.query_params.update(query)
    return at.switch_page("pages/lab.py").run()


@pytest.fixture
def site(small_workspace, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    return small_workspace[1][0]


def adapt(at):
    """Press Adapt, wait for the thread, and let the page see that it has ended."""
    at.button(key="adapt").click().run()
    healthy(at)
    at.session_state["tamrl_job"].wait(60)
    return healthy(at.run())


def scores(at):
    return [(m.label, m.value, m.delta) for m in at.metric]


def test_the_lab_offers_held_out_towers_first(site, small_workspace):
    at = healthy(lab())
    assert at.title[0].value == "Few-shot lab"
    box = at.selectbox(key="lab_site")
    assert box.value in small_workspace[1]
    assert not any("seen in training" in option for option in box.options)
    at.toggle[0].set_value(True).run()
    options = at.selectbox(key="lab_site").options
    assert len(options) == 6
    assert any("seen in training" in option for option in options)


@pytest.mark.parametrize(("method", "charts"), [("site-effect", 9), ("modulation", 10)])
def test_adapting_shows_scores_figures_and_downloads(site, method, charts):
    at = healthy(lab(site=site, method=method))
    assert [m.label for m in at.metric][::3] == ["GPP RMSE", "RECO RMSE", "NEE RMSE"]
    adapt(at)
    assert [m.label for m in at.metric] == ["RMSE", "R²", "Bias"] * 3
    assert all(np.isfinite(float(m.value.replace("\N{MINUS SIGN}", "-"))) for m in at.metric)
    # support, comparison, three scatters, three seasons, spread, and the loss of what is iterated
    assert len(at.get("plotly_chart")) == charts
    said = " ".join(c.value for c in at.caption)
    assert "outside the support" in said
    assert "0 by construction" in said
    assert "Model: **tiny**" in said
    assert "2 members" in said
    assert "CPU" in said
    assert all("SIMULATED" in c.value for c in at.caption if "Source:" in c.value)


def test_zero_shot_changes_nothing_and_all_changes_something(site):
    at = adapt(healthy(lab(site=site, method="zero-shot")))
    assert {m.delta for m in at.metric} == {"no change"}
    result = next(iter(at.session_state["tamrl_results"].values()))
    assert float(abs(result.adapted["NEE"] - result.zero_shot["NEE"]).max()) == 0
    at = adapt(healthy(lab(site=site, method="all", steps="30", lr="0.5")))
    result = next(iter(at.session_state["tamrl_results"].values()))
    assert len(result.history) > 0
    assert result.adapted["GPP"].shape == result.zero_shot["GPP"].shape


def test_a_result_survives_another_page_and_is_marked_when_settings_change(site):
    at = adapt(healthy(lab(site=site, method="all", steps="10")))
    before = scores(at)
    at.switch_page("pages/towers.py").run()
    assert not healthy(at).metric
    at.switch_page("pages/lab.py").run()
    assert scores(healthy(at)) == before
    assert not at.info
    at.number_input(key="choose_steps").set_value(20).run()
    assert scores(healthy(at)) == before
    assert "earlier settings" in at.info[0].value


def test_a_failed_adaptation_is_told_in_the_page_and_not_at_another_tower(site, small_workspace, monkeypatch):
    import tamrl.predict.adapt
    from tamrl.errors import TamrlError

    def fail(*args, **kwargs):
        raise TamrlError("The weights are tired", "member 0", "Try later")

    monkeypatch.setattr(tamrl.predict.adapt, "adapt", fail)
    at = healthy(lab(site=site))
    at.button(key="adapt").click().run()
    at.session_state["tamrl_job"].wait(60)
    at.run()
    assert not at.exception
    assert "The weights are tired" in at.error[0].value
    at.selectbox(key="lab_site").set_value(small_workspace[1][1]).run()
    healthy(at)


def test_support_and_settings_are_restored_from_the_url(site):
    at = healthy(lab(site=site, start="2009-05-01", days="12", method="encode"))
    first = str(at.slider(key="choose_start").value)
    assert "2009-05-01" <= first <= "2009-05-07"  # the first valid day from there
    assert at.slider(key="choose_days").value == 12
    assert at.selectbox(key="choose_method").value == "encode"
    assert at.number_input(key="choose_steps").disabled
    assert any(f"12 support days from {first} " in c.value for c in at.caption)


def test_an_address_with_run_brings_the_result_back(site):
    at = adapt(healthy(lab(site=site, days="20", method="encode")))
    assert at.query_params["run"] == "1"
    fresh = healthy(lab(site=site, days="20", method="encode", run="1"))
    fresh.session_state["tamrl_job"].wait(60)
    healthy(fresh.run())
    assert scores(fresh) == scores(at)
    # Other settings were not asked for by anyone: they wait for Adapt, and the address no longer promises a result.
    fresh.slider(key="choose_days").set_value(25).run()
    assert "run" not in fresh.query_params
    assert "earlier settings" in healthy(fresh).info[0].value


def test_runs_at_one_tower_are_set_side_by_side(site):
    at = adapt(healthy(lab(site=site, method="encode")))
    at.selectbox(key="choose_method").set_value("zero-shot").run()
    table = next(d.value for d in adapt(at).dataframe if "Method" in d.value)
    assert list(table["Method"]) == ["Encoder", "Zero-shot"]
    assert list(table["Shown"]) == ["", "●"]
    assert all("(0 %)" in text for text in table.loc[1, ["GPP RMSE", "RECO RMSE", "NEE RMSE"]])


def test_the_first_support_day_is_that_of_the_slider_and_of_the_field(site, small_workspace):
    from tamrl.towers.quality import valid_days

    tower = small_workspace[0].archive().sel(site=site).load()
    time = pd.DatetimeIndex(tower["time"].values)
    good = valid_days(tower)
    # A day that is not valid, with a valid one behind it.
    at_gap = next(i for i in range(200, len(time) - 60) if not good[i] and good[i + 1])
    at = healthy(lab(site=site, start=f"{time[at_gap]:%Y-%m-%d}"))
    first = time[at_gap + 1].date()
    assert at.slider(key="choose_start").value == at.date_input(key="lab_first_day").value == first
    assert any(f"from {first}" in c.value for c in at.caption)
    later = time[good][np.flatnonzero(good).searchsorted(at_gap) + 50].date()
    at.date_input(key="lab_first_day").set_value(later).run()
    assert healthy(at).slider(key="choose_start").value == later


def test_support_days_are_never_scored(site):
    at = adapt(healthy(lab(site=site, days="50", method="encode")))
    result = next(iter(at.session_state["tamrl_results"].values()))
    assert len(result.support) == 50
    few = adapt(healthy(lab(site=site, days="10", method="encode")))

    def days(page):
        text = next(m.value for m in page.markdown if m.value.startswith("**GPP**"))
        return int(text.split("n = ")[1].split(" ")[0].replace(",", ""))

    assert days(few) - days(at) == 40


def test_a_seen_tower_is_kept_and_labelled(site, small_workspace):
    seen = load_ensemble(small_workspace[0].models()[0]).training_sites[0]
    at = healthy(lab(site=seen))
    assert at.selectbox(key="lab_site").value == seen
    assert "The model was trained on" in at.warning[0].value


def test_adapting_leaves_the_shared_model_as_it_was(site, small_workspace):
    from tamrl.app.shared import cache

    path = small_workspace[0].models()[0]
    adapt(healthy(lab(site=site, method="all")))
    shared, fresh = cache.model(path), load_ensemble(path)
    for mine, theirs in zip(shared.members, fresh.members, strict=True):
        for name, value in theirs.model.state_dict().items():
            assert (mine.model.state_dict()[name].cpu() == value).all(), name


def test_without_a_model_the_page_says_how_to_train_one(small_workspace, tmp_path, monkeypatch):
    shutil.copytree(small_workspace[0].path, tmp_path / "w", ignore=shutil.ignore_patterns("tiny"))
    monkeypatch.setenv("TAMRL_WORKSPACE", str(tmp_path / "w"))
    at = lab()
    assert not at.exception
    assert "python -m tamrl train" in at.error[0].value


def test_a_damaged_model_is_an_error_without_traceback(small_workspace, tmp_path, monkeypatch):
    shutil.copytree(small_workspace[0].path, tmp_path / "w")
    (tmp_path / "w" / "models" / "tiny" / "member-0.safetensors").write_bytes(b"not weights")
    monkeypatch.setenv("TAMRL_WORKSPACE", str(tmp_path / "w"))
    at = lab()
    assert not at.exception
    assert "What to do:" in at.error[0].value
    assert "Something went wrong" not in at.error[0].value


def test_when_no_tower_is_held_out_the_page_says_why(small_workspace, tmp_path, monkeypatch):
    from tamrl.towers.archive import load_archive, save_archive

    shutil.copytree(small_workspace[0].path, tmp_path / "w")
    seen = list(load_ensemble(tmp_path / "w" / "models" / "tiny").training_sites)
    archive = load_archive(tmp_path / "w" / "archive.zarr").load()
    save_archive(archive.sel(site=seen), tmp_path / "w" / "archive.zarr")
    monkeypatch.setenv("TAMRL_WORKSPACE", str(tmp_path / "w"))
    at = lab()
    assert not at.exception
    assert "none is held out" in at.error[0].value
    at.toggle[0].set_value(True).run()
    assert "The model was trained on" in healthy(at).warning[0].value


def test_the_bundled_model_adapts(monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    at = adapt(healthy(lab()))
    assert len(at.metric) == 9
    # What the page opens with is an example that a few days help in every flux.
    result = next(iter(at.session_state["tamrl_results"].values()))
    key = next(iter(at.session_state["tamrl_results"]))
    assert key.site == Workspace.open(key.workspace[0]).example
    table = before_after(result)
    assert (table["rmse_after"] < 0.9 * table["rmse_before"]).all()
    assert not [w for w in at.warning if "did harm" in w.value]


def test_where_days_harm_the_page_says_why(monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    at = adapt(healthy(lab(site="US-CRT", start="2013-07-21")))
    said = next(w.value for w in at.warning if "did harm" in w.value)
    assert "GPP RMSE +" in said
    assert "in the support and" in said
    assert "of the 12 months" in said


def test_runs_are_drawn_over_each_other_and_scored_on_the_same_days(site, small_workspace):
    from tamrl.app.lab.runs import name_of
    from tamrl.predict.output import compare_runs

    at = adapt(healthy(lab(site=site, days="20")))
    assert not any(e.label.startswith("All ") for e in at.expander)
    at.slider(key="choose_days").set_value(60).run()
    adapt(at)
    assert any(e.label == "All 2 runs at this tower" for e in at.expander)
    results = at.session_state["tamrl_results"]
    runs = {name_of(key, TimeStep.DAILY): result for key, result in results.items()}
    tower = record(Workspace.open(next(iter(results)).workspace[0]).archive(), site)
    table = compare_runs(runs)
    assert table["n"].nunique() == 1 or (table.groupby("flux")["n"].nunique() == 1).all()
    every = set().union(*(set(result.support) for result in results.values()))
    valid = ((tower["NEE_QC"].values >= 0.7) & np.isfinite(tower["NEE"].values)).sum()
    assert int(table.query("flux == 'NEE'")["n"].iloc[0]) == valid - len(every)
    nee = table.query("flux == 'NEE'").set_index("run")["rmse"]
    caption = next(c.value for c in at.caption if "support of none of these runs" in c.value)
    assert all(f"{name} {nee[name]:.2f}" in caption for name in runs)
    charts = [part.proto.id for part in at.get("plotly_chart")]
    assert sum("runs_" in name for name in charts) == 2  # over time, and against the days of support
    at.segmented_control(key="lab_runs_flux").set_value("GPP").run()
    assert any("runs_GPP" in part.proto.id for part in healthy(at).get("plotly_chart"))


@pytest.fixture
def gappy(small_workspace, tmp_path, monkeypatch):
    """The small workspace with a held-out tower whose thermometer fails for ten days of its second year."""
    shutil.copytree(small_workspace[0].path, tmp_path / "gappy")
    workspace, site = Workspace.open(tmp_path / "gappy"), small_workspace[1][0]
    archive = workspace.archive().load()
    days = archive["time"].values[400:410]
    broken = archive["TA"].where(~((archive["site"] == site) & archive["time"].isin(days)))
    shutil.rmtree(workspace.archive_path)
    save_archive(archive.assign(TA=broken.astype("float32")), workspace.archive_path)
    monkeypatch.setenv("TAMRL_WORKSPACE", str(workspace.path))
    return site, days


def test_a_tower_without_such_gaps_has_no_switch(site):
    assert not [t for t in healthy(lab(site=site, gaps="1")).toggle if t.key == "choose_gaps"]


def test_days_without_weather_are_predicted_once_the_switch_is_on(gappy):
    site, days = gappy
    at = healthy(lab(site=site))
    assert any("TA is missing on 10 of" in w.value and "the switch below" in w.value for w in at.warning)
    adapt(at)
    assert any("0 by construction in every prediction" in c.value for c in at.caption)
    at.toggle(key="choose_gaps").set_value(True).run()
    assert at.query_params["gaps"] == "1"
    assert any("predicted without the driver, masked as in training" in w.value for w in healthy(at).warning)
    assert any("result is for earlier settings" in i.value for i in at.info)
    adapt(at)
    kept, made = at.session_state["tamrl_results"].values()
    for part in ("zero_shot", "adapted"):
        assert np.isnan(getattr(kept, part)["GPP"].sel(time=days)).all()
        assert np.isfinite(getattr(made, part)["GPP"].sel(time=days)).all()
    assert any("without weather predicted as well" in c.value for c in at.caption)


def test_the_other_pages_say_that_an_adaptation_goes_on(site):
    from types import SimpleNamespace

    def links(page, line="", **job):
        job |= {"title": f"Adapting to {site}", "collected": False, "line": lambda: line}
        page.session_state["tamrl_job"] = SimpleNamespace(**job)
        return [link.proto.label for link in healthy(page.run()).sidebar.get("page_link")]

    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/towers.py").run()
    assert links(at, status="running") == [f"Adapting to {site}: running"]
    assert links(at, "3rd in line", status="running") == [f"Adapting to {site}: 3rd in line"]
    assert links(at, status="done") == [f"Adapting to {site}: ready"]
    assert links(at, status="cancelled") == []


def test_before_any_label_the_page_tells_the_scores_of_zero_shot(site, small_workspace):
    from tamrl.predict.tower import zero_shot_scores

    at = healthy(lab(site=site))
    made = zero_shot_scores(load_ensemble(small_workspace[0].models()[0]), record(small_workspace[0].archive(), site))
    shown = [float(m.value.replace("\N{MINUS SIGN}", "-")) for m in at.metric if m.label.endswith("RMSE")]
    np.testing.assert_allclose(shown, made["rmse"], atol=0.006)
    assert not at.button(key="adapt").disabled


def test_all_held_out_towers_are_adapted_to_at_once(site, small_workspace):
    at = healthy(lab(scope="network", days="14"))
    at.button(key="adapt_all").click().run()
    healthy(at)
    at.session_state["tamrl_job"].wait(60)
    healthy(at.run())
    result = next(r for r in at.session_state["tamrl_results"].values() if hasattr(r, "table"))
    assert set(result.table["site"]) == set(small_workspace[1])
    assert [m.label for m in at.metric] == ["Median change of RMSE"] * 3
    labels = [button.proto.label for button in at.get("download_button")]
    assert labels.count("Report (HTML)") == labels.count("Notebook (ipynb)") == labels.count("Parquet") == 1
    assert at.query_params["run"] == "1"  # the address brings the result back
    # A tower that was chosen opens in the lab with the days that it had here, and is adapted to.
    at.session_state["tamrl_network_site"] = site
    at.run().button(key="network_open").click().run()
    healthy(at)
    at.session_state["tamrl_job"].wait(60)
    healthy(at.run())
    key, made = next((k, r) for k, r in at.session_state["tamrl_results"].items() if hasattr(k, "site"))
    rows = result.table[result.table["site"] == site].set_index("flux")
    assert (key.site, key.days, key.start) == (site, 14, f"{rows['first'].iloc[0]:%Y-%m-%d}")
    alone = before_after(made).set_index("flux")
    np.testing.assert_allclose(rows["rmse_after"], alone["rmse_after"].reindex(rows.index), rtol=1e-5)


def test_the_app_opens_on_observed_towers_and_tells_stories(monkeypatch):
    monkeypatch.delenv("TAMRL_WORKSPACE", raising=False)
    at = healthy(lab())
    assert at.selectbox(key="choose_ws").value == "fluxnet2015"
    assert at.selectbox(key="choose_model").value == "cross-fitted"
    box = at.selectbox(key="lab_site")
    assert "163 of 163 are held out" in box.label
    assert box.value == "US-Ne1"
    assert "which never saw US-Ne1" in " ".join(c.value for c in at.caption)
    assert {b.key for b in at.button if str(b.key).startswith("story_")} == {f"story_{i}" for i in range(12)}
    at.button(key="story_3").click().run()
    healthy(at)
    at.session_state["tamrl_job"].wait(120)
    healthy(at.run())
    key = next(iter(at.session_state["tamrl_results"]))
    assert (key.site, key.days, key.start) == ("GF-Guy", 30, "2004-07-13")
    assert len(at.metric) == 9
