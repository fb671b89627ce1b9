"""The report in Chromium without a network: every chart is drawn and nothing is asked for."""

import pytest

from tamrl.figures.lab.report import report
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.provenance import Run
from tamrl.predict.tower import adapt_tower
from tamrl.protocol.support_days import support_days
from tamrl.towers.archive import record

pytestmark = pytest.mark.browser


def test_a_report_opens_offline(browser, small_workspace, checkpoint, tmp_path):
    workspace, held_out = small_workspace
    ensemble, tower = load_ensemble(checkpoint), record(workspace.archive(), held_out[0])
    made = adapt_tower(ensemble, tower, support_days(tower, 25))
    file = tmp_path / "report.html"
    file.write_bytes(report(Run(workspace=workspace, ensemble=ensemble, adaptation=made)))
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    asked, wrong = [], []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(file.as_uri())
    charts = page.locator(".js-plotly-plot")
    charts.nth(7).locator(".main-svg").first.wait_for()
    assert charts.count() == 8
    assert page.locator(".js-plotly-plot canvas").count() > 0  # the points of the series, drawn with WebGL
    assert asked == [file.as_uri()]
    assert wrong == []
    context.close()
