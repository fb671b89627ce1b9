"""What the measurement of the pages says of its figures."""

import pytest

from benchmarks import pages
from benchmarks.pages import Bar, growth
from tamrl.app import router


def test_a_figure_stands_beside_its_bar():
    assert Bar("first paint", 1.5, 1.5).line() == "| first paint | 1.5 s | 1.5 s | met |"
    assert Bar("memory", 924.4, 700, "MB").line() == "| memory | 924 MB | 700 MB | **not met** |"


@pytest.mark.parametrize(("memory", "grown"), [([500, 600, 600, 600], 0), ([500, 600, 700, 800, 900], 200), ([5], 0)])
def test_memory_that_settles_has_not_grown(memory, grown):
    assert growth(memory) == grown


def test_every_page_is_measured(monkeypatch):
    monkeypatch.setattr(router.st, "Page", lambda path, title, **about: title)
    assert set(pages.PAGES) == set(router.pages())
