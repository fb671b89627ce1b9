"""The points of a Taylor diagram (Taylor 2001, doi:10.1029/2000JD900719): correlation and normalised deviation."""

import numpy as np
import pandas as pd

from tamrl.evaluation.comparison import Column

#: Columns of ``points``.
COLUMNS = ("model", "shots", "towers", "correlation", "deviation")


def points(
    observed: pd.DataFrame, predicted: pd.DataFrame, team: list[Column], correlations: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one point a model, all on the same towers.

    Args:
        observed: (towers, models): of each tower the standard deviation of its observed values; or its mean, where
            the diagram is one over towers.
        predicted: the same of what each model predicts.
        team: the models, name and number of labelled days.
        correlations: (towers, models) of each tower; None takes the correlation over towers of the means.

    Returns:
        Rows of ``COLUMNS``: medians over towers, or of the means over towers.
    """
    if not team:
        return pd.DataFrame(columns=list(COLUMNS))
    if correlations is None:
        deviation = predicted.std(ddof=0) / observed.std(ddof=0)
        correlation = pd.Series({c: np.corrcoef(observed[c], predicted[c])[0, 1] for c in team})
    else:
        deviation, correlation = (predicted / observed).median(), correlations.median()
    return pd.DataFrame(team, columns=["model", "shots"]).assign(
        towers=len(predicted), correlation=correlation.loc[team].to_numpy(), deviation=deviation.loc[team].to_numpy()
    )
