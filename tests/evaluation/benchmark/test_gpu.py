"""The benchmark of a GPU, run on the CPU at a small size: its table, and what it says where the numbers differ."""

import dataclasses

import pytest
import torch
from click.testing import CliRunner

from tamrl.bundled import bundled_models, bundled_workspaces
from tamrl.cli.main import main
from tamrl.evaluation.benchmark import gpu
from tamrl.predict.methods import AdaptSettings
from tamrl.towers.workspace import Workspace

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def rows():
    patch, said = pytest.MonkeyPatch(), []
    # One step of descent and a short step of training: the logic is tried, not the speed.
    patch.setattr(gpu, "AdaptSettings", lambda method: AdaptSettings(method=method, steps=1))
    patch.setattr(gpu, "BATCH", 2)
    patch.setattr(gpu, "SEQUENCE", 200)
    archive = Workspace.open(bundled_workspaces()["fluxnet2015"]).archive_path
    size = gpu.Size(towers=2, network=4, cells=4, cpu_cells=4, days=40, repeats=1)
    made = gpu.measure(archive, bundled_models()["fluxnet2015-daily"], CPU, said.append, size)
    patch.undo()
    assert len(said) == len(made) == 6
    return made


def test_every_figure_is_there_and_the_device_equals_itself(rows):
    assert all(row.device > 0 and row.cpu > 0 for row in rows)
    assert [row.difference for row in rows] == [0, 0, 0, 0, None, 0]
    assert all(row.equal for row in rows)
    assert [row.against is not None for row in rows] == [False, False, False, False, True, True]


def test_the_table_says_card_torch_and_what_is_met(rows):
    head, _, *table = gpu.lines(rows, CPU)
    assert torch.__version__ in head
    assert head.startswith("CPU (")
    assert len(table) == 2 + len(rows)
    assert all(line.count("|") == 9 for line in table)
    wrong = dataclasses.replace(rows[2], difference=0.5)
    assert not wrong.equal
    assert "5.0e-01 TOO LARGE" in gpu.lines([wrong], CPU)[-1]


def test_a_machine_without_a_gpu_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = CliRunner().invoke(main, ["bench", "gpu", "-w", "fluxnet2015"])
    assert done.exit_code != 0
    assert "This machine has no cuda" in done.output + str(done.exception)
