"""Training of an ensemble: one single-threaded process a member, resumable, stoppable at any step."""

import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError

from tamrl.config import Config, current_settings, to_dict
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import CALIBRATION, SHRINKAGE, is_checkpoint, load_ensemble, save_manifest, save_member
from tamrl.model.prior import fit_prior
from tamrl.model.training_towers import save_reference
from tamrl.protocol.splits import check_disjoint, hold_out
from tamrl.schema import FLUXES, QC_VALID
from tamrl.system.device import choose, one_of, one_thread
from tamrl.system.processes import run_processes
from tamrl.system.storage import locked
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.archive import load_archive
from tamrl.towers.quality import MIN_DAYS, MIN_MONTHS
from tamrl.training.calibrate import calibrate
from tamrl.training.member import MemberTrainer, TrainingProgress
from tamrl.training.records import read_records
from tamrl.training.shrinkage import fit_shrinkage
from tamrl.training.training_towers import fit_reference

#: Folder of a checkpoint that holds what a resumed run needs; removed when all members are done.
STATE = "state"
_STATE_DONE = f".{STATE}-done"
#: Seeds of members are this far apart, so that ensembles with neighbouring seeds share no member.
SEED_STRIDE = 1000


@dataclass(frozen=True, kw_only=True)
class MemberJob:
    """What a worker process needs to train one member."""

    archive: str
    sites: tuple[str, ...]
    out: str
    config: Config
    seed: int
    device: str
    member: int

    @property
    def member_seed(self) -> int:
        """Seed of the member's weights and batches; ``seed`` is that of the ensemble and of its splits."""
        return self.seed + SEED_STRIDE * self.member

    @property
    def state_file(self) -> Path:
        """Where the member keeps what a resumed run needs."""
        return Path(self.out) / STATE / f"member-{self.member}.pt"

    @property
    def info_file(self) -> Path:
        """Where the member leaves its part of the manifest."""
        return Path(self.out) / STATE / f"member-{self.member}.yaml"


def train_member(
    job: MemberJob, report: Callable[[TrainingProgress], None], stop: Callable[[], bool]
) -> dict[str, Any]:
    """Train or resume one member and write its weights; return its part of the manifest. See ``MemberTrainer``."""
    one_thread()
    began = time.perf_counter()
    device = choose(job.device)
    archive = load_archive(job.archive)
    classes = dict(zip(archive.site.values.tolist(), archive.igbp.values.tolist(), strict=True))
    # Each member validates on other towers, so that the ensemble as a whole learns from all of them.
    chosen = {s: classes[s] for s in job.sites}
    training, validation = hold_out(chosen, job.config.train.validation_share, job.seed, job.member)
    check_disjoint(training=training, validation=validation)
    records, normaliser = read_records(job.archive, job.sites, training, job.config.model.drivers)
    trainer = MemberTrainer(
        [records[s] for s in training],
        [records[s] for s in validation],
        normaliser,
        job.config,
        job.member_seed,
        device,
        job.member,
    )
    before = _go_on(job, trainer)

    def on_step(progress: TrainingProgress) -> None:
        if progress.step % job.config.train.validate_every == 0:
            _save_state(job, trainer, before + time.perf_counter() - began)
        report(progress)

    failure = None
    try:
        model = trainer.run(on_step, stop)
    except TamrlError as error:
        if not math.isfinite(trainer.best):
            raise
        # The best weights so far are worth keeping, whatever happened after them.
        failure, model = error, trainer.best_model()
    seconds = before + time.perf_counter() - began
    _save_state(job, trainer, seconds)
    prior = fit_prior(model, [records[s] for s in training], device)
    with _to_disk(Path(job.out)):
        save_member(Path(job.out), job.member, model, normaliser, prior)
    sites = {"training_sites": list(training), "validation_sites": list(validation)}
    info = _save_info(job, trainer, seconds, {"device": str(device), **sites})
    if failure:
        raise failure
    return info


def _save_info(job: MemberJob, trainer: MemberTrainer, seconds: float, more: dict[str, Any]) -> dict[str, Any]:
    """Write a member's part of the manifest, which is there whole or not at all, and return it."""
    info = {
        "index": job.member,
        "seed": job.member_seed,
        "finished": trainer.finished,
        "steps": trainer.step,
        "validation_loss": float(trainer.best),
        "seconds": round(seconds, 1),
        **more,
    }
    partial = job.info_file.with_suffix(".partial")
    with _to_disk(job.info_file):
        partial.write_text(yaml.safe_dump(info, sort_keys=False), encoding="utf-8")
        partial.replace(job.info_file)
    return info


def _go_on(job: MemberJob, trainer: MemberTrainer) -> float:
    """Restore what an earlier process of this member has done; return the seconds that it took."""
    if not job.state_file.exists():
        return 0.0
    saved = torch.load(job.state_file, weights_only=True, map_location="cpu")
    before = saved.pop("seconds")
    trainer.restore(saved)
    return before


def _save_state(job: MemberJob, trainer: MemberTrainer, seconds: float) -> None:
    partial = job.state_file.with_suffix(".partial")
    with _to_disk(job.state_file):
        torch.save({**trainer.state(), "seconds": seconds}, partial)
        partial.replace(job.state_file)


@contextmanager
def _to_disk(path: Path) -> Iterator[None]:
    """Return in words that something cannot be written: torch and safetensors raise errors of their own."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        todo = "Free some space on the disk, then go on with --resume"
        raise TamrlError(f"What is trained cannot be written: {reason}", str(path), todo) from error


class EnsembleTrainer:
    """Trains K members into a checkpoint folder.

    Args:
        archive: path of the archive to train on.
        out: the checkpoint folder.
        config: settings.
        members: K.
        seed: of the ensemble; member k has its own seed.
        exclude: towers that must not be seen.
        device: ``auto``, ``cuda``, ``mps`` or ``cpu``. On CUDA members share the GPUs, each in a process of its own
            with random numbers of its own, so that one computes while others prepare; on MPS one follows another.
        resume: go on with a run that was stopped, with the same settings.

    Raises:
        TamrlError: the folder holds another run, too few towers are left, or the settings differ from
            those of the run to resume.
    """

    def __init__(
        self,
        archive: Path | str,
        out: Path | str,
        config: Config | None = None,
        members: int = 5,
        seed: int = 0,
        exclude: Iterable[str] = (),
        device: str = "auto",
        resume: bool = False,
    ) -> None:
        if members < 1:
            raise TamrlError("An ensemble needs at least one member", "--members")
        self.archive, self.out, self.config = Path(archive), Path(out), config or Config()
        self.members, self.seed, self.device = members, seed, choose(device)
        dataset = load_archive(self.archive)
        self.simulated = bool(dataset.attrs.get("simulated", 0))
        if step_of(dataset) != self.config.model.step:
            raise TamrlError(
                f"The archive is {step_of(dataset).adjective}, the model is to be {self.config.model.step.adjective}",
                str(self.archive),
                "Set model: step, or aggregate the workspace (python -m tamrl aggregate)",
            )
        excluded = set(exclude)
        enough = usable_sites(dataset)
        self.sites = tuple(s for s in enough if s not in excluded)
        self.unknown_exclusions = tuple(sorted(excluded - set(dataset.site.values.tolist())))
        self.left_out = tuple(s for s in dataset.site.values.tolist() if s not in enough and s not in excluded)
        if len(self.sites) < 2:
            raise TamrlError(
                f"{len(self.sites)} towers are left to train on, at least two are needed",
                str(self.archive),
                f"Ingest more towers with {MIN_DAYS} valid days or more, or exclude fewer",
            )
        with locked(self.out, wait_s=0.0):
            self._prepare(resume)

    def _prepare(self, resume: bool) -> None:
        """Make the folder, or check that the run to resume is this one."""
        plan = {"config": to_dict(self.config), "members": self.members, "seed": self.seed, "sites": list(self.sites)}
        file = self.out / STATE / "run.yaml"
        # What a run left that was killed while it removed its state, or before it had written what it is.
        shutil.rmtree(self.out / _STATE_DONE, ignore_errors=True)
        if not file.exists() and not is_checkpoint(self.out) and (self.out / STATE).is_dir():
            shutil.rmtree(self.out / STATE)
        if resume:
            if not file.exists():
                done = "it is complete" if is_checkpoint(self.out) else "no run was started here"
                raise TamrlError(f"There is no run to resume: {done}", str(self.out), "Train without --resume")
            if current_settings(yaml.safe_load(file.read_text(encoding="utf-8")), str(file)) != plan:
                raise TamrlError(
                    "The run to resume was started with other settings, towers, members or seed",
                    str(self.out),
                    "Give the same ones, or train into another folder",
                )
            return
        if self.out.exists() and any(self.out.iterdir()):
            raise TamrlError("The folder is not empty", str(self.out), "Give another --out, or --resume a stopped run")
        file.parent.mkdir(parents=True)
        partial = file.with_suffix(".partial")
        partial.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
        partial.replace(file)

    def _jobs(self) -> Iterator[MemberJob]:
        """Yield the members that are not finished."""
        for k in range(self.members):
            job = MemberJob(
                archive=str(self.archive),
                sites=self.sites,
                out=str(self.out),
                config=self.config,
                seed=self.seed,
                device=str(one_of(self.device, k)),
                member=k,
            )
            if not (job.info_file.exists() and yaml.safe_load(job.info_file.read_text())["finished"]):
                yield job

    def run_here(self, on_progress: Callable[[TrainingProgress], None], stop: Callable[[], bool]) -> bool:
        """Train what is left in this process, one member after the other; see ``run``."""
        with locked(self.out, wait_s=0.0):
            for job in self._jobs():
                if not stop():
                    train_member(job, on_progress, stop)
            return self._finish()

    def run(self, on_progress: Callable[[TrainingProgress], None] | None = None, workers: int | None = None) -> bool:
        """Train what is left; Ctrl-C stops after the current step and keeps the best weights so far.

        Args:
            on_progress: called after each step of each member.
            workers: processes at once; by default one per core.

        Returns:
            Whether all members are finished.

        Raises:
            TamrlError: a member failed, its process was killed, or another run writes this folder; what
                is trained is kept.
        """
        workers = 1 if self.device.type == "mps" else workers or os.cpu_count() or 1
        with locked(self.out, wait_s=0.0):
            failure = run_processes(train_member, list(self._jobs()), workers, on_progress or (lambda p: None))
            finished = self._finish()
        if failure:
            raise TamrlError(*failure)
        return finished

    def _finish(self) -> bool:
        """Write the manifest of the members that have weights; drop the state when all are finished."""
        files = [self.out / STATE / f"member-{k}.yaml" for k in range(self.members)]
        infos = [yaml.safe_load(f.read_text(encoding="utf-8")) for f in files if f.exists()]
        complete = len(infos) == self.members and all(i["finished"] for i in infos)
        if infos:
            info = {
                "simulated": self.simulated,
                "planned_members": self.members,
                "complete": complete,
                "seed": self.seed,
            }
            save_manifest(self.out, self.config, infos, info)
        if complete:
            self._calibrate()
            save_reference(fit_reference(load_ensemble(self.out), load_archive(self.archive)), self.out)
            # Renamed first: a run that is killed here must not leave half a state behind.
            gone = (self.out / STATE).rename(self.out / _STATE_DONE)
            shutil.rmtree(gone)
        return complete

    def _calibrate(self) -> None:
        """Fit shrinkage, then intervals, on the validation towers and write both into the manifest."""
        archive, ensemble = load_archive(self.archive), load_ensemble(self.out)
        infos = [m.info for m in ensemble.members]
        # A run that was killed here before may have left its own.
        bare = {k: v for k, v in ensemble.info.items() if k not in (SHRINKAGE, CALIBRATION)}
        save_manifest(self.out, self.config, infos, bare)
        shrinkage = fit_shrinkage(load_ensemble(self.out), archive)
        save_manifest(self.out, self.config, infos, bare | {SHRINKAGE: shrinkage})
        # The intervals are those of what is predicted, so of the shrunken effect.
        found = calibrate(load_ensemble(self.out), archive)
        content = {shots: calibration.to_dict() for shots, calibration in found.items()}
        save_manifest(self.out, self.config, infos, bare | {SHRINKAGE: shrinkage, CALIBRATION: content})


def usable_sites(dataset: Any) -> tuple[str, ...]:
    """Return the towers of an archive with at least ``MIN_DAYS`` valid days, or ``MIN_MONTHS`` months."""
    observed = sum(dataset[f].notnull().astype(int) for f in FLUXES) > 0
    days = (observed & (dataset["NEE_QC"] >= QC_VALID)).sum("time").values
    least = MIN_DAYS if step_of(dataset) == TimeStep.DAILY else MIN_MONTHS
    return tuple(s for s, n in zip(dataset.site.values.tolist(), days, strict=True) if n >= least)
