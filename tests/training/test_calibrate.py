"""Intervals of a checkpoint: calibrated on its validation towers, kept in its manifest, shown with predictions."""

import dataclasses

import numpy as np
import pytest

from tamrl.errors import TamrlError
from tamrl.model.calibration import Calibration
from tamrl.model.checkpoint import CALIBRATION, load_ensemble, save_half
from tamrl.predict.adapt import adapt
from tamrl.predict.endings import HIGH, LOW, VARIANCE
from tamrl.predict.ensemble import predict, to_gaussian
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.output import adaptation_dataset, prediction_dataset
from tamrl.protocol.support_days import SHOTS, support_days
from tamrl.schema import FLUXES
from tamrl.training.calibrate import calibrate


def test_a_trained_checkpoint_is_calibrated_for_every_number_of_shots(ensemble):
    assert set(ensemble.info[CALIBRATION]) == set(SHOTS)
    for shots in SHOTS:
        found = ensemble.calibration(shots)
        assert all(wide > narrow > 0 for wide, narrow in zip(found.factors[0.9], found.factors[0.5], strict=True))


def test_calibration_reads_validation_towers_alone(ensemble, archive):
    """Other towers may hold anything: the calibration does not change."""
    changed = archive.copy(deep=True)
    others = ~np.isin(archive.site.values, ensemble.validation_sites)
    assert others.any()
    for flux in FLUXES:
        changed[flux][others] = 7.0
    assert calibrate(ensemble, changed) == calibrate(ensemble, archive)
    assert {n: c.to_dict() for n, c in calibrate(ensemble, archive).items()} == ensemble.info[CALIBRATION]


def test_the_nearest_number_of_shots_is_taken(ensemble):
    marked = {n: Calibration(((1.0, 0.0, 0.0),) * 3, {0.5: (n,) * 3, 0.9: (n,) * 3}, 1).to_dict() for n in (0, 7, 365)}
    known = dataclasses.replace(ensemble, info={CALIBRATION: marked})
    assert [known.calibration(n).factors[0.9][0] for n in (0, 1, 5, 20, 200, 5000)] == [0, 0, 7, 7, 365, 365]
    assert dataclasses.replace(ensemble, info={}).calibration(30) is None
    with pytest.raises(TamrlError, match="Not a calibration"):
        dataclasses.replace(ensemble, info={CALIBRATION: {0: {"variance": 3}}}).calibration(0)


def test_predictions_carry_their_intervals_into_the_files(ensemble, unseen):
    support = support_days(unseen, 60)
    result = adapt(ensemble, unseen, support)
    for made, shots in ((predict(ensemble, unseen), 0), (result.zero_shot, 0), (result.adapted, 60)):
        forecast = to_gaussian(made)
        calibration = ensemble.calibration(shots).of_class(str(unseen.igbp.item()))
        low, high = calibration.interval(forecast.mean, forecast.spread, 0.9)
        for i, flux in enumerate(FLUXES):
            np.testing.assert_allclose(made[flux + LOW].values, low[:, i], rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(made[flux + HIGH].values, high[:, i], rtol=1e-4, atol=1e-4)
    assert {"NEE_low", "NEE_high"} <= set(prediction_dataset(unseen, predict(ensemble, unseen)))
    assert {"GPP_zero_shot_low", "GPP_adapted_high"} <= set(adaptation_dataset(result))


def test_without_a_variance_or_a_calibration_there_are_no_intervals(ensemble, unseen):
    result = adapt(ensemble, unseen, support_days(unseen, 20), AdaptSettings(method="modulation", steps=2))
    assert "GPP" + VARIANCE not in result.adapted
    assert "GPP" + LOW not in result.adapted
    assert "GPP" + LOW not in predict(dataclasses.replace(ensemble, info={}), unseen)


def test_sixteen_bits_halve_the_files_and_keep_the_predictions(ensemble, unseen, tmp_path):
    save_half(ensemble, tmp_path / "half")
    half = load_ensemble(tmp_path / "half")
    sizes = [
        sum(f.stat().st_size for f in folder.glob("*.safetensors")) for folder in (tmp_path / "half", ensemble.path)
    ]
    assert sizes[0] < 0.75 * sizes[1]
    assert half.info[CALIBRATION] == ensemble.info[CALIBRATION]
    assert half.seen_sites == ensemble.seen_sites
    support = support_days(unseen, 90)
    for a, b in ((m.adapted, h.adapted) for m, h in [(adapt(ensemble, unseen, support), adapt(half, unseen, support))]):
        for flux in FLUXES:
            assert float(abs(a[flux] - b[flux]).max()) < 0.1
            assert float(abs(a[flux] - b[flux]).mean()) < 0.01
