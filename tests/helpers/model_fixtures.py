"""Small towers and a small network for the tests of the model side."""

import dataclasses

import numpy as np
import pytest
import torch
from made_once import made_once

from tamrl.config import Config, ModelConfig
from tamrl.model.drivers import driver_table
from tamrl.model.inputs import Normaliser, tower_record
from tamrl.simulation.towers import simulate
from tamrl.towers.archive import record, save_archive
from tamrl.towers.quality import flux_table


@pytest.fixture(scope="session")
def archive():
    return simulate(8)


@pytest.fixture(scope="session")
def archive_path(archive, tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "archive.zarr"
    save_archive(archive, path)
    return path


@pytest.fixture(scope="session")
def towers(archive):
    return [record(archive, site) for site in archive.site.values]


@pytest.fixture(scope="session")
def config():
    model = ModelConfig(code=6, embed=10, hidden=12, encoder_hidden=5)
    train = dataclasses.replace(Config().train, sequence=120, spin_up=20, batch=6, steps=8, validate_every=2)
    return Config(model, train)


@pytest.fixture(scope="session")
def normaliser(towers, config):
    return Normaliser.fit([driver_table(t, config.model.drivers) for t in towers], [flux_table(t) for t in towers])


@pytest.fixture(scope="session")
def records(towers, config, normaliser):
    return [tower_record(t, config.model.drivers, normaliser) for t in towers]


@pytest.fixture(scope="session")
def awake():
    """Make a network whose modulation is not the identity, as after training."""

    def wake(model):
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for p in model.modulator.parameters():
                p.copy_(torch.randn(p.shape, generator=generator) * 0.3)
        return model.eval()

    return wake


@pytest.fixture(scope="session")
def ensemble(archive_path, config, tmp_path_factory):
    from tamrl.model.checkpoint import load_ensemble

    return load_ensemble(
        made_once(tmp_path_factory, "model", lambda folder: _train(folder, archive_path, config)) / "small"
    )


def _train(folder, archive_path, config):
    from tamrl.training.ensemble import EnsembleTrainer

    train = dataclasses.replace(config.train, steps=60, validate_every=20, learning_rate=0.01)
    sites = simulate(8).site.values
    trainer = EnsembleTrainer(
        archive_path, folder / "small", Config(config.model, train), members=2, seed=1, exclude=sites[-2:], device="cpu"
    )
    assert trainer.run(workers=1)


@pytest.fixture(scope="session")
def unseen(towers, ensemble):
    return next(t for t in towers if str(t.site.item()) not in ensemble.seen_sites)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
