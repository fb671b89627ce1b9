"""The address that restores what a page showed, as reports and notebooks carry it."""

import re
from urllib.parse import urlsplit

from tamrl.errors import TamrlError

#: What an address may hold: no blank, and nothing that HTML or Markdown could take for its own.
_ADDRESS = re.compile(r"https?://[\w.\-\[\]:]+(?:/[\w.~%!$&()*+,;=:@/?#-]*)?", re.ASCII)


def checked(address: str) -> str:
    """Return an address as it was given.

    Raises:
        TamrlError: it is no address of a page.
    """
    if not _ADDRESS.fullmatch(address):
        raise TamrlError(
            "This is not the address of a page", address, "Copy it from the browser, with http:// or https://"
        )
    return address


def server(address: str) -> str:
    """Return where the app ran that an address names, ``http://localhost:8501``."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def in_words(address: str) -> str:
    """Return a sentence on what an address that restores a view depends on."""
    return f"It opens while the app runs at {server(address)}, where this was made, with the same workspace and model"
