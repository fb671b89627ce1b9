"""Adapting to many towers at once as a Jupyter notebook that repeats it with the package and runs as it stands."""

import tamrl
from tamrl.predict import link, network_run
from tamrl.predict import notebook as of_one
from tamrl.predict.network_run import NetworkRun
from tamrl.schema import FLUX_UNIT

_IMPORTS = """
import matplotlib.pyplot as plt
import pandas as pd

import tamrl
from tamrl.predict.network import adapt_network

tamrl.__version__
""".strip()
_DRAW = """
fluxes = ("GPP", "RECO", "NEE")
figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
axis.boxplot([table.loc[table["flux"] == flux, "change"].dropna() for flux in fluxes], orientation="horizontal")
axis.set_yticks([1, 2, 3], fluxes)
axis.invert_yaxis()
axis.axvline(0, color="#888888", linewidth=1)
axis.set_xlabel("Change of RMSE by adapting [%]")
figure.suptitle(TITLE)
"""


def notebook(run: NetworkRun, paths: bool = True) -> bytes:
    """Return the notebook, UTF-8.

    Args:
        run: the adaptation.
        paths: name folders of this machine; without, the notebook asks its reader to say where they lie.
    """
    medians = run.result.table.groupby("flux")["change"].median()
    return of_one.written(
        [
            ("markdown", _head(run)),
            ("code", _IMPORTS),
            ("markdown", "## Towers and model"),
            ("code", _inputs(run, paths)),
            ("markdown", "## Adaptation\n\nA minute or less on two cores for some hundred towers."),
            ("code", _adapt(run)),
            (
                "markdown",
                "The median change of the RMSE [%] as it was when this notebook was written, and now. Another "
                "processor or another version of torch rounds differently.",
            ),
            ("code", _expected(medians.to_dict())),
            ("markdown", "## Where it helps, and where it harms"),
            ("code", _DRAW.strip().replace("TITLE", repr(run.title()))),
            ("markdown", f"Scores are in {FLUX_UNIT} but for R². `table.to_csv(...)` saves them."),
            ("markdown", of_one.references(network_run.uncited(run), network_run.works(run, of_one.SHOWN_WITH))),
        ]
    )


def _head(run: NetworkRun) -> str:
    said = "\n".join(f"- {name}: {text}" for name, text in network_run.settings(run).items())
    return (
        f"# {run.title()}\n\nThis notebook repeats an adaptation of TAM-RL to many towers with "
        f"tamrl {tamrl.__version__}, which must be installed (`pip install .` in its folder).\n\n{said}"
        + (f"\n\n[Restore this view on the page]({run.url}). {link.in_words(run.url)}." if run.url else "")
    )


def _inputs(run: NetworkRun, paths: bool) -> str:
    """Return the code that opens the workspace and the model, and names the towers."""
    return "\n".join(
        [
            f"workspace = tamrl.open_workspace({of_one.workspace_argument(run.workspace, paths)}",
            f"model = tamrl.load_model({of_one.model_argument(run.model_name, run.model.path, run.workspace, paths)}",
            f"sites = {of_one.listed(run.sites)}",
        ]
    )


def _adapt(run: NetworkRun) -> str:
    arguments = f"model, workspace.archive(), sites, {run.days}, {run.placement!r}"
    return f"made = adapt_network({arguments})\ntable = made.table\nprint(made.left_out)\ntable"


def _expected(medians: dict[str, float]) -> str:
    known = {flux: round(value, 4) for flux, value in medians.items() if value == value}
    return (
        f"written = pd.Series({known!r})\n"
        'pd.DataFrame({"written": written, "now": table.groupby("flux")["change"].median()})'
    )
