"""Build assets/towers/mean-year.parquet: the mean year of the towers, which the World page holds maps against.

    python -m tamrl ingest FLUXNET2015 --workspace W
    python assets/build_tower_means.py --workspace W

Means over years of the months that each tower observed, see tamrl.maps.mean_year; no series is kept.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Read the workspace and write the table."""
    from tamrl.maps.mean_year import bundled_means, mean_year
    from tamrl.towers.workspace import Workspace

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True)
    table = mean_year(Workspace.open(parser.parse_args().workspace).archive())
    table = table.astype(dict.fromkeys(("observed", "qc"), "float32") | {"month": "int8", "years": "int8"})
    table.round({"observed": 3, "qc": 2}).to_parquet(bundled_means(), index=False, compression="zstd")
    print(f"{bundled_means()}: {table['site'].nunique()} towers, {len(table)} means")


if __name__ == "__main__":
    main()
