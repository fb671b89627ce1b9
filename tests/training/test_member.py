"""Training: the best weights are the ones returned, a run can stop and resume, splits are by tower."""

import copy
import dataclasses
import math
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import load_ensemble
from tamrl.model.network import TAMRL
from tamrl.system.storage import locked
from tamrl.training.ensemble import EnsembleTrainer, MemberJob, train_member
from tamrl.training.member import MemberTrainer, Validator

CPU = torch.device("cpu")


@pytest.fixture
def trainer(records, normaliser, config):
    return MemberTrainer(records[:6], records[6:], normaliser, config, 0, CPU)


def same(a, b):
    return all(torch.equal(a[k], b[k]) for k in a)


def test_the_weights_returned_are_those_of_the_best_validation(trainer):
    """The second of four validations is the best; later steps must not leak into what is returned."""
    losses = iter([3.0, 1.0, 2.0, 5.0])
    seen = []

    def validator(model):
        seen.append(copy.deepcopy(model.state_dict()))
        return next(losses)

    trainer.validator = validator
    model = trainer.run()
    assert trainer.step == 8
    assert trainer.best == 1.0
    assert same(model.state_dict(), seen[1])
    assert not same(model.state_dict(), seen[3])
    assert not model.training


def test_patience_ends_the_training_early(trainer):
    trainer.config = dataclasses.replace(
        trainer.config, train=dataclasses.replace(trainer.config.train, patience=2, steps=100)
    )
    values = iter([1.0, 2.0, 3.0, 0.5])
    trainer.validator = lambda model: next(values)
    trainer.run()
    assert trainer.step == 6
    assert trainer.best == 1.0


def test_a_restored_run_ends_as_the_unbroken_one(records, normaliser, config):
    def fresh():
        return MemberTrainer(records[:6], records[6:], normaliser, config, 0, CPU)

    whole = fresh().run()
    first = fresh()
    first.run(stop=lambda: first.step >= 3)
    state = copy.deepcopy(first.state())
    second = fresh()
    torch.manual_seed(77)
    second.restore(state)
    assert same(second.run().state_dict(), whole.state_dict())


def test_a_loss_that_is_not_finite_stops_with_advice(trainer):
    with torch.no_grad():
        trainer.model.forward_model.head.weight.fill_(float("nan"))
    with pytest.raises(TamrlError, match=r"loss is nan at step 0.*learning_rate"):
        trainer.advance()


def test_validation_scores_days_after_the_support_alone(records, normaliser, config):
    validator = Validator(records[:2], torch.from_numpy(normaliser.flux_scale), config, CPU)
    assert validator.support.labelled.sum() == 0, "the encoder is shown no labels"
    for seen, scored in zip(validator.seen.amax(-1), validator.scored.amax(-1), strict=True):
        assert seen.sum() == 90
        assert scored.nonzero().min() > seen.nonzero().max()


def test_validation_sees_both_the_zero_shot_and_the_few_shot_error(records, normaliser, config):
    """Worse priors of the site effect, or none, change the loss that stops the training."""
    scale = torch.from_numpy(normaliser.flux_scale)
    validator = Validator(records[:3], scale, config, CPU)
    model = TAMRL(config.model, scale)
    both = validator(model)
    with torch.no_grad():
        model.site_effect.log_sd.fill_(-20)
    zero_shot = validator(model)
    assert both != pytest.approx(zero_shot, rel=1e-3)
    model.site_effect = None
    assert validator(model) == pytest.approx(zero_shot, rel=1e-5)


def test_short_validation_records_are_scored_in_their_second_half(records, normaliser, config):
    short = dataclasses.replace(
        records[0],
        **{f: getattr(records[0], f)[:80] for f in ("time", "drivers", "driver_mask", "fluxes", "weight", "season")},
    )
    valid = int((short.weight.amax(-1) > 0).sum())
    validator = Validator([short], torch.from_numpy(normaliser.flux_scale), config, CPU)
    assert int((validator.scored.amax(-1) > 0).sum()) == valid - valid // 2
    silent = dataclasses.replace(short, weight=torch.zeros_like(short.weight))
    with pytest.raises(TamrlError, match="No validation tower has a day to score"):
        Validator([silent], torch.from_numpy(normaliser.flux_scale), config, CPU)


def test_a_member_that_diverges_keeps_its_best_weights(archive_path, archive, config, tmp_path, monkeypatch):
    advance = MemberTrainer.advance

    def diverge(self):
        if self.step == 5:
            raise TamrlError("The loss is nan at step 5", "member 0")
        return advance(self)

    monkeypatch.setattr(MemberTrainer, "advance", diverge)
    (tmp_path / "state").mkdir()
    job = MemberJob(
        archive=str(archive_path),
        sites=tuple(archive.site.values.tolist()),
        out=str(tmp_path),
        config=config,
        seed=0,
        device="cpu",
        member=0,
    )
    with pytest.raises(TamrlError, match="loss is nan"):
        train_member(job, lambda p: None, lambda: False)
    assert yaml.safe_load(job.info_file.read_text())["steps"] == 5
    assert (tmp_path / "member-0.safetensors").is_file()


def test_a_run_keeps_others_out_of_its_folder(archive_path, config, tmp_path):
    trainer = EnsembleTrainer(archive_path, tmp_path / "m", config, members=1, device="cpu")
    with locked(tmp_path / "m"), pytest.raises(TamrlError, match="Another process is writing here"):
        trainer.run()


def test_training_lowers_the_loss(records, normaliser, config):
    train = dataclasses.replace(config.train, steps=60, validate_every=10, learning_rate=0.01)
    trainer = MemberTrainer(records[:6], records[6:], normaliser, Config(config.model, train), 0, CPU)
    before = trainer.validator(trainer.model)
    trainer.run()
    assert trainer.best < 0.8 * before


def test_each_member_has_disjoint_towers_and_another_split(ensemble, archive):
    for member in ensemble.members:
        training, validation = (set(member.info[f"{kind}_sites"]) for kind in ("training", "validation"))
        assert training
        assert validation
        assert not training & validation
        assert not (training | validation) & set(archive.site.values[-2:].tolist())
    assert ensemble.members[0].info["validation_sites"] != ensemble.members[1].info["validation_sites"]
    assert ensemble.info["complete"]
    assert ensemble.info["simulated"]


def test_a_stopped_member_leaves_its_best_weights_and_goes_on(archive_path, archive, config, tmp_path):
    """What a worker process does when Ctrl-C reaches the parent, run in this process."""
    (tmp_path / "state").mkdir()
    job = MemberJob(
        archive=str(archive_path),
        sites=tuple(archive.site.values.tolist()),
        out=str(tmp_path),
        config=config,
        seed=0,
        device="cpu",
        member=0,
    )
    steps = []
    info = train_member(job, lambda p: steps.append(p.step), lambda: len(steps) >= 3)
    assert info["steps"] == 3
    assert not info["finished"]
    assert (tmp_path / "member-0.safetensors").is_file()
    info = train_member(job, lambda p: steps.append(p.step), lambda: False)
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8]
    assert info["finished"]
    assert math.isfinite(info["validation_loss"])


def test_resuming_needs_the_same_run(archive_path, config, tmp_path):
    out = tmp_path / "m"
    EnsembleTrainer(archive_path, out, config, members=2, device="cpu")
    with pytest.raises(TamrlError, match="not empty"):
        EnsembleTrainer(archive_path, out, config, members=2, device="cpu")
    with pytest.raises(TamrlError, match="other settings"):
        EnsembleTrainer(archive_path, out, config, members=3, device="cpu", resume=True)
    with pytest.raises(TamrlError, match="no run to resume"):
        EnsembleTrainer(archive_path, tmp_path / "other", config, device="cpu", resume=True)


def test_what_a_run_left_that_was_killed_in_its_first_or_last_instant_is_in_nobodys_way(archive_path, config, tmp_path):
    out = tmp_path / "m"
    (out / "state").mkdir(parents=True)
    (out / "state" / "run.partial").write_text("config: {")
    with pytest.raises(TamrlError, match="no run was started here"):
        EnsembleTrainer(archive_path, out, config, members=1, device="cpu", resume=True)
    (out / "state").mkdir(parents=True)
    trainer = EnsembleTrainer(archive_path, out, config, members=1, device="cpu")
    assert trainer.run_here(lambda progress: None, lambda: False)
    done = sorted(path.name for path in out.iterdir())
    (out / ".state-done").mkdir()
    (out / ".state-done" / "member-0.pt").touch()
    with pytest.raises(TamrlError, match="it is complete"):
        EnsembleTrainer(archive_path, out, config, members=1, device="cpu", resume=True)
    assert sorted(path.name for path in out.iterdir()) == done
    load_ensemble(out)


def test_two_trainings_into_one_folder_meet_a_message(archive_path, config, tmp_path):
    from tamrl.system.storage import locked

    with locked(tmp_path / "m"), pytest.raises(TamrlError, match="Another process is writing"):
        EnsembleTrainer(archive_path, tmp_path / "m", config, device="cpu")
    assert not (tmp_path / "m").exists()


def test_too_few_towers_are_an_error(archive_path, archive, config, tmp_path):
    with pytest.raises(TamrlError, match="1 towers are left"):
        EnsembleTrainer(archive_path, tmp_path / "m", config, exclude=archive.site.values[1:], device="cpu")


@pytest.mark.slow
def test_ctrl_c_leaves_a_usable_checkpoint_that_resumes(archive_path, tmp_path):
    """The real command, interrupted by the real signal."""
    from tamrl.towers.workspace import Workspace

    space = Workspace.create(tmp_path / "w", simulated=True)
    space.archive_path.symlink_to(archive_path, target_is_directory=True)
    settings = tmp_path / "c.yaml"
    settings.write_text(
        yaml.safe_dump(
            {
                "model": {"code": 4, "embed": 8, "hidden": 8, "encoder_hidden": 4},
                "train": {"steps": 100_000, "validate_every": 5, "batch": 4, "patience": 100_000},
            }
        )
    )
    out = tmp_path / "m"
    command = [sys.executable, "-m", "tamrl", "train", "-w", str(space.path), "-o", str(out), "--members", "1"]
    command += ["--config", str(settings)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while "step 10/" not in (line := process.stderr.readline()):
        assert process.poll() is None, line
        assert time.monotonic() < deadline, line
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 130
    ensemble = load_ensemble(out)
    assert not ensemble.info["complete"]
    done = ensemble.members[0].info["steps"]
    assert done >= 10
    process = subprocess.Popen([*command, "--resume"], stderr=subprocess.PIPE, text=True, start_new_session=True)
    line = ""
    while "step " not in line:
        line = process.stderr.readline()
        assert process.poll() is None, line
        assert time.monotonic() < deadline, line
    assert int(line.split("step ")[1].split("/")[0]) > done
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 130
