"""Coverage of prediction intervals against their nominal level, over towers and within classes of them."""

import pandas as pd

NUMBERS = ["coverage50", "coverage90", "width50", "width90", "crps", "spread", "rmse"]


def coverage(towers: pd.DataFrame) -> pd.DataFrame:
    """Return medians over towers by flux and shots; of both coverages the mean, with quartiles.

    The nominal level refers to the share of all days, so coverage is the mean over towers: their median can exceed the
    nominal level even where the intervals miss far too many days at a few towers.
    """
    groups = towers.groupby(["flux", "shots"])
    table = groups[NUMBERS].median()
    for level in ("coverage50", "coverage90"):
        table[level] = groups[level].mean()
        table[f"{level}_low"], table[f"{level}_high"] = groups[level].quantile(0.25), groups[level].quantile(0.75)
    table["towers"] = groups.size()
    return table.reset_index()


def class_coverage(towers: pd.DataFrame, classes: pd.Series) -> pd.DataFrame:
    """Return the coverage of the 90 % intervals by class, the largest class first.

    Args:
        towers: rows ``flux, site, coverage90``, one a tower and flux.
        classes: class of each tower, Series(site).

    Returns:
        Columns ``flux, class, coverage90`` (mean over towers), ``coverage90_low, coverage90_high`` (quartiles) and
        ``towers``.
    """
    labelled = towers.assign(**{"class": classes.reindex(towers["site"]).to_numpy()})
    groups = labelled.groupby(["flux", "class"])["coverage90"]
    table = pd.DataFrame(
        {
            "coverage90": groups.mean(),
            "coverage90_low": groups.quantile(0.25),
            "coverage90_high": groups.quantile(0.75),
            "towers": groups.size(),
        }
    )
    return table.sort_values("towers", ascending=False, kind="stable").reset_index()
