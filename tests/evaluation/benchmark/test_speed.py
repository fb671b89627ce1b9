"""The benchmark of speed, on towers and a model that are too small to say anything."""

import numpy as np
import pytest

from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark import speed
from tamrl.evaluation.benchmark.published_way import PublishedWay
from tamrl.evaluation.benchmark.speed import BEGIN, END, Row, interleaved, lines, measure, ratio, write_section
from tamrl.model.drivers import driver_table
from tamrl.schema import FLUXES
from tamrl.towers.quality import valid_days


def test_a_row_says_whether_its_bar_is_met():
    def row(value, bar, unit):
        return Row(what="a against b", value=value, bar=bar, unit=unit, figures="1 of 2")

    table = lines([row(15, (15, np.inf), "x"), row(5.1, (0, 5), " %"), row(1.04, (0.9, 1.1), "")], "2 cores")
    assert "| a against b | 15.0x | 15x or more | met | 1 of 2 |" in table
    assert "| a against b | 5.1 % | 5 % or less | missed | 1 of 2 |" in table
    assert "| a against b | 1.04 | 0.9 to 1.1 | met | 1 of 2 |" in table
    assert "2 cores" in table[-1]


def test_what_is_compared_runs_in_turns():
    turns = []
    times = interleaved({"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}, 3)
    assert turns == ["a", "b"] * 4
    assert [len(each) for each in times.values()] == [3, 3]
    assert ratio({"a": [2.0, 9.0, 3.0], "b": [1.0, 3.0, 3.0]}, "a", "b") == 2.0


def test_everything_is_measured(small_workspace, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "SEQUENCE", 90)
    monkeypatch.setattr(speed, "WINDOW_DAYS", 60)
    monkeypatch.setattr(speed, "BATCH", 4)
    monkeypatch.setattr(speed, "LINE_DAYS", 100)
    said = []
    monkeypatch.setattr(speed.memory, "keep", lambda: said.append("kept"))  # for good, in this process
    rows = measure(small_workspace[0].archive_path, checkpoint, said.append, rounds=1, towers=(1, 2))
    assert len(rows) >= 8
    assert all(np.isfinite(row.value) and (row.value > 0 or not row.unit) for row in rows)
    assert said[-3:] == ["From 1 to 2 towers", "Training steps with freed memory kept", "kept"], (
        "nothing else is after it"
    )
    assert ["freed memory kept" in row.what for row in rows][-1], "which the other rows are not"
    assert sum("freed memory kept" in row.what for row in rows) == sum("both ways" in row.what for row in rows) / 2
    with pytest.raises(TamrlError, match="no place"):
        write_section(rows, "2 cores", tmp_path)
    (tmp_path / "benchmarks.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    written = write_section(rows, "2 cores", tmp_path).read_text(encoding="utf-8")
    assert rows[0].what in written
    assert "old" not in written


def test_the_published_way_cuts_the_days_before_a_label(towers, ensemble):
    way = PublishedWay(ensemble, ensemble.members[0], towers[:2], 30)
    tower, day = way.samples[-1]
    drivers, fluxes = way.sample(tower, day)
    scales = ensemble.members[0].normaliser
    expected = (driver_table(towers[tower], ensemble.config.model.drivers) - scales.driver_mean) / scales.driver_std
    np.testing.assert_allclose(drivers, expected[day - 29 : day + 1], rtol=1e-5, atol=1e-5)
    observed = np.array([towers[tower][flux].values[day] for flux in FLUXES])
    np.testing.assert_allclose(fluxes, observed, rtol=1e-5)
    assert valid_days(towers[tower])[day]
    before = way.network.head.weight.clone()
    assert way.step() == 64
    assert not (way.network.head.weight == before).all()
