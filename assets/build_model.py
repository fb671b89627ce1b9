"""Build assets/models/fluxnet2015-daily, the bundled model, from a workspace of FLUXNET2015 towers.

    python -m tamrl ingest FLUXNET2015 --workspace W
    python -m tamrl bench accuracy --workspace W --out B
    python assets/build_model.py --workspace W --scores B/results

Members are trained on all towers of the workspace and written with 16-bit weights; the scores of the card are those
of the benchmark, whose models had not seen the towers. With --model an ensemble that is trained already is taken.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
NAME = "fluxnet2015-daily"
FLUXES = ("GPP", "RECO", "NEE")
#: Largest change of a daily flux that rounding the weights may make, gC m-2 d-1: far below the noise of a tower.
TOLERANCE = 0.05

CARD = """# {name}

TAM-RL, {members} members, trained on {towers} FLUXNET2015 towers (daily, {first}–{last}). It predicts GPP,
RECO and NEE = RECO - GPP in gC m-2 d-1 at a place it has not seen, zero-shot from drivers and classes, and
adapts to the place from a few days of its fluxes. {steps} steps a member, seed {seed}; tamrl {version}; made by `python
assets/build_model.py`. Weights in 16 bits: that moves a daily flux at ten of the towers by at most
{change:.3f} gC m-2 d-1, zero-shot or adapted with 30 or 365 days.

## Data and licence

Trained on FLUXNET2015 (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3; CC-BY-4.0), with monthly
MODIS LAI and EVI and precipitation as collected by Nathaniel et al. 2023 (doi:10.1038/s41597-023-02349-y;
MIT). No observation is in this folder. The weights are under CC-BY-4.0: name FLUXNET2015 and this project.
Method: Rozanov, Renganathan and Kumar 2026, arXiv:2603.09974; Renganathan et al. 2025, arXiv:2310.04727.

## What it reads

{drivers}. Any of them may be missing: drivers were hidden at random in training. A position is needed for
potential radiation; IGBP and Koeppen class may be `unknown`.

## Scores

Medians over towers that the scored models had not seen ({folds} folds by tower, {scored_members} members,
{made}; see docs/benchmarks.md). The bundled members were trained in the same way on all towers, so no score
can be given for themselves.

{scores}

Intervals are calibrated on validation towers; the share of held-out days that the 90 % intervals cover:
{coverage}.

## Intended use and limits

For daily carbon fluxes of ecosystems like those of FLUXNET2015: mostly forests, grasslands and croplands of
Europe, North America and Australia. Few towers stand in the tropics, in deserts and in the Arctic; towers
on land that was burnt, cut or drained are rare. Without labels it is about as good as XGBoost with lagged
drivers; what it adds is what a few days of labels bring. GPP and RECO are partitioned from NEE and share its
errors. Site means of NEE are predicted poorly: age and disturbance are not among the inputs. Do
not use it for carbon credits or for single days at one place without the intervals.

## Training towers

{sites}
"""


def train(workspace: Path, out: Path, members: int) -> None:
    """Train the ensemble with the project's own command."""
    command = [sys.executable, "-m", "tamrl", "train", "--workspace", workspace, "--out", out, "--members", members]
    subprocess.run([*map(str, command), "--seed", "56"], check=True, cwd=ROOT)


def largest_change(whole, half, archive) -> float:  # noqa: ANN001 - types of tamrl, imported late
    """Return by how much rounding the weights moves a daily flux at ten towers, zero-shot and adapted."""
    from tamrl.predict.many import adapt_many
    from tamrl.protocol.support_days import support_days
    from tamrl.towers.archive import record

    changes = []
    for site in archive.site.values[:: max(1, archive.sizes["site"] // 10)]:
        tower = record(archive, site)
        supports = [None, support_days(tower, 30), support_days(tower, 365)]
        ((_, of_whole),), ((_, of_half),) = (adapt_many(e, [tower], [supports]) for e in (whole, half))
        for a, b in zip(of_whole, of_half, strict=True):
            changes.append(max(float(abs(a[f].mean("member") - b[f].mean("member")).max()) for f in FLUXES))
    return float(np.max(changes))


def card(ensemble, archive, scores: Path, change: float) -> str:  # noqa: ANN001 - types of tamrl, imported late
    """Return the model card."""
    import tamrl
    from tamrl.evaluation.benchmark.report import standings
    from tamrl.protocol.designs import load_split
    from tamrl.protocol.placements import counted

    table = pd.read_parquet(scores / "scores.parquet")
    table = table[(table["design"].astype(str) == "igbp") & (table["scale"].astype(str) == "daily")]
    table = table[table["model"].astype(str).isin(["tamrl", "xgboost"])]
    intervals = pd.read_parquet(scores / "intervals.parquet")
    intervals = intervals[intervals["design"].astype(str) == "igbp"]
    on_days = counted(intervals["placement"], intervals["shots"])
    covered = intervals[on_days].groupby("shots")["coverage90"].mean()
    sites, time = ensemble.training_sites, pd.DatetimeIndex(archive.time.values)
    about = yaml.safe_load((scores / "manifest.yaml").read_text(encoding="utf-8"))
    split = load_split(scores / "splits" / "igbp.yaml")
    return CARD.format(
        name=NAME,
        members=len(ensemble.members),
        towers=len(sites),
        first=time[0].year,
        last=time[-1].year,
        version=tamrl.__version__,
        drivers=", ".join(ensemble.config.model.drivers),
        scores=standings(table),
        coverage=", ".join(f"{100 * v:.0f} % with {n} days" for n, v in covered.items()),
        sites=", ".join(sites),
        folds=len(split.folds),
        scored_members=about["members"],
        made=str(about["created"])[:10],
        change=change,
        steps=ensemble.config.train.steps,
        seed=ensemble.info["seed"],
    )


def main() -> None:
    """Train, round, check, write."""
    from tamrl.model.checkpoint import load_ensemble, save_half
    from tamrl.model.training_towers import save_reference
    from tamrl.system.device import one_thread
    from tamrl.system.storage import locked, swap_in
    from tamrl.towers.workspace import Workspace
    from tamrl.training.training_towers import fit_reference

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True, help="results folder of tamrl bench accuracy")
    parser.add_argument("--model", type=Path, help="an ensemble trained on all towers; trained anew where not given")
    parser.add_argument("--members", type=int, default=5)
    args = parser.parse_args()
    one_thread()
    target = ROOT / "assets" / "models" / NAME
    with tempfile.TemporaryDirectory() as folder:
        model = args.model or Path(folder) / "model"
        if not args.model:
            train(args.workspace, model, args.members)
        archive = Workspace.open(args.workspace).archive()
        whole, made = load_ensemble(model), Path(folder) / NAME
        save_half(whole, made)
        save_reference(fit_reference(load_ensemble(made), archive), made)
        change = largest_change(whole, load_ensemble(made), archive)
        if change > TOLERANCE:
            raise SystemExit(f"16-bit weights move a daily flux by {change:.3f} gC m-2 d-1: too much")
        (made / "README.md").write_text(card(whole, archive, args.scores, change), encoding="utf-8")
        with locked(target):
            swap_in(target, lambda new: shutil.copytree(made, new))
        sys.stdout.write(f"{target}: 16-bit weights move a daily flux by at most {change:.4f} gC m-2 d-1\n")


if __name__ == "__main__":
    main()
