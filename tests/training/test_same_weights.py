"""A faster training step gives the weights that the plain one gave.

The weights in ``eight_steps.safetensors`` are those of the step as it was written first, term by term, in 64 bits
(before modulation was folded into the embedding). To write those of the present code:
``PYTHONPATH=tests/helpers:. python tests/training/test_same_weights.py``.
"""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.model.network import TAMRL
from tamrl.training.batches import Batcher
from tamrl.training.member import MemberTrainer

FILE = Path(__file__).with_name("eight_steps.safetensors")


def doubled(value):
    """The same in 64 bits: a tensor, or what holds tensors."""
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    if isinstance(value, tuple):
        return type(value)(*map(doubled, value))
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(
            value, **{f.name: doubled(getattr(value, f.name)) for f in dataclasses.fields(value)}
        )
    return value


def in_double(config, flux_scale):
    """The network, its weights in 64 bits from the start."""
    return TAMRL(config, flux_scale).double()


def trained(records, normaliser, config, double=False):
    """Eight steps, validated four times, without dropout."""
    settings = Config(
        dataclasses.replace(config.model, dropout=0.0), dataclasses.replace(config.train, precision="float32")
    )
    network = in_double if double else TAMRL
    trainer = MemberTrainer(records[:6], records[6:], normaliser, settings, 0, torch.device("cpu"), network=network)
    if double:
        draw = trainer.batcher.draw
        trainer.batcher.draw = lambda: doubled(draw())
        for name, value in vars(trainer.validator).items():
            setattr(trainer.validator, name, doubled(value))
    trainer.run()
    found = {f"model.{k}": v for k, v in trainer.model.state_dict().items()}
    found |= {f"best.{k}": v for k, v in trainer.best_weights.items()}
    return found | {"validation": torch.tensor([trainer.best, trainer.validation], dtype=torch.float64)}


@pytest.mark.parametrize(("double", "within"), [(False, 1e-6), (True, 1e-7)])
def test_the_same_seed_gives_the_weights_of_the_plain_step(records, normaliser, config, double, within):
    expected, found = load_file(FILE), trained(records, normaliser, config, double)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name].double(), value, rtol=0, atol=within, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_losses_that_are_read_in_blocks_are_the_same(records, normaliser, config):
    """As on a GPU, which is not asked at every step."""

    def progress_of(read_every):
        trainer = MemberTrainer(records[:6], records[6:], normaliser, config, 0, torch.device("cpu"))
        trainer.read_every = read_every
        found = []
        for _ in range(6):
            found.append((trainer.advance(), len(trainer.unread)))
        return found

    each, blocks = progress_of(1), progress_of(10)
    assert [waiting for _, waiting in each] == [0] * 6
    assert [waiting for _, waiting in blocks] == [1, 0] * 3, "every second step is validated, which reads them"
    assert each[4][0].terms != blocks[4][0].terms
    assert each[5][0] == blocks[5][0]


def test_a_loss_that_is_read_late_is_told_with_its_step(records, normaliser, config):
    settings = dataclasses.replace(config, train=dataclasses.replace(config.train, validate_every=8))
    trainer = MemberTrainer(records[:6], records[6:], normaliser, settings, 0, torch.device("cpu"))
    trainer.read_every = 2
    trainer.advance()
    with torch.no_grad():
        trainer.model.forward_model.head.weight.fill_(float("nan"))
    with pytest.raises(TamrlError, match="nan at step 1"):
        trainer.advance()


def test_the_rows_of_a_batch_hold_all_of_its_support(records, normaliser, config):
    """Of which alone the posterior is made in training."""
    batch = Batcher(records, normaliser, config, 3, torch.device("cpu")).draw()
    inside = torch.zeros(batch.shots.shape[:2]).scatter(1, batch.rows, 1.0)
    assert (batch.shots * inside[..., None] == batch.shots).all()
    assert batch.rows.shape[1] < batch.shots.shape[1]


if __name__ == "__main__":
    import model_fixtures as small

    from tamrl.model.drivers import driver_table
    from tamrl.model.inputs import Normaliser, tower_record
    from tamrl.simulation.towers import simulate
    from tamrl.towers.archive import record
    from tamrl.towers.quality import flux_table

    shape = small.config.__wrapped__()
    archive = simulate(8)
    towers = [record(archive, site) for site in archive.site.values]
    names = shape.model.drivers
    scales = Normaliser.fit([driver_table(t, names) for t in towers], [flux_table(t) for t in towers])
    made = trained([tower_record(t, names, scales) for t in towers], scales, shape, double=True)
    save_file({k: v.contiguous() for k, v in made.items()}, FILE)
