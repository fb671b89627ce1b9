"""The works that the project cites, each once: ``assets/references.bib``, read as ``Work``.

Lessons, provenance and the list of software name a work by its key, so that its DOI is written in one place. Texts that
name a DOI themselves (docstrings, documents, lines of source) are held to the same file by a test.
"""

import re
from functools import lru_cache

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.towers.citations import Work

FILE = "references.bib"
_ENTRY = re.compile(r"^@(?P<kind>\w+)\{(?P<key>\w+),\n(?P<fields>.*?)^\}", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.MULTILINE)


@lru_cache(maxsize=1)
def works() -> dict[str, Work]:
    """Return all works by their keys, in the order of the file.

    Raises:
        TamrlError: the file is missing.
    """
    path = bundled_folder(FILE)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TamrlError("The list of references is missing", str(path), "Install the project again") from error
    found = {}
    for entry in _ENTRY.finditer(text):
        fields = dict(_FIELD.findall(entry["fields"]))
        licence = fields.pop("copyright", "")
        found[entry["key"]] = Work(key=entry["key"], kind=entry["kind"], fields=fields, licence=licence)
    return found


def work(key: str) -> Work:
    """Return one work.

    Raises:
        KeyError: there is no such key.
        TamrlError: the file is missing.
    """
    return works()[key]


def who(cited: Work) -> str:
    """Return the authors and year of a work as in a running text: ``Laird and Ware (1982)``."""
    names = [name.split(",")[0] for name in cited.fields["author"].split(" and ")]
    said = f"{names[0]} et al." if len(names) > 2 or names[-1] == "others" else " and ".join(names)
    return f"{said} ({cited.fields['year']})"


def where(cited: Work) -> str:
    """Return where a work appeared: its journal, proceedings or publisher, ``arXiv`` for a preprint."""
    return next((cited.fields[name] for name in ("journal", "booktitle", "publisher") if name in cited.fields), "arXiv")


def link(cited: Work) -> str:
    """Return a link to a work in Markdown: its DOI, else its number at arXiv."""
    if "doi" in cited.fields:
        doi = cited.fields["doi"]
        return f"[doi:{doi}](https://doi.org/{doi})"
    number = cited.fields["eprint"]
    return f"[arXiv:{number}](https://arxiv.org/abs/{number})"
