"""Where the support lies in a record, and which scored days a statement about models is made on.

Apart from ``tamrl.protocol.support_days``, which lays the days out, so that tables of scores are read without torch.
"""

import numpy as np
import pandas as pd

PLACEMENTS = {
    "growing": "around the day of year with the largest mean GPP",
    "dormant": "around the day of year with the smallest mean GPP",
    "random": "around a random valid day",
}
#: Stands in place of a placement where there is no support and every valid day is scored.
ALL = "all"


def counted(placement: pd.Series | pd.Index, shots: pd.Series | int) -> np.ndarray:
    """Return which rows of a table of scores a statement is made on: the one rule about the two sets of scored days.

    A statement about zero-shot predictions alone counts all valid days of a tower (``ALL``), as in the tables of the
    field (FLUXCOM-X-BASE, CarbonFluxBench); one about few-shot, or that compares few-shot with zero-shot, counts the
    days outside the support, placement by placement. Where a table has no rows of ``ALL``, since one placement was
    picked from it, all rows count.

    Args:
        placement: of each of N rows.
        shots: of each row, for statements about each row's own number of shots; or the largest number of a comparison.

    Returns:
        (N,) bool.
    """
    everything = np.asarray(placement == ALL)
    if not everything.any():
        return np.ones(len(everything), bool)
    return everything == (np.asarray(shots) == 0)
