"""How often the lab looks at a job: often where its end is near, seldom where others come first."""

from types import SimpleNamespace

import pytest

from tamrl.app.lab import inputs
from tamrl.app.lab.view import LabRequest
from tamrl.predict.methods import AdaptSettings


def request(method):
    return LabRequest(
        workspace=("w", 1),
        model=("m", 1),
        site="XX-One",
        start="2009-05-01",
        days=30,
        settings=AdaptSettings(method=method),
        gaps=False,
    )


@pytest.mark.parametrize(
    ("key", "line", "seconds"),
    [
        (request("site-effect"), "", inputs.QUICK_S),
        (request("modulation"), "", inputs.POLL_S),
        ("all towers", "", inputs.POLL_S),
        (request("site-effect"), "2nd in line", inputs.WAITING_S),
    ],
)
def test_the_page_looks_often_where_the_end_is_near(key, line, seconds):
    assert inputs._poll_s(SimpleNamespace(key=key, line=lambda: line)) == seconds
