"""Towers and the Few-shot lab on a monthly workspace: months wherever a daily workspace has days."""

import monthly_workspace
import numpy as np
import pandas as pd
import pytest
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.towers.quality import valid_days

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return monthly_workspace.make(tmp_path_factory.mktemp("monthly"))


@pytest.fixture
def site(made, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(made[0].path))
    return made[1][0]


def page(name, **query):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    at.query_params.update(query)
    return healthy(at.switch_page(f"pages/{name}.py").run())


def adapt(at):
    at.button(key="adapt").click().run()
    healthy(at)
    at.session_state["tamrl_job"].wait(60)
    return healthy(at.run())


def said(at):
    return " ".join(element.value for kind in (at.caption, at.markdown, at.info, at.warning) for element in kind)


def test_towers_count_and_draw_months(made, site):
    at = page("towers", site=site)
    words = said(at)
    assert "months with fluxes" in words
    assert "Fingerprint: month by year" in words
    assert "days" not in words
    assert "day" not in at.main.caption[1].value
    assert at.dataframe[0].value.set_index("site").loc[site, "valid_days"] < 300
    figures = {proto.proto.id.split("chart-")[-1] for proto in at.get("plotly_chart")}
    assert any(f"{site}_monthly" in name for name in figures)


def test_the_lab_offers_valid_months_and_adapts_to_them(made, site):
    at = page("lab", site=site, days="4", method="site-effect")
    tower = made[0].archive().sel(site=site).load()
    valid = pd.DatetimeIndex(tower.time.values)[valid_days(tower)]
    slider = at.select_slider(key="choose_start")
    assert slider.options == [f"{when:%Y-%m}" for when in valid]
    assert at.slider(key="choose_days").max <= 24
    adapt(at)
    result = next(iter(at.session_state["tamrl_results"].values()))
    assert len(result.support) == 4
    assert set(result.support) <= set(valid)
    words = said(at)
    assert "4 support months from" in words
    assert "Monthly values of the ensemble mean" in words
    assert f"n = {len(valid) - 4} months" in words
    assert "days" not in words
    assert len(at.metric) == 9
    assert all(np.isfinite(float(m.value.replace("\N{MINUS SIGN}", "-"))) for m in at.metric)


def test_at_first_the_support_is_half_a_year_after_half_a_year_of_record(made, site):
    at = page("lab", site=site)
    tower = made[0].archive().sel(site=site).load()
    known = np.flatnonzero(np.isfinite(tower["TA"].values))[0]
    valid = pd.DatetimeIndex(tower.time.values)[valid_days(tower)]
    begin = pd.Timestamp(tower.time.values[known]) + pd.Timedelta(days=180)
    expected = valid[valid >= begin][0]
    assert f"6 support months from {expected:%Y-%m}" in said(at)


def test_another_month_is_chosen_and_kept_in_the_address(made, site):
    at = page("lab", site=site)
    slider = at.select_slider(key="choose_start")
    later = slider.options[10]
    slider.set_value(pd.Timestamp(later).date())
    healthy(at.run())
    assert f"support months from {later}" in said(at)
    assert "".join(at.query_params["start"]) == f"{later}-01"


def test_a_day_in_the_address_becomes_the_next_valid_month(made, site):
    tower = made[0].archive().sel(site=site).load()
    valid = pd.DatetimeIndex(tower.time.values)[valid_days(tower)]
    at = page("lab", site=site, start=f"{valid[8]:%Y-%m}-17", days="3")
    assert f"3 support months from {valid[9]:%Y-%m}" in said(at)


@pytest.mark.parametrize("method", ["modulation", "encode"])
def test_what_holds_months_back_adapts_too(site, method):
    at = adapt(page("lab", site=site, days="12", method=method, steps="3"))
    result = next(iter(at.session_state["tamrl_results"].values()))
    assert len(result.support) == 12
    assert np.isfinite(result.adapted["GPP"].values).all()
