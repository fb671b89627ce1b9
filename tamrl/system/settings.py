"""Numbers that the operator of a server sets in its environment."""

from collections.abc import Mapping

from tamrl.errors import TamrlError


def number(settings: Mapping[str, str], name: str, default: float) -> float:
    """Return a number above zero, ``default`` where the setting is not there or empty.

    Raises:
        TamrlError: it is something else.
    """
    text = settings.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise TamrlError(f"This is not a number above zero: {text!r}", name, "Set another, or leave it out")
    return value


def whole(settings: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number of 1 or more, ``default`` where the setting is not there or empty.

    Raises:
        TamrlError: it is something else.
    """
    value = number(settings, name, default)
    if value != int(value):
        raise TamrlError(f"This is not a whole number: {value:g}", name, "Set another, or leave it out")
    return int(value)
