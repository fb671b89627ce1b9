"""An adaptation as a Jupyter notebook that repeats it with the public API and runs as it stands."""

import json
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
import pandas as pd
from nbformat import v4

import tamrl
from tamrl.bundled import bundled_folds, bundled_models, bundled_workspaces
from tamrl.predict import link, provenance
from tamrl.predict.methods import METHODS
from tamrl.predict.output import before_after
from tamrl.predict.provenance import Run
from tamrl.protocol.support_days import support_days
from tamrl.schema import FLUX_UNIT
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.citations import Work
from tamrl.towers.workspace import Workspace

#: Software of the notebook besides what the adaptation runs on.
SHOWN_WITH = ("matplotlib",)
_DRAW = """
fluxes = tamrl.fluxes(adapted)
figure, axes = plt.subplots(3, 1, figsize=(11, 9), sharex=True, layout="constrained")
for axis, flux in zip(axes, ("GPP", "RECO", "NEE")):
    observed = fluxes[f"{flux}_observed"].where(fluxes["NEE_QC"] >= 0.7)
    axis.plot(fluxes["time"], observed, ".", color="#9aa0ab", markersize=2, zorder=3, label="observed, NEE_QC >= 0.7")
    for state, colour in (("zero_shot", "#d48a00"), ("adapted", "#0072b2")):
        axis.plot(fluxes["time"], fluxes[f"{flux}_{state}"], color=colour, linewidth=1, label=state.replace("_", "-"))
    support = fluxes["time"][fluxes["support"] == 1]
    axis.plot(support, [0] * len(support), "|", color="#8a63d2", transform=axis.get_xaxis_transform(), label="support")
    axis.set_ylabel(f"{flux} [UNIT]")
axes[0].legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
figure.suptitle(TITLE)
"""


def notebook(run: Run, paths: bool = True) -> bytes:
    """Return the notebook, UTF-8.

    Args:
        run: the adaptation.
        paths: name folders of this machine; without, the notebook asks its reader to say where they lie.
    """
    cells = [
        ("markdown", _head(run)),
        ("code", "import matplotlib.pyplot as plt\nimport pandas as pd\n\nimport tamrl\n\ntamrl.__version__"),
        ("markdown", "## Tower and model"),
        ("code", _inputs(run, paths)),
        ("markdown", f"## Support\n\nThe {_unit(run)} whose fluxes the model may use."),
        ("code", _support(run)),
        ("markdown", "## Adaptation"),
        ("code", _adapt(run)),
        (
            "markdown",
            f"Scores of the ensemble mean before and after, on the valid {_unit(run)} that are not support; "
            f"{FLUX_UNIT} but for R².",
        ),
        ("code", "scores = tamrl.scores(adapted)\nscores"),
        (
            "markdown",
            "The same as it was when this notebook was written. Another processor or another version of torch rounds "
            "differently; a difference above 0.001 says that tower, model or settings are not the same.",
        ),
        ("code", _expected(before_after(run.adaptation))),
        ("markdown", "## Observed and predicted over time"),
        ("code", _DRAW.strip().replace("UNIT", FLUX_UNIT).replace("TITLE", repr(run.title()))),
        (
            "markdown",
            f"`fluxes` is a CF Dataset in {FLUX_UNIT}: `fluxes.to_zarr(...)` and "
            "`fluxes.to_dataframe().to_csv(...)` save it.",
        ),
        ("markdown", references(provenance.uncited(run), provenance.works(run, SHOWN_WITH))),
    ]
    return written(cells)


def written(cells: Iterable[tuple[str, str]]) -> bytes:
    """Return a notebook of cells, each of a kind, ``markdown`` or ``code``, and its text; always the same for them."""
    make = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}
    made_cells = [make[kind](text) for kind, text in cells]
    for number, cell in enumerate(made_cells, start=1):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = v4.new_notebook(cells=made_cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(made)
    return (nbformat.writes(made) + "\n").encode()


def _unit(run: Run) -> str:
    return "months" if step_of(run.adaptation.tower) == TimeStep.MONTHLY else "days"


def _head(run: Run) -> str:
    said = "\n".join(f"- {name}: {text}" for name, text in provenance.settings(run).items())
    warned = "\n".join(f"- {line}" for line in run.warnings())
    mark = " The tower is SIMULATED, made by a model." if run.workspace.simulated else ""
    return (
        f"# {run.title()}\n\nThis notebook repeats an adaptation of TAM-RL with the public functions of tamrl "
        f"{tamrl.__version__}, which must be installed (`pip install .` in its folder).{mark}\n\n{said}"
        + (f"\n\n[Restore this view on the page]({run.url}). {link.in_words(run.url)}." if run.url else "")
        + (f"\n\nTo know before it is believed:\n\n{warned}" if warned else "")
    )


def _inputs(run: Run, paths: bool) -> str:
    """Return the code that opens the tower and the model."""
    return "\n".join(
        [
            f"workspace = tamrl.open_workspace({workspace_argument(run.workspace, paths)}",
            f"tower = tamrl.read_tower(workspace, {run.site!r})",
            f"model = tamrl.load_model({model_argument(run.model_name, run.ensemble.path, run.workspace, paths)}",
            "tower",
        ]
    )


def workspace_argument(workspace: Workspace, paths: bool) -> str:
    """Return the argument of ``open_workspace``, with the bracket that ends it."""
    folder = workspace.path
    name = next((name for name, path in bundled_workspaces().items() if path == folder), "")
    if name:
        return f"{name!r})  # bundled"
    return f"{str(folder)!r})" if paths else f"{folder.name!r})  # say where this workspace lies"


def model_argument(name: str, path: Path | None, workspace: Workspace, paths: bool) -> str:
    """Return the argument of ``load_model``, with the bracket that ends it.

    Args:
        name: of the model where it comes with the project.
        path: its folder.
        workspace: that it may lie in.
        paths: see ``notebook``.
    """
    if path is None or path.resolve() in {p.resolve() for p in (bundled_models() | bundled_folds()).values()}:
        return f"{name!r})"
    path = Path(path).resolve()
    if path.is_relative_to(workspace.path):
        inside = path.relative_to(workspace.path).parts
        return " / ".join(["workspace.path", *(repr(part) for part in inside)]) + ")"
    return f"{str(path)!r})" if paths else f"{path.name!r})  # say where this checkpoint lies"


def listed(names: Iterable[str]) -> str:
    """Return a list of texts as code, in lines of a hundred characters."""
    inside = textwrap.fill(", ".join(json.dumps(name) for name in names), 100)
    return f"[\n{textwrap.indent(inside, ' ' * 4)}\n]"


def _support(run: Run) -> str:
    """Return the code that makes the support: the first valid days from a date on where it is those, else a list."""
    tower, days = run.adaptation.tower, run.adaptation.support
    if not len(days):
        return "days = pd.DatetimeIndex([])"
    skip = int(pd.DatetimeIndex(tower.time.values).searchsorted(days[0]))
    if days.equals(support_days(tower, len(days), skip)):
        return f'days = tamrl.labelled_days(tower, {len(days)}, start="{days[0]:%Y-%m-%d}")\ndays'
    listed = textwrap.fill(", ".join(json.dumps(f"{day:%Y-%m-%d}") for day in days), 100)
    return f"days = pd.DatetimeIndex(\n    [\n{textwrap.indent(listed, ' ' * 8)}\n    ]\n)\ndays"


def _adapt(run: Run) -> str:
    settings = run.adaptation.settings
    method, arguments = METHODS[settings.method], [f"method={settings.method!r}"]
    if run.allow_gaps:
        arguments.append("allow_gaps=True")
    if method.descends:
        arguments += [f"steps={settings.steps}", f"learning_rate={settings.learning_rate!r}"]
    if method.guarded:
        arguments.append(f"held_back={settings.held_back!r}")
    called = f"adapted = tamrl.adapt(model, tower, days, {', '.join(arguments)})"
    return f"{called}\nfor note in adapted.notes:\n    print(note)"


def _expected(scores: pd.DataFrame) -> str:
    """Return the code that says how far the scores are from those that the notebook was written with."""
    rows = "\n".join(f"    {name!r}: {scores[name].tolist()!r}," for name in scores)
    made = f"written = pd.DataFrame({{\n{rows}\n}})"
    made = "nan = float('nan')\n" + made if scores.isna().to_numpy().any() else made
    return (
        f"{made}\n"
        'difference = (scores.set_index("flux") - written.set_index("flux")).abs().max().max()\n'
        'print(f"Largest difference: {difference:.2g}")'
    )


def references(lacking: str, groups: Mapping[str, list[Work]]) -> str:
    """Return what is to be cited in Markdown, as text and as BibTeX.

    Args:
        lacking: what is to be known of data without a citation; empty where there is none.
        groups: works by what they are.
    """
    parts = ["## How to cite", lacking]
    for heading, works in groups.items():
        parts += [f"**{heading}**", "\n".join(f"- {work.text()}" for work in works)]
    entries = "\n\n".join(work.bibtex() for works in groups.values() for work in works)
    return "\n\n".join(filter(None, [*parts, f"```bibtex\n{entries}\n```"]))
