"""The accuracy benchmark from end to end: splits, units, scores, results; resumable at every step."""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
import yaml

from tamrl.config import Config, current_settings, to_dict
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.runs import (
    ABLATIONS,
    ALONE,
    MODELS,
    PUBLISHED,
    TAMRL,
    WITHOUT,
    Unit,
    ablated,
    folds_to_score,
    run_unit,
    split_file,
    towers_of,
)
from tamrl.evaluation.benchmark.scoring import Fold, score_fold
from tamrl.evaluation.benchmark.tables import write_results
from tamrl.maps.phenology import inner_groups, out_of_fold
from tamrl.protocol.designs import BY_KOEPPEN, DESIGNS, SEED, load_split, make_split, save_split
from tamrl.system.processes import run_processes
from tamrl.system.storage import locked
from tamrl.towers.archive import load_archive, save_archive

#: Folder of the benchmark that holds its results, and file with the settings that it was begun with.
RESULTS, SETTINGS = "results", "benchmark.yaml"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What is compared, on what.

    Attributes:
        archive: path of the archive.
        out: folder to work in; what is there already is not done again.
        designs: keys of ``tamrl.protocol.designs.DESIGNS``.
        members: of TAM-RL in the first design.
        side_members: of TAM-RL in the other designs.
        models: names among ``MODELS``; all where empty.
        ablations: names among ``ABLATIONS`` and ``WITHOUT``, in the first design.
        config: settings of the networks.
        ablation_steps: optimiser steps of an ablation and of the reference beside it: they are many, and a
            difference shows early.
        ablation_folds: how many folds they are trained on.
        seed: of the members.
        phenology: whether monthly models read predicted LAI and EVI (``tamrl.maps.phenology``) in place of the
            observed: each fold has an archive of its own, whose phenology has not seen the held-out towers.
    """

    archive: Path
    out: Path
    designs: tuple[str, ...] = ("igbp", "koeppen", "carbonfluxbench")
    members: int = 5
    side_members: int = 1
    models: tuple[str, ...] = ()
    ablations: tuple[str, ...] = (*ABLATIONS, *WITHOUT)
    config: Config = field(default_factory=Config)
    ablation_steps: int = 200
    ablation_folds: int = 2
    seed: int = SEED
    phenology: bool = False

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            TamrlError: a design, model or ablation is not known.
        """
        known = {name for names in MODELS.values() for name in names}
        for what, names, all_names in (
            ("design", self.designs, DESIGNS),
            ("model", self.models, sorted(known)),
            ("ablation", self.ablations, (*ABLATIONS, *WITHOUT)),
        ):
            unknown = sorted(set(names) - set(all_names))
            if unknown:
                raise TamrlError(
                    f"Unknown {what} {', '.join(map(repr, unknown))}", f"--{what}s", f"Known: {', '.join(all_names)}"
                )
        if not self.designs:
            raise TamrlError("No design was chosen", "--designs", f"Known: {', '.join(DESIGNS)}")

    def prepare(self, archive: xr.Dataset) -> None:
        """Write the settings and the splits, or check those that are there.

        Raises:
            TamrlError: the folder was begun with other settings or other towers.
        """
        towers = towers_of(archive)
        self.out.mkdir(parents=True, exist_ok=True)
        file, settings = self.out / SETTINGS, yaml.safe_dump(self.settings, sort_keys=False)
        before = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else self.settings
        if current_settings(before, str(file)) != self.settings:
            raise TamrlError(
                "The folder was begun with other settings, members or seed",
                str(file),
                "Give the same ones to go on, or another --out",
            )
        file.write_text(settings, encoding="utf-8")
        for design in self.designs:
            file = split_file(self.out, design)
            if file.exists():
                load_split(file, towers)
                continue
            column = 1 if design in BY_KOEPPEN else 0
            save_split(make_split(design, {site: classes[column] for site, classes in towers.items()}), file)
        if self.phenology:
            for design in self.designs:
                self._predict_phenology(archive, design)

    def _predict_phenology(self, archive: xr.Dataset, design: str) -> None:
        """Write the archive of each fold, where it is not there, with phenology that has not seen its towers."""
        for index, held in enumerate(load_split(split_file(self.out, design)).folds):
            path = self.archive_of(design, index)
            if not path.exists():
                save_archive(out_of_fold(archive, inner_groups(archive, held, self.seed), held, self.seed), path)

    def archive_of(self, design: str, fold: int) -> Path:
        """Return the archive that the models of a fold are trained on and predict from."""
        return self.out / "archives" / f"{design}-{fold}.zarr" if self.phenology else self.archive

    def units(self) -> list[Unit]:
        """Return all units, the long ones first, so that no core waits for a last one."""
        found = []
        for design in self.designs:
            main = design == self.designs[0]
            for name in self.models_of(design):
                members = (self.members if main else self.side_members) if name == TAMRL else 1
                config = ablated(self.config, name) if name == PUBLISHED else self.config
                found += [self._unit(design, i, name, config, members) for i in range(self._folds(design))]
        return found + self._ablations()

    def models_of(self, design: str) -> tuple[str, ...]:
        """Return the models that are compared in a design."""
        return tuple(m for m in MODELS[design] if not self.models or m in self.models)

    def _folds(self, design: str) -> int:
        return len(load_split(split_file(self.out, design)).folds)

    def _unit(self, design: str, fold: int, name: str, config: Config, members: int, ablation: bool = False) -> Unit:
        archive = str(self.archive_of(design, fold))
        return Unit(
            archive=archive,
            out=str(self.out),
            design=design,
            fold=fold,
            model=name,
            config=config,
            members=members,
            seed=self.seed,
            ablation=ablation,
        )

    def _ablations(self) -> list[Unit]:
        """Return the ablations with their reference, shorter and on fewer folds than the comparison."""
        if not self.ablations:
            return []
        design = self.designs[0]
        short = dataclasses.replace(
            self.config, train=dataclasses.replace(self.config.train, steps=self.ablation_steps)
        )
        return [
            self._unit(design, i, name, ablated(short, name), 1, ablation=True)
            for i in range(min(self.ablation_folds, self._folds(design)))
            for name in dict.fromkeys((ALONE, *self.ablations))
        ]

    @property
    def settings(self) -> dict[str, Any]:
        """What a result depends on besides the towers and the names of the units."""
        return {
            "members": self.members,
            "side_members": self.side_members,
            "ablation_steps": self.ablation_steps,
            "ablation_folds": self.ablation_folds,
            "seed": self.seed,
            "config": to_dict(self.config),
            **({"phenology": True} if self.phenology else {}),
        }

    def about(self, archive: xr.Dataset) -> dict[str, Any]:
        """Return what the manifest says of this benchmark."""
        return {
            "data": f"workspace {self.archive.parent.name}, {archive.sizes['site']} towers",
            "simulated": bool(archive.attrs.get("simulated", 0)),
            "designs": list(self.designs),
            "rules": {d: DESIGNS[d] for d in self.designs},
            "command": f"python -m tamrl bench accuracy --designs {','.join(self.designs)}",
            **self.settings,
        }


def run(
    benchmark: Benchmark, workers: int, report: Callable[[str], None], units: Iterable[Unit] | None = None
) -> dict[str, pd.DataFrame]:
    """Do what is left of a benchmark and write its results.

    Ctrl-C stops TAM-RL at its next step and lets a baseline that is being trained finish; what is done is kept, and
    the results of what can be scored are written.

    Args:
        benchmark: what to compare.
        workers: processes at once.
        report: called with a line whenever something has happened.
        units: some of ``benchmark.units()``; all where None.

    Returns:
        The tables of the results folder.

    Raises:
        TamrlError: a unit failed, its process was killed, another run writes this folder, or it was begun with other
            settings; what is done is kept.
    """
    archive = load_archive(benchmark.archive)
    benchmark.out.mkdir(parents=True, exist_ok=True)
    with locked(benchmark.out, wait_s=0.0):
        benchmark.prepare(archive)
        wanted = list(units) if units is not None else benchmark.units()
        waiting = [unit for unit in wanted if not unit.file.exists()]
        report(f"{len(wanted) - len(waiting)} of {len(wanted)} units are done")
        failure = run_processes(run_unit, waiting, workers, report)
        folds = scorable(wanted)
        if not failure:
            failure = run_processes(score_fold, [f for f in folds if not f.done], workers, report)
        if failure:
            raise TamrlError(*failure)
        results = benchmark.out / RESULTS
        tables = write_results(archive, folds, results, benchmark.about(archive))
        for design in benchmark.designs:
            save_split(load_split(split_file(benchmark.out, design)), split_file(results, design))
        return tables


def scorable(units: list[Unit]) -> list[Fold]:
    """Return the folds with the units of them that are done; those without any are left out."""
    folds = []
    for design, index in folds_to_score(units):
        here = tuple(u for u in units if (u.design, u.fold) == (design, index) and u.file.exists())
        if here:
            folds.append(Fold(here))
    return folds
