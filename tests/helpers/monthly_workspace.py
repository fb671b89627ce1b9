"""A small monthly workspace: the months of six SIMULATED towers and a tiny model that was trained for a few steps."""

import dataclasses
from pathlib import Path

from tamrl.config import Config, ModelConfig
from tamrl.globe.earth import load_earth
from tamrl.simulation.towers import simulate
from tamrl.timestep import TimeStep
from tamrl.towers.archive import save_archive
from tamrl.towers.monthly import to_monthly
from tamrl.towers.workspace import Workspace
from tamrl.training.ensemble import EnsembleTrainer


def make(folder: Path) -> tuple[Workspace, list[str]]:
    """Make the workspace; return it with the towers that its model has not seen."""
    workspace = Workspace.create(folder / "months", simulated=True)
    archive = to_monthly(simulate(6), load_earth())
    save_archive(archive, workspace.archive_path)
    held_out = [str(site) for site in archive["site"].values[-2:]]
    model = ModelConfig(
        drivers=("TA", "P_MON", "SW_IN_POT", "NDVI_MAX"),
        step=TimeStep.MONTHLY,
        encoder_bin=1,
        code=4,
        embed=8,
        hidden=8,
        encoder_hidden=4,
    )
    train = dataclasses.replace(Config().train, sequence=24, spin_up=2, steps=20, validate_every=10, batch=8)
    trainer = EnsembleTrainer(
        workspace.archive_path,
        workspace.path / "models" / "tiny",
        Config(model, train),
        members=2,
        exclude=held_out,
        device="cpu",
    )
    assert trainer.run_here(lambda p: None, lambda: False)
    return workspace, held_out
