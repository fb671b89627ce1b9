"""An address that restores a view is passed on as it is, and nothing else is taken for one."""

import dataclasses

import nbformat
import pytest
from test_notebook import made, space  # noqa: F401 - a fixture

from tamrl.errors import TamrlError
from tamrl.predict import link
from tamrl.predict.notebook import notebook
from tamrl.protocol.support_days import support_days

VIEW = "http://localhost:8501/lab?ws=fluxnet2015&site=DE-Hai&start=2005-06-01&days=30&igbp=ENF%2CDBF&run=1"


@pytest.mark.parametrize("address", [VIEW, "https://fluxes.example.org/tamrl/lab?site=DE-Hai", "http://[::1]:8501/"])
def test_an_address_of_a_page_is_one(address):
    assert link.checked(address) == address
    assert address.startswith(link.server(address))


@pytest.mark.parametrize(
    "address",
    [
        "/lab?site=DE-Hai",
        "javascript:alert(1)",
        "file:///etc/passwd",
        'http://x.org/"><script>',
        "http://x.org/a b",
        "",
    ],
)
def test_anything_else_is_refused_in_words(address):
    with pytest.raises(TamrlError, match="not the address of a page"):
        link.checked(address)


def test_a_notebook_links_to_the_view_and_says_where_the_server_was(space):  # noqa: F811
    run = made(space, support_days(space[2], 10), method="zero-shot")
    plain, linked = (
        nbformat.reads(notebook(one).decode(), as_version=4)["cells"][0]["source"]
        for one in (run, dataclasses.replace(run, url=VIEW))
    )
    assert "http" not in plain
    assert f"[Restore this view on the page]({VIEW})" in linked
    assert "runs at http://localhost:8501," in linked
