"""Build assets/fluxnet2015, the workspace the app opens with: the 163 open towers of FLUXNET2015 (CC-BY-4.0).

    python assets/build_fluxnet2015.py --source FLUXNET2015

SOURCE holds ``daily.parquet``, ``monthly.parquet``, ``sites.csv`` and ``citations.csv``, whose origin and licence
assets/PROVENANCE.md tells. The towers go through ``tamrl ingest`` like any other; what it rejected, converted and
derived is in the provenance and, a tower at a time, on the page Towers.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import yaml  # noqa: E402

from tamrl.bundled import bundled_workspaces  # noqa: E402
from tamrl.system.storage import locked, swap_in  # noqa: E402
from tamrl.towers.archive import load_archive, save_archive  # noqa: E402

NAME = "FLUXNET2015"
#: The tower that the lab opens with; see tamrl/app/lab/stories.yaml.
EXAMPLE = "US-Ne1"

NOTICE = """# FLUXNET2015, {towers} towers

Daily fluxes and drivers of the {towers} towers of FLUXNET2015 that are shared under CC-BY-4.0
(https://creativecommons.org/licenses/by/4.0/): Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3. Cite it, and each
tower that is used by its DOI in `citations.csv`; the app and everything that it exports name them.

**Sources.** Fluxes and meteorology: daily means and sums of the half-hourly FLUXNET2015 archive (EXCITED-CO2,
zarr-fluxnet2015). LAI, EVI and precipitation, monthly: MODIS (NASA, no restrictions) and the towers, as collected by
Nathaniel et al. 2023, doi:10.1038/s41597-023-02349-y (leap-stc/metaflux, MIT), with the months of LAI and EVI in order.
Positions and classes: FLUXNET2015 and Beck et al. 2023, doi:10.1038/s41597-023-02549-6 (EcosystemEcologyLab, MIT).

**Changed.** Variables were converted to the project's units and names, values outside physical bounds set to missing,
monthly drivers put on days, and RECO = NEE + GPP; the last account is in `provenance.json`. Made by
`python assets/build_fluxnet2015.py`. These are not the files as published: for work of your own take those from
https://fluxnet.org.
"""


def name_source(path: Path) -> None:
    """Let the archive and each of its towers name FLUXNET2015 as their source, not the table they came in."""
    ds = load_archive(path).load()
    ds.attrs |= {"source": f"{NAME}, Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3", "license": "CC-BY-4.0"}
    save_archive(ds.assign_coords(source=("site", [NAME] * ds.sizes["site"])), path)


def main() -> None:
    """Ingest the towers and move the workspace into place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="folder with the tables of the towers")
    args = parser.parse_args()
    target = bundled_workspaces()["fluxnet2015"]
    with tempfile.TemporaryDirectory() as folder:
        made, source = Path(folder) / "fluxnet2015", Path(folder) / "source"
        # By a link with a plain name, so that the provenance names no folder of this machine.
        source.symlink_to(args.source.resolve(), target_is_directory=True)
        command = [sys.executable, "-m", "tamrl", "ingest", "source/", "--workspace", str(made)]
        done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, check=False)
        if done.returncode > 1 or not (made / "archive.zarr").is_dir():
            sys.exit(done.returncode or 1)
        marker = made / "workspace.yaml"
        content = yaml.safe_load(marker.read_text(encoding="utf-8")) | {"name": NAME, "example": EXAMPLE}
        marker.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        towers = len((made / "citations.csv").read_text(encoding="utf-8").splitlines()) - 1
        (made / "README.md").write_text(NOTICE.format(towers=towers), encoding="utf-8")
        name_source(made / "archive.zarr")
        with locked(target):
            swap_in(target, lambda new: shutil.copytree(made, new, ignore=shutil.ignore_patterns(".*")))


if __name__ == "__main__":
    main()
