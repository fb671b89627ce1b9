"""What an adaptation was made from, in words: settings, tower, model, software, licences and references."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from tamrl import wording
from tamrl.model.checkpoint import Ensemble, digest, versions
from tamrl.predict import references
from tamrl.predict.adapt import Adaptation
from tamrl.predict.ensemble import cautions
from tamrl.predict.gaps import describe, driver_gaps, left_out
from tamrl.predict.methods import METHODS
from tamrl.timestep import TimeStep, step_of
from tamrl.towers import citations
from tamrl.towers.citations import Work
from tamrl.towers.workspace import Workspace

#: Software that every adaptation runs on.
_BASIS = ("torch", "numpy", "xarray", "pandas")


@dataclass(frozen=True, kw_only=True)
class Run:
    """An adaptation with what it was made from.

    Attributes:
        workspace: that the tower's record comes from.
        ensemble: that was adapted.
        adaptation: what came out.
        allow_gaps: whether steps without weather were predicted all the same.
        url: address of the page that restores this view, see ``tamrl.predict.link``; empty where no page showed it.
    """

    workspace: Workspace
    ensemble: Ensemble
    adaptation: Adaptation
    allow_gaps: bool = False
    url: str = ""

    @property
    def site(self) -> str:
        """Id of the tower."""
        return str(self.adaptation.tower.site.item())

    @property
    def model_name(self) -> str:
        """Name of the checkpoint: of a bundled one as ``load_model`` takes it, else that of its folder."""
        return references.bundled_name(self.ensemble) or (self.ensemble.path.name if self.ensemble.path else "unnamed")

    def title(self) -> str:
        """Return in a line what was done, with the mark of simulated towers."""
        mark = "SIMULATED tower " if self.workspace.simulated else ""
        settings, support = self.adaptation.settings, self.adaptation.support
        shown = wording.counted(len(support), step_of(self.adaptation.tower), "support")
        said = f", {shown}" if METHODS[settings.method].labels else ""
        return f"{mark}{self.site}: {METHODS[settings.method].label.lower()}{said}"

    def warnings(self) -> list[str]:
        """Return the limitations to consider before the result is used."""
        tower = self.adaptation.tower
        gaps = driver_gaps(tower, self.ensemble.config.model.drivers)
        said = [*cautions(self.ensemble, tower), *describe(gaps, tower, self.allow_gaps), *self.adaptation.notes]
        return list(dict.fromkeys(said))


def settings(run: Run) -> dict[str, str]:
    """Return how the adaptation was asked for."""
    made, method = run.adaptation, METHODS[run.adaptation.settings.method]
    step = step_of(made.tower)
    said = {"Method": f"{method.label} ({method.name}): {method.description}"}
    if len(made.support):
        said["Support"] = wording.counted(len(made.support), step)
        said[f"Support {wording.unit(step, 0)}"] = spans(made.support, step)
    said["Scored"] = f"{wording.counted(int(made.scored.sum()), step)}, valid (NEE_QC of at least 0.7) and not support"
    if method.descends:
        said["Steps"] = f"{made.settings.steps} at a learning rate of {made.settings.learning_rate:g}"
    if method.guarded:
        said["Held back"] = f"{100 * made.settings.held_back:.0f} % of the support"
        said["Share of the adaptation kept, by member"] = ", ".join(f"{share:g}" for share in made.shrinkage)
    if left_out(driver_gaps(made.tower, run.ensemble.config.model.drivers)) is not None:
        said[f"{wording.unit(step, 0).capitalize()} without weather"] = "predicted" if run.allow_gaps else "left out"
    return said | {"Computed on": f"{made.device}, {made.seconds:.1f} s"}


def spans(days: pd.DatetimeIndex, step: TimeStep) -> str:
    """Return days, or months, as the spans without a gap that they form: ``2009-05-01 to 2009-05-20, 2009-05-22``."""
    ordinal = days.year * 12 + days.month if step == TimeStep.MONTHLY else (days - pd.Timestamp(0)).days
    said = []
    for _, part in pd.Series(days).groupby(pd.Series(ordinal).diff().ne(1).cumsum()):
        ends = dict.fromkeys(wording.date(when, step) for when in (part.iloc[0], part.iloc[-1]))
        said.append(" to ".join(ends))
    return ", ".join(said)


def data(run: Run) -> dict[str, str]:
    """Return where the tower's record comes from, and under which licence."""
    tower, attrs = run.adaptation.tower, run.adaptation.tower.attrs
    step, name = step_of(tower), _text(tower, "name")
    time = tower.time.values
    own = citations.load(run.workspace.path).get(run.site)
    said = {
        "Tower": f"{run.site}, {name}" if name else run.site,
        "Class": f"IGBP {tower.igbp.item()}, Köppen {tower.koeppen.item()}",
        "Position": _position(float(tower.lat), float(tower.lon)),
        "Record": f"{step.adjective}, {wording.date(time[0], step)} to {wording.date(time[-1], step)}",
        "From": _text(tower, "source"),
        "Workspace": run.workspace.name + (" (SIMULATED)" if run.workspace.simulated else ""),
        "Archive": str(attrs.get("title", "")),
        "Archive from": str(attrs.get("source", "")),
        "Archive made by": f"tamrl {attrs['tamrl_version']}" if "tamrl_version" in attrs else "",
        "Licence": own.licence if own and own.licence else str(attrs.get("license", "")),
    }
    for number, entry in enumerate(_ingested(run), start=1):
        said[f"Input {number}"] = entry
    return {label: text for label, text in said.items() if text}


def _position(lat: float, lon: float) -> str:
    if math.isnan(lat) or math.isnan(lon):
        return "not known"
    return f"{abs(lat):.4f}° {'S' if lat < 0 else 'N'}, {abs(lon):.4f}° {'W' if lon < 0 else 'E'}"


def _text(tower: xr.Dataset, name: str) -> str:
    return str(tower[name].item()) if name in tower.coords else ""


def _ingested(run: Run) -> list[str]:
    """Return the files that the tower was read from, as the provenance of the workspace has them, newest last."""
    found = []
    for entry in run.workspace.provenance():
        for item in entry.get("inputs") or []:
            if run.site in (item.get("towers") or []):
                when, name = str(entry.get("when", ""))[:10], Path(str(item.get("path", ""))).name
                found.append(f"{name}, ingested {when}, SHA-256 {item.get('sha256', 'unknown')}")
    return found


def model(run: Run) -> dict[str, str]:
    """Return what was adapted."""
    ensemble, info = run.ensemble, run.ensemble.info
    said = {
        "Checkpoint": run.model_name,
        "SHA-256": digest(ensemble.path) if ensemble.path else "",
        "Made": ", ".join(filter(None, [str(info.get("created", ""))[:10], _made_with(info.get("versions"))])),
        "Members": str(len(ensemble.members)),
        "Seed": str(info.get("seed", "")),
        "Drivers": ", ".join(ensemble.config.model.drivers),
        "Trained on": _trained_on(ensemble),
        "Licence": references.MODEL_LICENCE if references.bundled_name(ensemble) else "",
    }
    return {label: text for label, text in said.items() if text}


def _made_with(made: object) -> str:
    return " ".join(f"{name} {number}" for name, number in made.items()) if isinstance(made, dict) else ""


def _trained_on(ensemble: Ensemble) -> str:
    sites = sorted(ensemble.seen_sites)
    kind = "SIMULATED towers" if ensemble.info.get("simulated") else "towers"
    return f"{len(sites)} {kind}: {', '.join(sites)}"


def software(names: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions that run now; ``names`` are further distributions."""
    running = versions()
    others = {name: references.release(name) for name in (*_BASIS, "pvlib", *names) if name not in running}
    return running | others


def works(run: Run, names: Iterable[str] = ()) -> dict[str, list[Work]]:
    """Return what is to be cited, by what it is; each once.

    Args:
        run: the adaptation.
        names: further software that shows it, such as ``plotly``.
    """
    tower, known = run.adaptation.tower, citations.load(run.workspace.path)
    own = references.tower_works(run.site, _text(tower, "name"), known.get(run.site), _text(tower, "source"))
    groups = {
        "Tower": [] if run.workspace.simulated else own,
        "What the model learnt from": references.training_works(run.ensemble, known),
        "Method": list(references.METHOD),
        "Software": software_works([run.ensemble], names),
    }
    return each_once(groups)


def software_works(ensembles: Iterable[Ensemble], names: Iterable[str] = ()) -> list[Work]:
    """Return what is to be cited for the software of an adaptation.

    Args:
        ensembles: that were adapted.
        names: further software that shows it.
    """
    drivers = {name for ensemble in ensembles for name in ensemble.config.model.drivers}
    sun = ("pvlib",) if {"SW_IN_POT", "SW_IN_POT_TREND"} & drivers else ()
    return references.software([*_BASIS, *sun, *names])


def each_once(groups: Mapping[str, list[Work]]) -> dict[str, list[Work]]:
    """Return groups of works without those that stand in an earlier place, and without groups that are empty then."""
    seen: set[str] = set()
    found = {}
    for heading, listed in groups.items():
        fresh = {work.key: work for work in listed if work.key not in seen}
        seen |= set(fresh)
        if fresh:
            found[heading] = list(fresh.values())
    return found


def uncited(run: Run) -> str:
    """Say why no data set is named for the tower; empty where one is."""
    if run.workspace.simulated:
        return f"{run.site} is SIMULATED by this project: there is no measurement to cite."
    if run.site in citations.load(run.workspace.path):
        return ""
    return (
        f"No citation came with the files of {run.site}. Ask its network or its team how to cite it before you "
        "publish; a citations.csv beside the files, with columns site, doi, citation and licence, is read at ingest."
    )
