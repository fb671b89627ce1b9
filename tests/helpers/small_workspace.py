"""A small workspace for tests of pages: six SIMULATED towers and a tiny model that was trained for a few steps."""

import dataclasses
from pathlib import Path

import xarray as xr
from made_once import own_copy

from tamrl.config import Config, ModelConfig
from tamrl.simulation.towers import simulate
from tamrl.towers.archive import load_archive, save_archive
from tamrl.towers.workspace import Workspace
from tamrl.training.ensemble import EnsembleTrainer

ROOT = Path(__file__).resolve().parents[2]
TOWERS = 6


def small_workspace(tmp_path_factory) -> tuple[Workspace, list[str]]:
    """Return a workspace that belongs to the caller, and the towers that its model has not seen."""
    workspace = Workspace.open(own_copy(tmp_path_factory, "workspaces", _make) / "small")
    return workspace, _held_out(load_archive(workspace.archive_path))


def _held_out(archive: xr.Dataset) -> list[str]:
    return [str(site) for site in archive["site"].values[-2:]]


def _make(folder: Path) -> None:
    workspace = Workspace.create(folder / "small", simulated=True)
    archive = simulate(TOWERS)
    save_archive(archive, workspace.archive_path)
    model = ModelConfig(code=4, embed=8, hidden=8, encoder_hidden=4)
    train = dataclasses.replace(Config().train, steps=80, validate_every=20, batch=12, learning_rate=0.02, average=0.5)
    config = Config(model=model, train=train)
    trainer = EnsembleTrainer(
        workspace.archive_path,
        workspace.path / "models" / "tiny",
        config,
        members=2,
        exclude=_held_out(archive),
        device="cpu",
    )
    assert trainer.run(workers=1)
