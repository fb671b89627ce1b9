"""A small workspace for tests of pages: six SIMULATED towers and a tiny model that was trained for a few steps."""

import dataclasses
from pathlib import Path

from tamrl.config import Config, ModelConfig
from tamrl.simulation.towers import simulate
from tamrl.towers.archive import save_archive
from tamrl.towers.workspace import Workspace
from tamrl.training.ensemble import EnsembleTrainer

ROOT = Path(__file__).resolve().parents[2]
TOWERS = 6


def make(folder: Path, name: str = "small") -> tuple[Workspace, list[str]]:
    """Make the workspace; return it with the towers that its model has not seen."""
    workspace = Workspace.create(folder / name, simulated=True)
    archive = simulate(TOWERS)
    save_archive(archive, workspace.archive_path)
    held_out = [str(site) for site in archive["site"].values[-2:]]
    model = ModelConfig(code=4, embed=8, hidden=8, encoder_hidden=4)
    train = dataclasses.replace(Config().train, steps=80, validate_every=20, batch=12, learning_rate=0.02, average=0.5)
    config = Config(model=model, train=train)
    trainer = EnsembleTrainer(
        workspace.archive_path, workspace.path / "models" / "tiny", config, members=2, exclude=held_out, device="cpu"
    )
    assert trainer.run(workers=1)
    return workspace, held_out
