"""The training towers that a checkpoint remembers: nearest ones, and how far a place lies from all of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.model.training_towers import FILE, Reference, load_reference, save_reference, summarise
from tamrl.predict.ensemble import member_code, member_records
from tamrl.towers.archive import record
from tamrl.training.training_towers import fit_reference


def made(rng, towers=30, members=3, code=6, features=8):
    return Reference(
        sites=tuple(f"XX-{i:03d}" for i in range(towers)),
        lat=rng.uniform(-60, 60, towers),
        lon=rng.uniform(-180, 180, towers),
        igbp=("ENF",) * towers,
        koeppen=("Cfb",) * towers,
        codes=rng.normal(size=(members, towers, code)).astype(np.float32),
        summaries=rng.normal(size=(towers, features)).astype(np.float32),
    )


def test_a_tower_is_nearest_to_itself_and_not_extrapolated(rng):
    reference = made(rng)
    for i in (0, 11, 29):
        assert reference.nearest(reference.components[i], 3)[0] == (i, pytest.approx(0, abs=1e-5))
    assert reference.extrapolation(reference.codes, reference.summaries) == pytest.approx(0, abs=2e-3)


def test_the_index_is_that_of_meyer_and_pebesma_written_out(rng):
    reference = made(rng)
    codes, summaries = rng.normal(size=(3, 5, 6)), rng.normal(size=(5, 8))

    def features(code, summary):
        parts = []
        for k in range(3):
            parts.append((code[k] - reference.codes[k].mean(0)) / reference.codes[k].std(0) / np.sqrt(18))
        return np.concatenate(
            [(summary - reference.summaries.mean(0)) / reference.summaries.std(0) / np.sqrt(8), *parts], 1
        )

    towers, places = features(reference.codes, reference.summaries), features(codes, summaries)
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(towers) for b in towers[i + 1 :]]
    expected = [min(np.linalg.norm(p - t) for t in towers) / np.mean(pairs) for p in places]
    np.testing.assert_allclose(reference.extrapolation(codes, summaries), expected, rtol=1e-4)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1.5, 50))
def test_further_away_is_further_away(scale):
    rng = np.random.default_rng(3)
    reference = made(rng)
    direction = rng.normal(size=(1, 8))
    index = [
        float(reference.extrapolation(reference.codes.mean(1, keepdims=True), s * direction)[0])
        for s in (10, 10 * scale)
    ]
    assert index[1] > index[0] > reference.threshold > 0


def test_summaries_count_present_steps_alone():
    drivers = torch.tensor([[[1.0, 5.0], [3.0, 7.0], [100.0, 9.0]]])
    mask = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]])
    assert summarise(drivers, mask)[0].tolist() == [2.0, 0.0, 1.0, 0.0]


def test_a_checkpoint_keeps_the_codes_of_its_towers(ensemble, archive):
    reference = load_reference(ensemble.path)
    assert reference.sites == ensemble.training_sites
    site = reference.sites[1]
    for k, member in enumerate(ensemble.members):
        code = member_code(ensemble, member, member_records(ensemble, record(archive, site))[k], None)
        np.testing.assert_allclose(reference.codes[k, 1], code[0].numpy(), rtol=2e-3, atol=2e-3)
    again = fit_reference(ensemble, archive)
    np.testing.assert_allclose(again.summaries, reference.summaries, rtol=1e-6)


def test_older_checkpoints_have_none_and_damaged_ones_say_so(tmp_path, rng):
    assert load_reference(tmp_path) is None
    save_reference(made(rng), tmp_path)
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(TamrlError, match="cannot be read"):
        load_reference(tmp_path)
