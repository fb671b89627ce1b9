"""CarbonFluxBench from Hugging Face, whose own library lists its files with sizes and hashes."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from huggingface_hub.hf_api import DatasetInfo, RepoSibling

from tamrl.errors import TamrlError
from tamrl.system.download import Remote
from tamrl.system.patience import AgainError, Patience, UnreachableError, passing, patiently
from tamrl.towers.citations import Citation
from tamrl.towers.fetch import Item, Offer

DATASET = "alexroz/CarbonFluxBench"
#: What the protocol reads, and the card of the data set.
FILES = (
    *("target_fluxes_v2.parquet", "MOD09GA.parquet", "ERA5.parquet"),
    *("koppen_sites.json", "koppen_sites_short.json", "feature_sets.json", "README.md"),
)
#: Where the files may lie: at the top, or in the folder that the benchmark's own code reads.
_FOLDERS = ("", "data/")
_SOURCES = (
    "Its targets are FLUXNET towers (CC-BY-4.0: cite them), its drivers MODIS and ERA5-Land (contains modified "
    "Copernicus Climate Change Service information)"
)
_CITATION = (
    "Rozanov, Renganathan, Zhang, Kumar: CarbonFluxBench: A Global Benchmark for Upscaling of Carbon Fluxes Using "
    "Zero-Shot Learning"
)


def carbonfluxbench(endpoint: str | None = None, patience: Patience | None = None) -> Offer:
    """Return the files of CarbonFluxBench (Rozanov et al.) as Hugging Face has them now.

    Args:
        endpoint: of Hugging Face or a mirror; by default that of its library (HF_ENDPOINT).
        patience: how long the server is waited for.

    Raises:
        TamrlError: Hugging Face cannot be reached, refuses, or has other files.
    """
    patience = patience or Patience()
    api = HfApi(endpoint=endpoint, token=False)  # public data: nobody's token is sent
    info: DatasetInfo = patiently(lambda: _dataset(api, patience), f"{DATASET} at {api.endpoint}", patience)
    there = {f.rfilename: f for f in info.siblings or ()}
    found = {name: next((there[d + name] for d in _FOLDERS if d + name in there), None) for name in FILES}
    if lacks := [name for name, sibling in found.items() if sibling is None and name != "README.md"]:
        todo = "The data set may have a new layout: look at its page, and download by hand what the benchmark reads"
        raise TamrlError(f"The data set has no {', '.join(lacks)}", f"{api.endpoint}/datasets/{DATASET}", todo)
    licence = getattr(info.card_data, "license", None)
    return Offer(
        title=f"CarbonFluxBench, {api.endpoint}/datasets/{DATASET}, revision {info.sha}",
        items=tuple(_hub_item(api, info, sibling) for sibling in found.values() if sibling is not None),
        licence=f"{licence or 'the card of the data set names none'}. {_SOURCES}",
        citations={"CarbonFluxBench": Citation(f"{_CITATION}. Hugging Face, {DATASET}, revision {info.sha}")},
    )


def _dataset(api: HfApi, patience: Patience) -> DatasetInfo:
    """Ask Hugging Face for the files of the data set."""
    where = f"{DATASET} at {api.endpoint}"
    try:
        return api.dataset_info(DATASET, files_metadata=True, timeout=patience.connect_s)
    except HfHubHTTPError as error:
        status = error.response.status_code
        if again := passing(status, error.response.headers):
            raise again from error
        what = f"Hugging Face refuses the data set ({status})"
        raise TamrlError(what, where, "It may have been moved or closed: look at its page") from error
    except HTTPError as error:  # no answer at all
        raise AgainError(f"{urlsplit(api.endpoint).netloc} cannot be reached", unreachable=True) from error
    except ConnectionError as error:
        raise UnreachableError(
            "Hugging Face's library is set to work offline", where, "Unset HF_HUB_OFFLINE"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        todo = "Open the address in a browser: the network here may ask to log in"
        raise TamrlError("The server that answered is not Hugging Face", where, todo) from error


def _hub_item(api: HfApi, info: DatasetInfo, sibling: RepoSibling) -> Item:
    name, size = Path(sibling.rfilename).name, sibling.size
    url = hf_hub_url(DATASET, sibling.rfilename, repo_type="dataset", revision=info.sha, endpoint=api.endpoint)
    check = None if sibling.lfs or not sibling.blob_id else _git_check(sibling.blob_id)
    remote = Remote(url=url, sha256=sibling.lfs.sha256 if sibling.lfs else None, size=size, check=check)
    words = "size unknown" if size is None else f"{size / 1e6:,.1f} MB" if size >= 50_000 else f"{size / 1e3:,.1f} kB"
    return Item(name, f"{name}  {words}", "", remote)


def _git_check(blob: str) -> Callable[[Path], str]:
    """Return a check of a small file, which Hugging Face keeps in git: its id there is a hash of its size and bytes."""

    def check(path: Path) -> str:
        body = path.read_bytes()
        return "" if hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest() == blob else "its hash does not match"

    return check
