"""The one exception that users see: what is wrong, where, and what to do about it."""

import unicodedata

#: Turn the order of letters round or hide them: what is shown would not be what is there.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def printable(text: str, keep: str = "") -> str:
    """Return text without what a terminal obeys instead of showing: control characters, marks of direction, half codes.

    Each becomes its code, as Python writes it; names of files and cells of tables may hold anything.

    Args:
        text: any.
        keep: characters that stay, for example a line feed.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(ch) if ch not in keep and unicodedata.category(ch) in _UNSEEN else ch for ch in text)


def _shown(ch: str) -> str:
    code = ord(ch)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class TamrlError(Exception):
    """An error that the user can act on.

    Args:
        what: what is wrong, one sentence without the final full stop.
        where: the file, tower, variable or option concerned.
        todo: what the user can do next, one sentence.
    """

    def __init__(self, what: str, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = (printable(" ".join(part.splitlines())) for part in (what, str(where), todo))
        super().__init__(self.__str__())

    def __str__(self) -> str:
        """Return the three parts as one line of text."""
        parts = [self.what + (f" ({self.where})" if self.where else "") + "."]
        if self.todo:
            parts.append(self.todo.rstrip(".") + ".")
        return " ".join(parts)
