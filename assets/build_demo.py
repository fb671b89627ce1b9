"""Build assets/demo, the bundled workspace of SIMULATED towers, with its checkpoint.

Run ``python assets/build_demo.py`` (minutes on 2 cores), or ``--archive-only`` (seconds), which keeps the checkpoint.
Everything is made in a temporary folder by the commands ``simulate`` and ``train`` and then moved into place.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tamrl.system.storage import locked, swap_in  # noqa: E402

DEMO = ROOT / "assets" / "demo"
#: Towers the demo's model has never seen, for the few-shot lab: one of each common class.
HELD_OUT = ROOT / "assets" / "demo-held-out.txt"
#: The tower of those that the lab opens with: one that a few days help in every flux.
EXAMPLE = "XS-EN4"
SEED = 56


def run(*arguments: object) -> None:
    """Run one command of the project's command line."""
    subprocess.run([sys.executable, "-m", "tamrl", *(str(a) for a in arguments)], check=True, cwd=ROOT)


def main() -> None:
    """Build the workspace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive-only", action="store_true", help="keep the checkpoint that is there")
    parser.add_argument("--members", type=int, default=3, help="of the ensemble; default: %(default)s")
    parser.add_argument("--towers", type=int, default=40, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=DEMO, help="folder to replace; default: the bundled workspace")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "demo"
        run("simulate", "--workspace", made, "--towers", args.towers, "--seed", SEED)
        model = made / "models" / "demo"
        if args.archive_only:
            if (args.out / "models").is_dir():
                shutil.copytree(args.out / "models", made / "models", dirs_exist_ok=True)
        else:
            held_out = ("--exclude-sites", HELD_OUT)
            run("train", "--workspace", made, "--out", model, "--members", args.members, "--seed", SEED, *held_out)
        with (made / "workspace.yaml").open("a", encoding="utf-8") as file:
            file.write(f"example: {EXAMPLE}\n")
        # A build that is killed leaves the old workspace or the new one.
        with locked(args.out):
            swap_in(args.out, lambda new: shutil.copytree(made, new, ignore=shutil.ignore_patterns(".*")))


if __name__ == "__main__":
    main()
