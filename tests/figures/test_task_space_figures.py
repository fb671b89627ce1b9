"""Figures of the Task space: what the way of an embedding says at its ends."""

import numpy as np
import pandas as pd
import pytest

from tamrl.figures.task_space import space


@pytest.mark.parametrize(
    ("heights", "sides"),
    [
        ([0.0, 1.0, 2.0], ["bottom center", "top center"]),
        ([2.0, 1.0, 0.0], ["top center", "bottom center"]),
        ([1.0], ["top center", "top center"]),
    ],
)
def test_names_stand_where_the_way_does_not_lead(heights, sides):
    labels = [f"{n} days" for n in range(len(heights))]
    way = pd.DataFrame({"label": labels, "count": 1, "far": 0.5, "x": np.arange(len(heights)), "y": heights})
    table = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]}, index=["XS-1", "XS-2"])
    steps = space.way_picture(table, way, ("1", "2"), "light").data[-1]
    assert [steps.textposition[0], steps.textposition[-1]] == sides
    assert [name for name in steps.text if name] == list(dict.fromkeys([way["label"].iloc[0], way["label"].iloc[-1]]))
