"""Every figure says what it shows, and the glossary has the term that it leads to."""

import ast
import re

from small_workspace import ROOT

from tamrl.app.glossary.terms import terms
from tamrl.app.shared import explain

#: What stands for a part of a name that is only known when the page runs.
_SAMPLES = {"site": "DE-Hai", "view.site": "DE-Hai", "kind": "daily", "flux": "NEE", "stem": "compare_one_other_NEE"}


def names():
    """Return a sample of the name of each figure that pages draw, and where it is drawn."""
    found = []
    for path in sorted((ROOT / "tamrl" / "app").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            if isinstance(call.func, ast.Attribute) and ast.unparse(call.func) in (
                "components.figure",
                "components.footer",
            ):
                found.append((f"{path.relative_to(ROOT)}:{call.lineno}", sample(call.args[0])))
    return found


def sample(node):
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(sample(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _SAMPLES.get(ast.unparse(node.value), "part")
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "view.stem":
        return f"DE-Hai_site-effect_30d_{sample(node.args[0])}"
    return _SAMPLES[ast.unparse(node)]


def test_every_figure_is_explained():
    found = names()
    assert len(found) > 40
    assert [where for where, name in found if explain.about(name) is None] == []


def test_every_explanation_is_of_a_figure_and_has_two_sentences():
    used = {explain.about(name) for _, name in names()}
    assert [row.pattern for row in explain._ROWS if row not in used] == []
    for row in explain._ROWS:
        assert len(re.findall(r"[.!?](?:\s|$)", row.text)) == 2, row.text


def test_every_term_is_in_the_glossary_with_the_sources_that_were_asked_for():
    known = terms()
    assert {row.term for row in explain._ROWS} <= set(known)
    asked = (
        "support",
        "zero-shot",
        "task-embedding",
        "site-effect",
        "dissimilarity-index",
        "nee-qc",
        "partitioning",
        "nee",
    )
    for key in (*asked, "pgc"):
        assert re.search(r"doi:|arXiv:|\d{4}", known[key].text), key
    assert all("](" not in t.text or "https://" in t.text for t in known.values())


def test_a_figure_that_is_not_known_has_no_button():
    assert explain.about("") is None
    assert explain.about("nothing of this name") is None
