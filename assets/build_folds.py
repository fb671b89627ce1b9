"""Build assets/models/fluxnet2015-folds, the models behind the bundled scores, from the benchmark's folder.

    python -m tamrl ingest FLUXNET2015 --workspace W
    python -m tamrl bench accuracy --workspace W --out B
    python assets/build_folds.py --bench B

One ensemble a fold of the design igbp, with 16-bit weights, and the split: whoever has the towers can score a held-out
one again and find the row of assets/scores (docs/benchmarks.md says how).
"""

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CROSS_FITTED_YAML = """# For a tower of the split the fold that never saw it; for any other the model of all.
all: ../fluxnet2015-daily
folds: [{folds}]
split: splits/igbp.yaml
"""

CARD = """# Models of the folds

The {folds} ensembles of TAM-RL behind the scores of `assets/scores`, design igbp, {members} members each: fold i was
trained without the towers of fold i in `splits/igbp.yaml`. Made by `python assets/build_folds.py`. Weights in 16 bits;
for use at new places take `fluxnet2015-daily`, which has seen all towers. Together they are the model `cross-fitted`
(`cross-fitted.yaml`): at a tower of the split its fold, elsewhere `fluxnet2015-daily`. To score all towers again:

```bash
tamrl evaluate --workspace fluxnet2015 --checkpoint cross-fitted --models tamrl --out scores.csv
```

Trained on FLUXNET2015 (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3; CC-BY-4.0). No observation is in this
folder. The weights are under CC-BY-4.0: name FLUXNET2015 and this project.
"""


def main() -> None:
    """Round the ensembles and write them with their split."""
    from tamrl.bundled import CROSS_FITTED, FOLDS
    from tamrl.evaluation.benchmark.runs import TAMRL, split_file
    from tamrl.evaluation.held_out import held_out
    from tamrl.model.checkpoint import load_ensemble, save_half
    from tamrl.protocol.designs import load_split
    from tamrl.system.storage import locked, swap_in

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="folder of tamrl bench accuracy")
    args = parser.parse_args()
    target = ROOT / "assets" / "models" / FOLDS
    split = load_split(split_file(args.bench, "igbp"))
    ensembles = [load_ensemble(args.bench / "models" / f"igbp-{i}-{TAMRL}") for i in range(len(split.folds))]
    for held, ensemble in zip(split.folds, ensembles, strict=True):
        held_out(held, ensemble, named=True, allow_seen=False)
    members = len(ensembles[0].members)

    def write(new: Path) -> None:
        for i, ensemble in enumerate(ensembles):
            save_half(ensemble, new / f"fold-{i}")
        (new / "splits").mkdir()
        shutil.copyfile(split_file(args.bench, "igbp"), split_file(new, "igbp"))
        names = ", ".join(f"fold-{i}" for i in range(len(ensembles)))
        (new / CROSS_FITTED).write_text(CROSS_FITTED_YAML.format(folds=names), encoding="utf-8")
        (new / "README.md").write_text(CARD.format(folds=len(ensembles), members=members), encoding="utf-8")

    with locked(target):
        swap_in(target, write)
    size = sum(f.stat().st_size for f in target.rglob("*") if f.is_file()) / 1e6
    sys.stdout.write(f"{target}: {len(ensembles)} ensembles of {members} members, {size:.1f} MB\n")


if __name__ == "__main__":
    main()
