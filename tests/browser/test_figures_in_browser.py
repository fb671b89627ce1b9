"""Figures as they are saved: title, source line and SIMULATED inside; and charts that keep their points."""

import re
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import pytest
import score_files
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SVG = "{http://www.w3.org/2000/svg}"
METHODS = ("Site effect", "Encoder", "Modulation", "All weights")


def saved(page, kind, place):
    """Press the button of the figure at ``place`` and return the file."""
    with page.expect_download() as caught:
        page.locator(f'.figure button[data-kind="{kind}"]').nth(place).click()
    return caught.value


def check(page, place, name, words, least=100):
    """Save one figure as SVG and PNG and look into both."""
    drawn = saved(page, "svg", place)
    assert re.fullmatch(f"SIMULATED_{name}\\.svg", drawn.suggested_filename)
    root = ElementTree.parse(drawn.path()).getroot()
    assert root.tag == f"{SVG}svg"
    said = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    for word in ("SIMULATED", "Source:", *words):
        assert word in said
    ground = next(root.iter(f"{SVG}rect"))
    assert re.fullmatch("#[0-9a-f]{6}", ground.get("fill"))
    assert float(ground.get("width")) / float(ground.get("height")) == pytest.approx(16 / 9, rel=0.01)
    # Lines and markers are paths; a field is one image.
    assert sum(1 for _ in root.iter(f"{SVG}path")) > 10 or any(True for _ in root.iter(f"{SVG}image"))
    raster = saved(page, "png", place)
    with Image.open(raster.path()) as image:
        assert image.size == (1920, 1080)
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert np.asarray(image.getchannel("A") if image.mode == "RGBA" else 255).min() == 255
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    assert len(colours) > least
    assert counts.max() < 0.995 * len(pixels)
    return "#{:02x}{:02x}{:02x}".format(*colours[counts.argmax()]), ground.get("fill")


def test_the_figures_of_a_tower_are_saved_with_what_a_slide_needs(window, small_workspace):
    site = small_workspace[1][0]
    app = window(theme="dark")
    page = app.open(f"/towers?site={site}")
    page.locator(".js-plotly-plot .main-svg").nth(1).wait_for()
    app.settle()
    seen, ground = check(page, 0, f"{site}_daily", (f"Daily fluxes and drivers of {site}",))
    assert seen == ground == "#151a17"
    check(page, 1, f"{site}_NEE_fingerprint", ("by day of year and year", "low quality"))


def test_a_row_of_charts_is_one_picture_with_its_legend(window, tmp_path):
    folder = score_files.make(tmp_path / "scores", towers=12, designs=("igbp",))
    app = window()
    page = app.open(f"/scorecard?scores={quote(str(folder))}&section=Learning%20curves")
    page.locator(".js-plotly-plot").nth(2).locator(".main-svg").first.wait_for()
    app.settle()
    titles = [f"RMSE of {flux} by days of labels and model" for flux in ("GPP", "RECO", "NEE")]
    _, ground = check(page, 0, "scorecard_curves_rmse", ("XGBoost with the support", *titles[0].split()))
    assert ground == "#ffffff"


def test_a_click_on_the_places_of_lesson_six_builds_a_tower_and_another_takes_it_away(window):
    app = window()
    page = app.open("/lessons?lesson=siting&stage=try")

    def press(trace, place):
        """Click a point of the traces: no tower, stands already, added by you; return which towers are added then."""
        point = page.locator(".st-key-figure-lesson_climates .trace.scatter").nth(trace).locator(".point").nth(place)
        point.scroll_into_view_if_needed()
        app.settle()
        box = point.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        app.settle()
        return re.findall("XS-[A-Z]{2}[0-9]", page.get_by_test_id("stMultiSelect").inner_text())

    # A place that stands apart from all others.
    assert press(0, 20) == ["XS-GR3"]
    assert press(2, 0) == []


def test_the_support_keeps_its_points_when_every_method_was_tried(window, small_workspace):
    site = small_workspace[1][0]
    app = window()
    page = app.open(f"/lab?site={site}")
    chart = page.locator(f"[class*=st-key-support_chart_{site}] .js-plotly-plot")
    chart.locator(".main-svg").first.wait_for()
    app.settle()
    for method in METHODS:
        choice = page.get_by_role("combobox", name=re.compile("Method"))
        choice.evaluate("e => e.scrollIntoView({block: 'center'})")  # at the edge of the window a list closes at once
        choice.click()
        page.get_by_role("option", name=method, exact=True).click()
        app.settle()
        page.get_by_role("button", name="Adapt", exact=True).click()
        page.get_by_text(f"{site}, {method.lower()}").wait_for()
        app.settle()
        # 30 of the support, and those of the record, drawn as elements that no limit on canvases takes away.
        assert chart.locator(".scatterlayer .points path").count() > 1000
        assert page.locator(".js-plotly-plot:has(.gl-canvas)").count() <= 1
        # What was asked for comes into view.
        assert 0 <= page.get_by_role("heading", name="Before and after").bounding_box()["y"] < 400
    assert page.get_by_text(f"All {len(METHODS)} runs at this tower").count() == 1
    check(page, 2, f"{site}_all_30d_predictions", ("Observed, zero-shot and adapted fluxes",))


def test_buttons_of_a_chart_stand_beside_its_legend_and_numbers_on_hover_have_minus_signs(window, small_workspace):
    page = window(width=1000).open(f"/lab?site={small_workspace[1][0]}&flux=NEE")
    chart = page.locator(".js-plotly-plot").first
    chart.locator(".legendtext").first.wait_for(timeout=60_000)
    chart.scroll_into_view_if_needed()
    box, said = chart.bounding_box(), ""
    for share in np.arange(0.15, 0.95, 0.05):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.6 * box["height"])
        page.wait_for_timeout(150)
        said += " ".join(chart.locator(".hoverlayer text").all_text_contents()) + "; "
    assert re.search(r"\N{MINUS SIGN}\d", said)
    assert not re.search(r"(?<![\d-])-\d", said)  # dates keep their hyphens
    bar = chart.locator(".modebar").bounding_box()
    for name in chart.locator(".legendtext").all():
        text = name.bounding_box()
        assert text["y"] >= bar["y"] + bar["height"] - 1 or text["x"] + text["width"] <= bar["x"]
