"""The terms of docs/glossary.md, which comes with the app as well."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tamrl.bundled import root
from tamrl.errors import TamrlError

FILE = Path("docs", "glossary.md")
_ENTRY = re.compile(r"\*\*(?P<name>[^*]+?)\.\*\*\s+(?P<text>.+)", re.DOTALL)


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes:
        key: in addresses: the first words of its name, small letters and hyphens.
        name: as it is written.
        text: Markdown, one paragraph.
    """

    key: str
    name: str
    text: str


def key_of(name: str) -> str:
    """Return the key of a name: what stands before its first comma or bracket."""
    plain = re.split(r"[,(]", name)[0].strip().lower().replace("ö", "oe")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


@lru_cache(maxsize=1)
def terms() -> dict[str, Term]:
    """Return the entries by key, in the order of the file.

    Raises:
        TamrlError: the file is missing.
    """
    path = root() / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TamrlError("The glossary is missing", str(FILE), "Install the project again") from error
    found = {}
    for part in text.split("\n\n"):
        if entry := _ENTRY.match(part.strip()):
            name = " ".join(entry["name"].split())
            # Links to other documents lead nowhere in the app.
            said = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(entry["text"].split()))
            said = re.sub(r"\bdoi:(10\.\d{4,}/[^\s,;)]*[^\s,;).])", r"[doi:\1](https://doi.org/\1)", said)
            said = re.sub(r"\barXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", said)
            found[key_of(name)] = Term(key_of(name), name, said)
    return found
