"""Scores of held-out towers: reading and querying a results folder.

A results folder is written by ``python -m tamrl bench accuracy``: ``manifest.yaml``, ``sites.parquet``,
``scores.parquet`` and the further tables of ``TABLES``. Fluxes are in gC m-2 d-1. Everything here takes tables and
returns tables; every comparison is made on the same towers and on the same placements of the support.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from tamrl.bundled import bundled_folder
from tamrl.errors import TamrlError
from tamrl.protocol.placements import PLACEMENTS as _PLACEMENTS
from tamrl.protocol.placements import counted
from tamrl.schema import FLUX_UNIT, KOEPPEN, UNKNOWN
from tamrl.system.yaml_file import read_yaml

_KEYS = ("design", "site", "model", "shots", "placement", "flux")
_SCORES = ("r2", "rmse", "mae", "bias", "kge", "nmae", "rae", "correlation", "sd_observed", "sd_predicted")
_MEANS = ("mean_observed", "mean_predicted")
#: The columns that each table of a results folder must have.
TABLES: dict[str, tuple[str, ...]] = {
    "sites": ("site", "lat", "lon", "igbp", "koeppen", "network", "days"),
    "scores": (*_KEYS, "scale", "n", *_SCORES, *_MEANS),
    "intervals": (*_KEYS, "n", "coverage50", "coverage90", "width50", "width90", "crps", "spread", "rmse"),
    "density": ("design", "model", "shots", "flux", "observed", "predicted", "days"),
    "cycles": ("design", "group", "month", "flux", "model", "shots", "mean", "sd", "towers"),
    "ablations": (*_KEYS, "scale", "n", *_SCORES, *_MEANS),
}
PLACEMENTS = tuple(_PLACEMENTS)
SITE_MEAN = "site-mean"
SCALES = ("daily", "weekly", "monthly", "seasonal", "anomaly", "interannual", SITE_MEAN)
#: Model that takes no labels -> the same, boosted further with them.
SUPPORTED = {"xgboost": "xgboost-support"}
_MAKE = "Make it with `python -m tamrl bench accuracy`, or choose another results folder"

Best = Literal["low", "high", "zero"]


@dataclass(frozen=True)
class Metric:
    """One score.

    Attributes:
        name: column of the tables.
        label: as it is written.
        unit: CF spelling, ``1`` where it has none.
        best: which values are better; ``zero`` means the smaller in absolute value.
    """

    name: str
    label: str
    unit: str
    best: Best

    @property
    def relative(self) -> bool:
        """Whether two values are compared in percent: errors are, skills (which cross zero) and bias are not."""
        return self.best == "low"


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("rmse", "RMSE", FLUX_UNIT, "low"),
        Metric("r2", "R²", "1", "high"),
        Metric("mae", "MAE", FLUX_UNIT, "low"),
        Metric("bias", "Bias", FLUX_UNIT, "zero"),
        Metric("kge", "KGE", "1", "high"),
        Metric("nmae", "nMAE", "1", "low"),
        Metric("rae", "RAE", "1", "low"),
        Metric("correlation", "Correlation", "1", "high"),
    )
}


@dataclass(frozen=True)
class Results:
    """A results folder that was opened: what it says of itself, and its towers.

    Attributes:
        path: the folder.
        manifest: ``title, created, versions, data, command, designs, members, looks``; ``simulated`` where the
            towers were made by a model.
        sites: one row a tower, indexed by ``site``, with the columns of ``TABLES`` and ``climate``, the name of the
            main Koeppen group.
    """

    path: Path
    manifest: dict[str, Any]
    sites: pd.DataFrame = field(repr=False)

    @property
    def simulated(self) -> bool:
        """Whether the towers were made by a model."""
        return bool(self.manifest.get("simulated", False))

    @property
    def designs(self) -> tuple[str, ...]:
        """The ways in which towers were held out."""
        return tuple(str(name) for name in self.manifest.get("designs", ()))

    @property
    def ablated(self) -> bool:
        """Whether ablations were run: a benchmark may do without."""
        return (self.path / "ablations.parquet").is_file()

    def source(self) -> str:
        """Return the source line of every figure."""
        said = [str(self.manifest[key]) for key in ("title", "data") if self.manifest.get(key)]
        return ", ".join([*said, str(self.manifest.get("created", ""))[:10]]).strip(", ")


def bundled() -> Path:
    """Return where the scores that come with the project lie."""
    return bundled_folder("scores")


def published() -> dict[str, Any]:
    """Return the figures of others that come with the project, the content of ``assets/published.yaml``.

    Raises:
        TamrlError: the file is missing or damaged.
    """
    import yaml

    file = bundled().with_name("published.yaml")
    try:
        return read_yaml(file)
    except (OSError, yaml.YAMLError) as error:
        what = f"The published figures cannot be read: {error}"
        raise TamrlError(what, str(file), "Install the project again") from error


def version(folder: Path) -> int:
    """Return a number that changes when a file of the folder does (0: none); the key of every cache of it."""
    files = [folder / "manifest.yaml", *(folder / f"{name}.parquet" for name in TABLES)]
    return max((f.stat().st_mtime_ns for f in files if f.is_file()), default=0)


def open_results(folder: str | Path) -> Results:
    """Open a results folder.

    Raises:
        TamrlError: it has no manifest or no towers, or one of them is damaged.
    """
    import yaml

    path = Path(folder).expanduser()
    manifest = path / "manifest.yaml"
    if not manifest.is_file():
        raise TamrlError("There are no scores in this folder, it has no manifest.yaml", str(path), _MAKE)
    try:
        content = read_yaml(manifest)
        if not isinstance(content, dict) or not isinstance(content.get("designs"), list):
            raise ValueError("it must be a mapping with a list of designs")
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise TamrlError(f"The manifest of the scores cannot be understood: {error}", str(manifest), _MAKE) from error
    sites = read_table(path, "sites").astype({"site": str, "igbp": str, "koeppen": str, "network": str})
    sites["climate"] = [KOEPPEN.get(code[:1], UNKNOWN) if code != UNKNOWN else UNKNOWN for code in sites["koeppen"]]
    return Results(path, content, sites.drop_duplicates("site").set_index("site").sort_index())


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read one table of a results folder.

    Args:
        folder: the results folder.
        name: one of ``TABLES``.

    Raises:
        TamrlError: the file is missing or damaged, or lacks columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = folder / f"{name}.parquet"
    if not file.is_file():
        raise TamrlError(f"The results folder has no {file.name}", str(folder), _MAKE)
    try:
        missing = [c for c in TABLES[name] if c not in pq.read_schema(file).names]
        if missing:
            raise TamrlError(f"{file.name} has no column {', '.join(missing)}", str(file), _MAKE)
        return pd.read_parquet(file)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise TamrlError(f"{file.name} cannot be read: {error}", str(file), _MAKE) from error


def filter_sites(
    sites: pd.DataFrame, igbp: Iterable[str] = (), climate: Iterable[str] = (), network: Iterable[str] = ()
) -> pd.DataFrame:
    """Return the towers of the given classes, main Koeppen groups and networks (none given = all)."""
    keep = pd.Series(True, index=sites.index)
    for column, chosen in (("igbp", igbp), ("climate", climate), ("network", network)):
        if chosen:
            keep &= sites[column].isin(list(chosen))
    return sites[keep]


def wide(scores: pd.DataFrame, design: str, scale: str, column: str, placement: str = "mean") -> pd.DataFrame:
    """Return one column of the scores with a row a (site, placement) and a column a (flux, model, shots).

    Args:
        scores: ``scores.parquet`` or ``ablations.parquet``.
        design: how towers were held out.
        scale: one of ``SCALES``.
        column: a metric, or another column of numbers.
        placement: of the support; ``mean`` keeps the three, and zero-shot on all days.
    """
    keep = (scores["design"] == design) & (scores["scale"] == scale)
    if placement != "mean":
        keep &= scores["placement"] == placement
    keys = ["site", "placement", "flux", "model", "shots"]
    rows = scores.loc[keep, [*keys, column]]
    rows = rows.astype(dict.fromkeys(keys[:-1], str) | {"shots": int, column: float}).drop_duplicates(keys)
    return rows.set_index(keys)[column].unstack(["flux", "model", "shots"]).sort_index().sort_index(axis=1)


def tower_column(scale: str, metric: str) -> str:
    """Return the metric that one tower has at a scale: of site means only the bias and its absolute value."""
    return metric if scale != SITE_MEAN or metric == "bias" else "mae"


def reference(columns: Iterable[tuple[str, int]], model: str, shots: int) -> tuple[str, int]:
    """Return the (model, shots) that a model at ``shots`` is compared with where ``model`` was chosen to compare with.

    At equal labels: a model without labels gives way to its own with the support where that was scored (``SUPPORTED``).
    Else zero-shot where the model can be without labels, or the same number of shots.
    """
    known = set(columns)
    if shots and (SUPPORTED.get(model), shots) in known:
        return SUPPORTED[model], shots
    return model, 0 if (model, 0) in known else shots


def by_towers(table: pd.DataFrame, flux: str, columns: list[tuple[str, int]]) -> pd.DataFrame:
    """Return some (model, shots) of one flux, means over the placements that all of them have, one row a tower.

    Zero-shot columns alone are those on all valid days; beside few-shot they are on its days.

    Args:
        table: of ``wide``.
        flux: name of the flux.
        columns: what to compare.

    Returns:
        DataFrame(site) with ``columns``; without rows where one of them was never scored.
    """
    place = {column: i for i, column in enumerate(table.columns)}
    if any((flux, *column) not in place for column in columns):
        names = pd.MultiIndex.from_tuples(columns, names=["model", "shots"])
        return pd.DataFrame(columns=names, index=pd.Index([], name="site"), dtype=float)
    places = [place[flux, *column] for column in columns]
    rows = counted(table.index.get_level_values("placement"), max((shots for _, shots in columns), default=0))
    # Numbers and their places: to ask a table for columns by names of three parts takes ten times as long.
    values = table.to_numpy()[:, places]
    rows = rows & ~np.isnan(values).any(axis=1)
    block = pd.DataFrame(values[rows], index=table.index.get_level_values("site")[rows])
    return block.groupby(level="site").mean().set_axis(table.columns[places].droplevel("flux"), axis="columns")


def one_tower(table: pd.DataFrame, site: str) -> pd.DataFrame:
    """Return the scores of one tower, a row a flux, model and number of shots.

    Args:
        table: of ``wide``.
        site: tower, which the table holds.

    Returns:
        Columns ``flux, model, shots, towers, value, low, high``: the mean, smallest and largest over placements, all
        on the days outside the support where any model is few-shot.
    """
    rows = table.xs(site, level="site")
    # One curve from no label to a year of them: on the days that all numbers of labels share.
    rows = rows[counted(rows.index, int(rows.columns.get_level_values("shots").max()))]
    found = pd.DataFrame({"value": rows.mean(), "low": rows.min(), "high": rows.max()}).dropna(subset=["value"])
    found.insert(0, "towers", 1)
    return found.reset_index().astype({"shots": int})


def change(values: np.ndarray, reference: np.ndarray, metric: Metric) -> np.ndarray:
    """Return how far ``values`` are from ``reference`` (same shape): in percent for errors, else as a difference.

    Bias is compared in absolute value, so that a negative change is an improvement whatever its sign.
    """
    if metric.relative:
        with np.errstate(divide="ignore", invalid="ignore"):
            return 100 * (values / reference - 1)
    return np.abs(values) - np.abs(reference) if metric.best == "zero" else values - reference
