"""A period as it is written on the command line."""

from datetime import date

import pandas as pd

from tamrl.errors import TamrlError


def read_period(text: str, option: str = "--support") -> pd.DatetimeIndex:
    """Read FROM:TO, both days included.

    Raises:
        TamrlError: it is not two dates, or they are in the wrong order.
    """
    first, _, last = text.partition(":")
    try:
        days = pd.date_range(date.fromisoformat(first.strip()), date.fromisoformat(last.strip()), freq="D")
    except ValueError as error:
        raise TamrlError(f"Not a period: {text!r}", option, "Write for example 2005-06-01:2005-06-30") from error
    if not len(days):
        raise TamrlError(f"The period has no days: {text!r}", option, "Write FROM:TO, the earlier date first")
    return days
