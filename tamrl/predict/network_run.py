"""What adapting to many towers at once was made from, in words: as ``tamrl.predict.provenance`` for one tower."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tamrl import wording
from tamrl.model.checkpoint import Ensemble, digest
from tamrl.model.cross_fitted import CrossFitted
from tamrl.predict import provenance, references
from tamrl.predict.methods import METHODS
from tamrl.predict.network import METHOD, NetworkResult
from tamrl.protocol.placements import PLACEMENTS
from tamrl.towers import citations
from tamrl.towers.citations import Citation, Work
from tamrl.towers.workspace import Workspace

_UNKNOWN = "not stated"


@dataclass(frozen=True, kw_only=True)
class NetworkRun:
    """An adaptation to many towers with what it was made from.

    Attributes:
        workspace: that the towers come from.
        model: that was adapted.
        result: what came out.
        days: labelled days that were asked for, or months.
        placement: their season, a key of ``PLACEMENTS``.
        url: address of the page that restores this view, see ``tamrl.predict.link``; empty where no page showed it.
    """

    workspace: Workspace
    model: Ensemble | CrossFitted
    result: NetworkResult
    days: int
    placement: str
    url: str = ""

    @cached_property
    def sites(self) -> list[str]:
        """Towers that were adapted to, by name."""
        return sorted(self.result.table["site"].unique())

    @cached_property
    def towers(self) -> pd.DataFrame:
        """DataFrame(site) of these towers: ``lat, lon, igbp, koeppen, name, source``."""
        archive = self.workspace.archive()
        names = [n for n in ("lat", "lon", "igbp", "koeppen", "name", "source") if n in archive.coords]
        found = pd.DataFrame({name: archive[name].values for name in names}, index=archive.site.values.astype(str))
        return found.reindex(columns=["lat", "lon", "igbp", "koeppen", "name", "source"]).loc[self.sites]

    @cached_property
    def citations(self) -> dict[str, Citation]:
        """Site -> citation, as they came with the files."""
        return citations.load(self.workspace.path)

    @property
    def ensembles(self) -> list[tuple[Ensemble, tuple[str, ...]]]:
        """The ensembles that were adapted, each with its towers."""
        return self.model.groups(tuple(self.sites))

    @property
    def model_name(self) -> str:
        """Name of the model: as ``load_model`` takes it, else that of its folder."""
        return references.bundled_name(self.model) or (self.model.path.name if self.model.path else "unnamed")

    def title(self) -> str:
        """Return in a line what was done, with the mark of simulated towers."""
        mark = "SIMULATED towers" if self.workspace.simulated else "towers"
        labels = wording.counted(self.days, self.workspace.step(), "labelled")
        return f"{len(self.sites)} {mark} of {self.workspace.name}: adapted to {labels} of each"


def settings(run: NetworkRun) -> dict[str, str]:
    """Return how the adaptation was asked for."""
    step, scored = run.workspace.step(), run.result.table["n"]
    method = METHODS[METHOD]
    said = {
        "Method": f"{method.label} ({method.name}): {method.description}",
        "Labelled": f"{wording.counted(run.days, step)} a tower, valid (QC of at least 0.7) and in a row",
        "Their season": f"{run.placement}: {PLACEMENTS[run.placement]}",
        "Scored": f"valid {wording.unit(step, 0)} that were not labelled: {scored.min():,} to {scored.max():,} a tower",
        "Towers": str(len(run.sites)),
    }
    left = "; ".join(f"{site}: {why}" for site, why in run.result.left_out.items())
    return said | ({"Left out": left} if left else {})


def data(run: NetworkRun) -> dict[str, str]:
    """Return where the records come from, and under which licences."""
    attrs = run.workspace.archive().attrs
    known = Counter(getattr(run.citations.get(site), "licence", "") or _UNKNOWN for site in run.sites)
    licences = "; ".join(f"{name} ({count} towers)" for name, count in known.most_common())
    if set(known) == {_UNKNOWN}:
        licences = str(attrs.get("license", "")) or licences
    said = {
        "Workspace": run.workspace.name + (" (SIMULATED)" if run.workspace.simulated else ""),
        "Archive": str(attrs.get("title", "")),
        "Archive from": str(attrs.get("source", "")),
        "Archive made by": f"tamrl {attrs['tamrl_version']}" if "tamrl_version" in attrs else "",
        "Licence": licences,
        "Towers": ", ".join(run.sites),
    }
    return {label: text for label, text in said.items() if text}


def model(run: NetworkRun) -> dict[str, str]:
    """Return what was adapted: the ensemble, or that of each fold with the towers that it has not seen."""
    said = {"Model": run.model_name}
    for number, (ensemble, sites) in enumerate(run.ensembles, start=1):
        name = references.bundled_name(ensemble) or (ensemble.path.name if ensemble.path else "unnamed")
        seen = len(ensemble.seen_sites)
        sha = f", SHA-256 {digest(ensemble.path)}" if ensemble.path else ""
        said[f"Checkpoint {number}"] = (
            f"{name}: {len(ensemble.members)} members, has seen {seen} towers, adapted to {len(sites)} others{sha}"
        )
    ensemble = run.ensembles[0][0]
    said["Drivers"] = ", ".join(ensemble.config.model.drivers)
    said["Licence"] = references.MODEL_LICENCE if references.bundled_name(ensemble) else ""
    return {label: text for label, text in said.items() if text}


def works(run: NetworkRun, names: Iterable[str] = ()) -> dict[str, list[Work]]:
    """Return what is to be cited, by what it is, each once: of the towers exactly those that were adapted to.

    Args:
        run: the adaptation.
        names: further software that shows it, such as ``plotly``.
    """
    towers, ensembles = run.towers.fillna({"name": "", "source": ""}), [ensemble for ensemble, _ in run.ensembles]
    of_towers = [
        work
        for site, row in zip(run.sites, towers.astype(str).to_dict("records"), strict=True)
        for work in references.tower_works(site, row["name"], run.citations.get(site), row["source"])
    ]
    groups = {
        "Towers": [] if run.workspace.simulated else of_towers,
        "What the model learnt from": [w for e in ensembles for w in references.training_works(e, run.citations)],
        "Method": list(references.METHOD),
        "Software": provenance.software_works(ensembles, names),
    }
    return provenance.each_once(groups)


def uncited(run: NetworkRun) -> str:
    """Say for which towers no citation is known; empty where there is one for each."""
    if run.workspace.simulated:
        return "These towers are SIMULATED by this project: there is no measurement to cite."
    lacking = [site for site in run.sites if site not in run.citations]
    if not lacking:
        return ""
    return (
        f"No citation came with the files of {', '.join(lacking)}. Ask their networks or their teams how to cite them "
        "before you publish."
    )


def score_table(run: NetworkRun) -> pd.DataFrame:
    """Return the table of scores as it is saved: that of the result with land cover, climate and position."""
    places = run.towers[["lat", "lon", "igbp", "koeppen"]].rename_axis("site").reset_index()
    table = run.result.table.merge(places, on="site", how="left", validate="many_to_one")
    return table.assign(first=_dates(table["first"]), last=_dates(table["last"]))


def _dates(times: pd.Series) -> np.ndarray:
    return pd.DatetimeIndex(times).strftime("%Y-%m-%d").to_numpy()
