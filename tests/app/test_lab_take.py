"""What is taken away from the Few-shot lab: its buttons, and that the files are those of the result that is shown."""

import io
import re
import zipfile

import nbformat
import pytest
import xarray as xr
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.shared import components, visitor
from tamrl.predict import saved
from tamrl.predict.output import before_after

pytestmark = pytest.mark.slow


@pytest.fixture
def files(monkeypatch):
    """Key of a download -> its file name and what makes it, called as the server does: apart from the page."""
    made = {}
    shown = components.download

    def download(label, file, data, mime, key):
        made[key] = (file, data)
        shown(label, file, data, mime, key)

    monkeypatch.setattr(components, "download", download)
    return made


def adapted(small_workspace, monkeypatch, **query):
    """The lab with a result of the small workspace."""
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    at.query_params.update(site=small_workspace[1][0], **query)
    at = at.switch_page("pages/lab.py").run()
    at.button(key="adapt").click().run()
    at.session_state["tamrl_job"].wait(60)
    at.run()
    assert not at.exception
    assert [e.value for e in at.error] == []
    return at


def test_report_notebook_and_model_are_offered_with_the_result_alone(small_workspace, monkeypatch, files, tmp_path):
    at = adapted(small_workspace, monkeypatch, method="encode", days="20")
    site, result = small_workspace[1][0], next(iter(at.session_state["tamrl_results"].values()))
    labels = [button.proto.label for button in at.get("download_button")]
    assert labels.count("Report (HTML)") == labels.count("Notebook (ipynb)") == 1
    name, make = files["take_report"]
    assert name == f"SIMULATED_{site}_encode_20d_report.html"
    text = make().decode()
    rmse = f"{before_after(result)['rmse_after'].iloc[0]:.2f}"
    assert f"<td>{rmse}</td>" in text
    assert "Encoder (encode)" in text
    name, make = files["take_notebook"]
    assert name == f"SIMULATED_{site}_encode_20d_notebook.ipynb"
    read = nbformat.reads(make().decode(), as_version=4)
    code = "\n".join(cell["source"] for cell in read["cells"] if cell["cell_type"] == "code")
    written = re.search(r"'rmse_after': \[(.*)\]", code)[1]
    assert [float(value) for value in written.split(", ")] == before_after(result)["rmse_after"].tolist()
    assert f"tamrl.open_workspace({str(small_workspace[0].path)!r})" in code
    name, make = files["take_model"]
    assert name == f"SIMULATED_{site}_encode_20d_model.zip"
    with zipfile.ZipFile(io.BytesIO(make())) as packed:
        packed.extractall(tmp_path)
    model = saved.load(tmp_path / f"{site}_encode_20d_model")
    xr.testing.assert_identical(saved.predict(model, result.tower), result.adapted)
    # Before anything was adapted there is nothing to take.
    files.clear()
    fresh = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/lab.py").run()
    assert not fresh.exception
    assert not {"take_report", "take_notebook", "take_model"} & set(files)


def test_a_visitor_is_told_no_folder_of_the_server(small_workspace, monkeypatch, files):
    from tamrl.system.access import Access

    guest = Access.decide(False, None)
    assert not guest.owner
    monkeypatch.setattr(visitor, "access", lambda: guest)
    adapted(small_workspace, monkeypatch)
    folder = str(small_workspace[0].path.parent)
    for key in ("take_report", "take_notebook"):
        assert folder not in files[key][1]().decode()
