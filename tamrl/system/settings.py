"""Numbers that the operator of a server sets in its environment."""

from collections.abc import Mapping

from tamrl.errors import TamrlError


def number(settings: Mapping[str, str], name: str, default: float) -> float:
    """Return a number above zero, ``default`` where the setting is absent or empty.

    Raises:
        TamrlError: the setting is not such a number.
    """
    text = settings.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise TamrlError(f"This is not a number above zero: {text!r}", name, "Set another value, or leave it unset")
    return value


def whole(settings: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number of 1 or more, ``default`` where the setting is absent or empty.

    Raises:
        TamrlError: the setting is not such a number.
    """
    value = number(settings, name, default)
    if value != int(value):
        raise TamrlError(f"This is not a whole number: {value:g}", name, "Set another value, or leave it unset")
    return int(value)
