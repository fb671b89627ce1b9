"""The parts of a document that a command writes, between markers; all else in it is written by hand."""

from pathlib import Path

from tamrl.errors import TamrlError


def write_between(file: Path, begin: str, end: str, body: str, empty: str = "") -> Path:
    """Write a part of a document anew.

    Args:
        file: the document.
        begin: line before the part.
        end: line after it.
        body: the part, in Markdown.
        empty: what the document is taken to hold where it does not exist.

    Raises:
        TamrlError: the document has no such part, so that writing would destroy it.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else empty
    if text.count(begin) != 1 or text.count(end) != 1:
        raise TamrlError(
            "The document has no place for the tables", str(file), f"Put the lines {begin} and {end} where they belong"
        )
    before, _, rest = text.partition(begin)
    file.write_text(f"{before}{begin}\n\n{body}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")
    return file
