"""The documentation: its links lead somewhere, its commands exist, and its tables are those of the code."""

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from tamrl.cli.main import main
from tamrl.config import from_dict
from tamrl.errors import TamrlError
from tamrl.evaluation.results import TABLES
from tamrl.maps.products.cf import parse_mapping
from tamrl.upscale.drivers.mapping import load_mapping

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
_SKIPPED = {"site", "build", "shared", "node_modules"}
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part in _SKIPPED or part.startswith(".") for part in path.relative_to(ROOT).parts)
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def load(name):
    """A module of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load("build_reference")
equations = load("equations")


def anchors(path):
    """What a heading is called in an address: small letters and hyphens, as GitHub and mkdocs agree for these pages."""
    headings = re.findall(r"^#+ +(.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", text.lower()).strip()) for text in headings}


def broken(path):
    """Links of a page that lead to no file, or to no heading."""
    text = re.sub(r"`[^`\n]+`", "", _FENCE.sub("", path.read_text(encoding="utf-8")))
    for link in _LINK.findall(text):
        name, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def commands(text):
    """Each ``tamrl`` command of a page, as words: those of its shell blocks and those named in a line."""
    blocks = [body for kind, body in _FENCE.findall(text) if kind in ("bash", "sh", "")]
    lines = [line for body in blocks for line in body.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    for line in [*lines, *spans]:
        found = re.match(r"\s*(?:\S*python3? -m )?tamrl +([a-z].*)", line)
        if found:
            yield shlex.split(found[1], comments=True)


def check(words, group=main):
    """Parse a command as click does, without running it; a command that is named alone need only exist."""
    name, *rest = words
    command = group.get_command(click.Context(group), name)
    assert command is not None, f"there is no command {name}"
    if isinstance(command, click.Group) and rest:
        check(rest, command)
    elif len(rest) > 1 or any(word.startswith("-") for word in rest):
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        known |= {"--help"} | ({word for word in rest if word[:1] == "-"} if name == "app" else set())
        for word in rest:
            assert not word.startswith("-") or word.partition("=")[0] in known, f"{name} has no option {word}"


def whole(words):
    """Whether a command is written out with its options, so that click must take it as it stands."""
    return any(word in ("--out", "--workspace", "-w", "-o") for word in words)


def test_pages_are_found():
    assert {"README.md", "CONTRIBUTING.md", "docs/index.md", "docs/how-to/train.md"} <= {
        path.relative_to(ROOT).as_posix() for path in PAGES
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file_and_a_heading(path):
    assert list(broken(path)) == []


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# A heading, with signs\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#a-heading-with-signs) [b](no.md) [c](other.md#no) `[d](code.md)` [e](https://x.org)\n"
    )
    assert list(broken(page)) == ["no.md", "other.md#no"]


@pytest.mark.parametrize(
    "path",
    [path for path in PAGES if path.is_relative_to(DOCS) or path.parent == ROOT],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_every_command_and_option_exists(path):
    for words in commands(path.read_text(encoding="utf-8")):
        check(words)
        # Required options and the types of values, too; files need not be there.
        if whole(words) and words[0] != "bench":
            command = main.get_command(click.Context(main), words[0])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(click.Path, "convert", lambda self, value, param, ctx: Path(value))
                patch.setattr("tamrl.bundled.find_model", lambda value: value)
                command.make_context(words[0], list(words[1:]))


def test_commands_are_found_and_a_wrong_one_is_told():
    text = "```bash\ntamrl train --workspace w \\\n  --members 2  # five\n```\nand `python -m tamrl ingest --sites x`\n"
    assert list(commands(text)) == [["train", "--workspace", "w", "--members", "2"], ["ingest", "--sites", "x"]]
    with pytest.raises(AssertionError, match="no command upscal"):
        check(["upscal", "--out", "x"])
    with pytest.raises(AssertionError, match="no option --member"):
        check(["train", "--member", "2"])
    with pytest.raises(AssertionError, match="no option --nothing"):
        check(["bench", "accuracy", "--nothing"])


@pytest.mark.parametrize("page", list(reference.PARTS))
def test_generated_tables_are_those_of_the_code(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    assert reference.rebuilt(page, text) == text, "run python docs/build_reference.py"


def test_every_column_of_a_results_folder_has_its_meaning():
    assert set(reference.COLUMNS) == {column for columns in TABLES.values() for column in columns}
    assert set(reference.ROWS) == set(TABLES)


def test_keys_of_a_driver_are_those_that_the_reader_knows(tmp_path):
    file, known = tmp_path / "mapping.yaml", set()
    for driver, wrong in (("TA", "{nothing: 1}"), ("VPD", "{dew_point: {}, nothing: 1}")):
        file.write_text(f"drivers: {{{driver}: {wrong}}}\n", encoding="utf-8")
        with pytest.raises(TamrlError) as error:
            load_mapping(file)
        known |= set(error.value.todo.removeprefix("Known keys: ").split(", "))
    assert set(re.findall(r"^\| `(\w+)`", reference.mapping_keys(), re.MULTILINE)) == known


def test_a_page_without_a_place_for_its_tables_is_refused():
    with pytest.raises(ValueError, match="once each"):
        reference.rebuilt("reference/configuration.md", "# Configuration\n")


def test_examples_of_settings_and_mappings_are_valid(tmp_path):
    def example(page):
        return next(body for kind, body in _FENCE.findall((DOCS / page).read_text(encoding="utf-8")) if kind == "yaml")

    assert from_dict(yaml.safe_load(example("how-to/train.md"))).model.hidden == 16
    assert set(parse_mapping(yaml.safe_load(example("how-to/import-a-product.md")))) >= {"GPP", "NEE", "land_fraction"}
    file = tmp_path / "mapping.yaml"
    file.write_text(example("reference/drivers-mapping.md"), encoding="utf-8")
    assert load_mapping(file).drivers["P_MON"].average


def test_every_equation_can_be_drawn_and_code_is_left_alone():
    drawn = equations.on_page_markdown((DOCS / "method.md").read_text(encoding="utf-8"))
    assert drawn.count("<svg") > 20
    assert "$" not in re.sub(r'aria-label="[^"]*"', "", drawn)
    code = "```bash\necho $A $B\n```\nand `$x$`\n"
    assert equations.on_page_markdown(code) == code


def test_every_page_is_in_the_contents():
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    for path in DOCS.rglob("*.md"):
        name = path.relative_to(DOCS).as_posix()
        assert name in listed or name.startswith("extend/"), f"{name} is not in mkdocs.yml"


def test_the_site_asks_for_nothing_outside(tmp_path):
    import sys

    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "site").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|img|source)[^>]+src="?(?:https?:)?//', text), path
        assert not re.search(r'<link[^>]+rel="?(?:stylesheet|preconnect|icon)"?[^>]+href="?(?:https?:)?//', text), path
