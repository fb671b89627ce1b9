"""Learn phenology from the towers' satellite series, and add the seasonal cycle of LAI and EVI to assets/earth.nc.

    python assets/build_phenology.py --workspace M --out P

M is monthly (``tamrl aggregate``). P becomes a workspace of the same towers with LAI and EVI as predicted by models
that have not seen them, which a climate model is trained on; P/phenology.csv holds how well they stand to the observed.
Takes about two minutes of one core; what is there already is not done again. assets/build_climate.py runs this where
its settings ask for LAI or EVI.
"""

import argparse
import sys
from pathlib import Path

import xarray as xr

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "assets")]
SCORES, DONE = "phenology.csv", "earth.done"


def predicted(workspace: Path, out: Path) -> xr.Dataset:
    """Return the towers of a monthly workspace with predicted phenology, and keep them in the workspace ``out``."""
    from tamrl.maps.phenology import inner_groups, out_of_fold, scores
    from tamrl.towers.archive import save_archive
    from tamrl.towers.workspace import Workspace, is_workspace

    if is_workspace(out) and (out / SCORES).is_file():
        return Workspace.open(out).archive().load()
    source = Workspace.open(workspace)
    archive = source.archive().load()
    made = out_of_fold(archive, inner_groups(archive))
    target = Workspace.open(out) if is_workspace(out) else Workspace.create(out, simulated=source.simulated)
    save_archive(made, target.archive_path)
    scores(archive, made).to_csv(out / SCORES, index=False, float_format="%.4f")
    return made


def add_cycle(workspace: Path, out: Path) -> None:
    """Learn from all towers of a monthly workspace, and write the cycle of each cell into the small Earth, once."""
    from build_earth import TARGET, add

    from tamrl.globe.earth import load_earth
    from tamrl.maps.phenology import Phenology
    from tamrl.maps.phenology_map import earth_cycle
    from tamrl.towers.workspace import Workspace

    if (out / DONE).is_file() and {"LAI", "EVI"} <= set(load_earth().data_vars):
        return
    model = Phenology()
    model.fit(Workspace.open(workspace).archive().load())
    cycle = earth_cycle(model, load_earth())
    # What the climate model may ask for; fAPAR is learnt where towers have it and not kept.
    kept = {name: values for name, values in cycle.items() if name in ("LAI", "EVI")}
    add({name: (("time", "lat", "lon"), values, "phenology") for name, values in kept.items()})
    (out / DONE).touch()
    sys.stdout.write(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB\n")


def main() -> None:
    """Predict the towers, then the Earth."""
    import pandas as pd

    from tamrl.system.device import one_thread

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True, help="monthly")
    parser.add_argument("--out", type=Path, required=True, help="workspace of the towers with predicted phenology")
    args = parser.parse_args()
    one_thread()
    predicted(args.workspace, args.out)
    table = pd.read_csv(args.out / SCORES).groupby("variable")[["r2", "rmse", "r_cycle"]].median()
    sys.stdout.write(f"Medians over towers that were not seen:\n{table.round(3)}\n")
    add_cycle(args.workspace, args.out)


if __name__ == "__main__":
    main()
