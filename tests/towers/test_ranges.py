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
