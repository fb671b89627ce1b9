"""What a variable is known to be at towers, and what is said where it is not."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tamrl.towers import ranges
from tamrl.towers.readers.tables import read_tables
from tamrl.towers.screen import screen


def test_no_tower_known_to_the_project_is_doubted(shared_data):
    towers = read_tables(shared_data / "fluxnet2015").towers
    before = {tower.site: tower.table.copy() for tower in towers}
    found = screen(towers)
    assert found.doubts == []
    assert not any(row["failed"] for row in found.rows)
    lost = {}
    for tower in towers:
        gone = tower.table.isna() & before[tower.site].notna()
        for name in gone.columns[gone.any()]:
            lost[name] = lost.get(name, 0) + int(gone[name].sum())
    assert lost == {
        name: sum(row["n_outside"] for row in found.rows if row["variable"] == name) for name in lost
    }  # what lies outside the bounds, as ever


@pytest.mark.parametrize("name", ["GPP", "RECO", "NEE", "SW_IN", "VPD", "TA", "P_MON", "LAI", "EVI"])
def test_the_ranges_are_those_of_the_towers(shared_data, name):
    towers = read_tables(shared_data / "fluxnet2015").towers
    size = ranges.KNOWN[name][-1]
    numbers = np.array(
        [size.measure(t.table[name].dropna().to_numpy(float)) for t in towers if t.table[name].notna().any()]
    )
    numbers = numbers[numbers > 0]
    assert size.low * 0.75 <= numbers.min()
    assert numbers.max() <= size.high * 1.05
    assert numbers.min() < 3 * size.low
    assert numbers.max() > size.high / 2


def test_a_record_of_a_part_of_the_year_is_not_doubted():
    days = pd.date_range("2010-06-01", periods=90)
    values = pd.Series(0.2, index=days)
    assert ranges.judge("GPP", values, values.to_frame("GPP"), np.nan) is None


@pytest.mark.parametrize("name", sorted(ranges.KNOWN))
def test_what_is_doubted_is_told_on_the_scale_of_the_towers_beside_it(name):
    for size in ranges.KNOWN[name]:
        found = ranges._against(replace(size, measure=lambda values: float(values[0])), np.array([10.0 * size.high]))
        factor = 100 if name == "SW_IN" and "potential" in size.words else 1
        low, high = re.search(r"known to the project (\S+) to ([^\s,]+)", found.words).groups()
        assert [float(low), float(high)] == pytest.approx([factor * size.low, factor * size.high], rel=0.1)
        shown = f"{10 * factor * size.high:.2g}"
        said = [f"{float(n):.2g}" for n in re.findall(r"\d[\d.]*(?:e[+-]\d+)?", found.words.partition(", at the")[0])]
        assert shown in said, found.words


def test_a_share_is_told_in_percent_on_both_sides():
    words = ranges._against(ranges.KNOWN["SW_IN"][0], np.full(400, 5.0)).words
    assert "it is 500.0 % of potential radiation, at the towers known to the project 36.0 to 72.0 %" in words
