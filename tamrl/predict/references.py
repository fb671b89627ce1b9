"""What is to be cited for an adaptation: the tower, what the model learnt from, the method and the software."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import tamrl
from tamrl.bundled import bundled_folds, bundled_models
from tamrl.model.checkpoint import Ensemble
from tamrl.model.cross_fitted import CrossFitted
from tamrl.towers.citations import FLUXNET2015_DOI, Citation, Work

_CC_BY = "CC-BY-4.0"
#: The bundled models are under this licence, see their cards.
MODEL_LICENCE = _CC_BY


def _article(key: str, author: str, year: str, title: str, journal: str, licence: str = "", **more: str) -> Work:
    fields = {"author": author, "year": year, "title": title, "journal": journal, **more}
    return Work(key=key, kind="article", fields=fields, licence=licence)


def _preprint(key: str, author: str, year: str, title: str, number: str) -> Work:
    fields = {"author": author, "year": year, "title": title, "eprint": number, "archiveprefix": "arXiv"}
    return Work(key=key, fields=fields)


FLUXNET2015 = _article(
    "Pastorello2020",
    "Pastorello, G. and Trotta, C. and Canfora, E. and others",
    "2020",
    "The FLUXNET2015 dataset and the ONEFlux processing pipeline for eddy covariance data",
    "Scientific Data",
    _CC_BY,
    volume="7",
    pages="225",
    doi="10.1038/s41597-020-0534-3",
)
_NATHANIEL = _article(
    "Nathaniel2023",
    "Nathaniel, J. and Liu, J. and Gentine, P.",
    "2023",
    "MetaFlux: Meta-learning global carbon fluxes from sparse spatiotemporal observations",
    "Scientific Data",
    "MIT",
    volume="10",
    pages="440",
    doi="10.1038/s41597-023-02349-y",
)
_C4 = _article(
    "Still2003",
    "Still, C. J. and Berry, J. A. and Collatz, G. J. and DeFries, R. S.",
    "2003",
    "Global distribution of C3 and C4 vegetation: Carbon cycle implications",
    "Global Biogeochemical Cycles",
    volume="17",
    number="1",
    pages="1006",
    doi="10.1029/2001GB001807",
)
_FAPAR = _article(
    "Fisher2008",
    "Fisher, J. B. and Tu, K. P. and Baldocchi, D. D.",
    "2008",
    "Global estimates of the land-atmosphere water flux based on monthly AVHRR and ISLSCP-II data, validated at 16 "
    "FLUXNET sites",
    "Remote Sensing of Environment",
    volume="112",
    number="3",
    pages="901--919",
    doi="10.1016/j.rse.2007.06.025",
)
#: What the papers of the method are, as CITATION.cff names them.
METHOD = (
    _preprint(
        "Rozanov2026",
        "Rozanov, A. and Renganathan, A. and Kumar, V.",
        "2026",
        "Task Aware Modulation Using Representation Learning for Upsaling of Terrestrial Carbon Fluxes",
        "2603.09974",
    ),
    _preprint(
        "Renganathan2025",
        "Renganathan, A. and Ghosh, R. and Khandelwal, A. and Kumar, V.",
        "2025",
        "Task Aware Modulation using Representation Learning: An Approach for Few Shot Learning in Environmental "
        "Systems",
        "2310.04727",
    ),
)
#: Distribution -> what its authors ask to be cited.
_SOFTWARE = {
    "torch": Work(
        key="Paszke2019",
        kind="inproceedings",
        fields={
            "author": "Paszke, A. and Gross, S. and Massa, F. and others",
            "year": "2019",
            "title": "PyTorch: An Imperative Style, High-Performance Deep Learning Library",
            "booktitle": "Advances in Neural Information Processing Systems",
            "volume": "32",
            "eprint": "1912.01703",
            "archiveprefix": "arXiv",
        },
        licence="BSD-3-Clause",
    ),
    "numpy": _article(
        "Harris2020",
        "Harris, C. R. and Millman, K. J. and van der Walt, S. J. and others",
        "2020",
        "Array programming with NumPy",
        "Nature",
        "BSD-3-Clause",
        volume="585",
        pages="357--362",
        doi="10.1038/s41586-020-2649-2",
    ),
    "xarray": _article(
        "Hoyer2017",
        "Hoyer, S. and Hamman, J.",
        "2017",
        "xarray: N-D labeled arrays and datasets in Python",
        "Journal of Open Research Software",
        "Apache-2.0",
        volume="5",
        number="1",
        pages="10",
        doi="10.5334/jors.148",
    ),
    "pandas": Work(
        key="McKinney2010",
        kind="inproceedings",
        fields={
            "author": "McKinney, W.",
            "year": "2010",
            "title": "Data Structures for Statistical Computing in Python",
            "booktitle": "Proceedings of the 9th Python in Science Conference",
            "pages": "56--61",
            "doi": "10.25080/Majora-92bf1922-00a",
        },
        licence="BSD-3-Clause",
    ),
    "pvlib": _article(
        "Anderson2023",
        "Anderson, K. and Hansen, C. and Holmgren, W. and Jensen, A. and Mikofski, M. and Driesse, A.",
        "2023",
        "pvlib python: 2023 project update",
        "Journal of Open Source Software",
        "BSD-3-Clause",
        volume="8",
        number="92",
        pages="5994",
        doi="10.21105/joss.05994",
    ),
    "plotly": Work(
        key="Plotly",
        fields={
            "author": "Plotly Technologies Inc.",
            "year": "2015",
            "title": "Collaborative data science",
            "url": "https://plot.ly",
        },
        licence="MIT",
    ),
    "matplotlib": _article(
        "Hunter2007",
        "Hunter, J. D.",
        "2007",
        "Matplotlib: A 2D graphics environment",
        "Computing in Science & Engineering",
        "PSF-based",
        volume="9",
        number="3",
        pages="90--95",
        doi="10.1109/MCSE.2007.55",
    ),
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
    products += [_NATHANIEL] if name else []
    products += [_C4, _FAPAR] if name == "fluxnet2015-climate" else []
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
        work = _SOFTWARE[name]
        fields = {**work.fields, "note": f"{name} {release(name)}"}
        found.append(Work(key=work.key, kind=work.kind, fields=fields, licence=work.licence))
    return found


def release(name: str) -> str:
    """Return the version of a distribution that is installed, ``unknown`` where it does not say."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
