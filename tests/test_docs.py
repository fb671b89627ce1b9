"""The documentation says what is there: links, commands and their options, and pages made from the code."""

import importlib
import importlib.util
import re
import shlex

import click
import pytest
from small_workspace import ROOT

from tamrl.cli.main import COMMANDS

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def fenced(text, *languages):
    """Code blocks of some languages."""
    return [
        code for language, code in re.findall(r"```(\w+)[^\n]*\n(.*?)```", text, re.DOTALL) if language in languages
    ]


@pytest.fixture(scope="module")
def reference():
    path = ROOT / "docs" / "build_reference.py"
    module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("build_reference", path))
    spec.loader.exec_module(module)
    return module


def test_reference_pages_are_those_of_the_code(reference):
    for name, make in reference.PAGES.items():
        found = (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
        assert found == make(), f"docs/reference/{name}.md is behind the code: run python docs/build_reference.py"


def test_every_setting_has_its_meaning(reference):
    page = reference.configuration()
    for key in ("drivers", "site_effect", "patience", "precision"):
        assert re.search(rf"^\| `{key}` \| `.+` \| .{{15,}} \|$", page, re.MULTILINE), key


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?:|mailto:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


def options(command):
    found = {"-h", "--help"}
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            found |= {*parameter.opts, *parameter.secondary_opts}
    return found


def load(name):
    module, _, attribute = COMMANDS[name][0].partition(":")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_commands_have_the_options_that_are_named(page):
    for code in fenced(page.read_text(encoding="utf-8"), "bash", "sh"):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if len(words) < 2 or words[0] != "tamrl" or words[1] == "app":
                continue
            assert words[1] in COMMANDS, line
            command, rest = load(words[1]), words[2:]
            while isinstance(command, click.Group) and rest and rest[0] in command.commands:
                command, rest = command.commands[rest[0]], rest[1:]
            for word in rest:
                if word.startswith("-") and not re.match(r"-\d", word):
                    assert word.partition("=")[0] in options(command), f"{line}: {word}"


def test_pages_are_in_the_navigation():
    listed = set(re.findall(r"([\w/-]+\.md)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert listed == there
