"""What is to be cited for an adaptation: the tower, what the model learnt from, the method and the software."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import tamrl
from tamrl.bundled import bundled_folds, bundled_models
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted
from tamrl.towers import literature
from tamrl.towers.citations import FLUXNET2015_DOI, Citation, Work

#: The bundled models are under this licence, see their cards.
MODEL_LICENCE = "CC-BY-4.0"
FLUXNET2015 = literature.work("Pastorello2020")
#: What the papers of the method are, as CITATION.cff names them.
METHOD = (literature.work("Rozanov2026"), literature.work("Renganathan2025"))
#: Distribution -> the key of what its authors ask to be cited.
_SOFTWARE = {
    "torch": "Paszke2019",
    "numpy": "Harris2020",
    "xarray": "Hoyer2017",
    "pandas": "McKinney2010",
    "pvlib": "Anderson2023",
    "plotly": "Plotly",
    "matplotlib": "Hunter2007",
}


def tower_works(site: str, name: str, citation: Citation | None, source: str) -> list[Work]:
    """Return what is to be cited for the data of a tower: its own data set, and the product that it belongs to.

    Args:
        site: id of the tower.
        name: of the tower in words.
        citation: as it came with the files; None where none did.
        source: file that the record comes from.
    """
    own = [citation.work(site, name)] if citation else []
    of_product = "FLUXNET2015" in source or (citation is not None and citation.doi.startswith(FLUXNET2015_DOI))
    return [*own, FLUXNET2015] if of_product else own


def bundled_name(ensemble: Ensemble | CrossFitted) -> str:
    """Return the name of a model that comes with the project; empty for any other."""
    here = ensemble.path.resolve() if ensemble.path else None
    known = bundled_models() | bundled_folds()
    return next((name for name, path in known.items() if path.resolve() == here), "")


def training_works(ensemble: Ensemble, citations: dict[str, Citation]) -> list[Work]:
    """Return what is to be cited for what a model learnt from.

    Args:
        ensemble: of a bundled model those are known; of any other, the towers of its training with a citation.
        citations: site -> citation, of the workspace.
    """
    name = bundled_name(ensemble)
    known = {site: citations[site] for site in sorted(ensemble.seen_sites & set(citations))}
    products = [FLUXNET2015] if name or any(c.doi.startswith(FLUXNET2015_DOI) for c in known.values()) else []
    products += [literature.work("Nathaniel2023")] if name else []
    if name == "fluxnet2015-climate":
        products += [literature.work("Still2003"), literature.work("Fisher2008")]
    return [*products, *(citation.work(site) for site, citation in known.items())]


def software(names: Iterable[str]) -> list[Work]:
    """Return the software that made a result, each with the version that is running; this project first.

    Args:
        names: distributions, such as ``torch``.
    """
    own = {
        "author": "The TAM-RL Explorer developers",
        "year": "2026",
        "title": "TAM-RL Explorer",
        "version": tamrl.__version__,
    }
    found = [Work(key="TAMRLExplorer", kind="software", fields=own, licence="Apache-2.0")]
    for name in names:
        work = literature.work(_SOFTWARE[name])
        fields = {**work.fields, "note": f"{name} {release(name)}"}
        found.append(Work(key=work.key, kind=work.kind, fields=fields, licence=work.licence))
    return found


def release(name: str) -> str:
    """Return the version of a distribution that is installed, ``unknown`` where it does not say."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
