"""What the package carries: models, maps, scores and the embedded workspace."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tamrl.errors import TamrlError
from tamrl.system.storage import subfolders
from tamrl.system.yaml_file import read_yaml

if TYPE_CHECKING:
    from tamrl.timestep import TimeStep

#: Folder among the bundled models with those of the folds of the benchmark and its split.
FOLDS = "fluxnet2015-folds"
#: File that makes a folder of folds one model, see ``tamrl.model.cross_fitted``; and the name of the bundled one.
CROSS_FITTED, CROSS_FITTED_NAME = "cross-fitted.yaml", "cross-fitted"


def root() -> Path:
    """Return the folder with ``app.py``, ``assets/`` and ``static/``: of a checkout, or of an installed package."""
    package = Path(__file__).resolve().parent
    installed = package / "_bundle"
    return installed if installed.is_dir() else package.parent


def bundled_folder(name: str) -> Path:
    """Return where something that comes with the project lies, a file or folder of ``assets/``."""
    return root() / "assets" / name


def bundled_workspaces() -> dict[str, Path]:
    """Return the workspaces that come with the project, by name: the towers of FLUXNET2015, and SIMULATED ones."""
    return {name: bundled_folder(name) for name in ("fluxnet2015", "demo")}


def find_workspace(name: Path) -> Path:
    """Return the folder of a workspace; a name without a folder of that name may be a bundled workspace."""
    return name if name.exists() else bundled_workspaces().get(name.as_posix(), name)


def outlines() -> Path:
    """Return the file of country outlines, which the browser is served as well."""
    return root() / "static" / "countries.geojson"


def bundled_models() -> dict[str, Path]:
    """Return the models that come with the project, trained on observed towers, by name.

    The checkpoints of the folds are among them as one, ``cross-fitted``: for a tower that was held out its fold, which
    has left out a fifth of the towers on purpose, for any other tower that of all.
    """
    names = {FOLDS: CROSS_FITTED_NAME}
    found = {names.get(path.name, path.name): path for path in subfolders(bundled_folder("models"))}
    return dict(sorted(found.items()))


def bundled_folds() -> dict[str, Path]:
    """Return the benchmark's own checkpoints that come with the project, one a fold: ``fluxnet2015-folds/fold-0``."""
    folder = bundled_folder("models") / FOLDS
    return {f"{FOLDS}/{path.name}": path for path in sorted(subfolders(folder)) if path.name.startswith("fold-")}


def find_model(name: Path) -> Path:
    """Return the folder of a checkpoint; a name without a folder of that name may be a bundled model."""
    return name if name.exists() else (bundled_models() | bundled_folds()).get(name.as_posix(), name)


def model_step(path: Path) -> "TimeStep":
    """Return the time step of a checkpoint; daily where its manifest does not say, or cannot be read.

    What is wrong with a damaged checkpoint is said when it is loaded.
    """
    from tamrl.timestep import TimeStep

    of_folds = (path / CROSS_FITTED).is_file()
    manifest = (path / "fold-0" if of_folds else path) / "ensemble.yaml"
    try:
        return _model_step(str(manifest), manifest.stat().st_mtime_ns)
    except OSError:
        return TimeStep.DAILY


@lru_cache(maxsize=64)
def _model_step(manifest: str, version: int) -> "TimeStep":
    import yaml

    from tamrl.timestep import TimeStep, time_step

    try:
        settings = read_yaml(manifest)["config"]["model"]
        return time_step(settings.get("step", TimeStep.DAILY.value), manifest)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError, TamrlError):
        return TimeStep.DAILY
