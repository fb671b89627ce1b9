"""Kill what the project runs at random moments, spoil what it reads and where it writes, and count what was lost.

    python -m benchmarks.reliability --kills 20 --write

The table goes between markers into docs/reliability.md. For Linux; a full disk and a read-only folder need root.
"""

import argparse
import os
import platform
import random
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from benchmarks import faults, trials  # noqa: E402
from benchmarks.killing import difference, digest, first_write, kill_within, looks, start  # noqa: E402
from benchmarks.trials import Place, Trial  # noqa: E402
from tamrl.evaluation.benchmark.document import write_between  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- reliability: begin -->", "<!-- reliability: end -->"


@dataclass
class Count:
    """What happened to one kind of process.

    Attributes:
        name: of the trial.
        asked: kills that were asked for.
        killed: kills that hit a running process.
        late: attempts where the process had ended before.
        lost: after how many a reader found something lost or half-written.
        resumed: how many went on to the same bytes as an undisturbed run.
        first: what was wrong first.
        cpu: seconds of processor time.
    """

    name: str
    asked: int
    killed: int = 0
    late: int = 0
    lost: int = 0
    resumed: int = 0
    first: str = ""
    cpu: float = 0.0


def cpu() -> float:
    """Return the processor time of this process and of those that it waited for [s]."""
    return sum(
        resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


class Bench:
    """Runs the trials in a folder for temporary files.

    Args:
        base: what ``trials.prepare`` made.
        scratch: where attempts work.
        kills: of each kind.
        seed: of the moments.
        most_cpu: seconds of processor time of one trial, after which no further kill is begun.
    """

    def __init__(self, base: Path, scratch: Path, kills: int, seed: int, most_cpu: float) -> None:
        self.base, self.scratch, self.kills, self.most_cpu = base, scratch, kills, most_cpu
        self.seed = seed

    def place(self, trial: Trial, number: int) -> Place:
        """Return a fresh place to work in, with what the trial goes on from."""
        there = self.scratch / f"{number}"
        shutil.rmtree(there, ignore_errors=True)
        if (self.base / "from" / trial.name).is_dir():
            shutil.copytree(self.base / "from" / trial.name, there)
        else:
            there.mkdir(parents=True)
        log = self.scratch / f"{number}.log"
        log.write_text("")
        return Place(there, log)

    def ready_for_ingest(self) -> Path:
        """Return a workspace of some towers, made once."""
        there = self.base / "from" / "ingest"
        if not there.exists():
            log = self.scratch / "ready.log"
            if start(trials.tamrl("ingest", self.base / "first", "--workspace", there), log).wait():
                raise RuntimeError(f"the first ingest failed:\n{log.read_text()}")
        return there

    def ready(self, trial: Trial) -> None:
        """Make what a trial goes on from, where that is more than an empty folder."""
        there = self.base / "from" / trial.name
        if trial.name.startswith("ingest"):
            shutil.copytree(self.ready_for_ingest(), there)
        elif trial.name.startswith("build"):
            shutil.copytree(self.base / "workspace", there / "demo")

    def undisturbed(self, trial: Trial) -> tuple[tuple[float, float], dict[str, str]]:
        """Run a trial to its end; return the seconds before and after its first write, and what it made."""
        place = self.place(trial, 0)
        before = looks(place.there)
        run = trial.begin(place)
        waited = first_write(run, place.there, before)
        began = time.monotonic()
        if trial.name.startswith("server"):
            while not (place.there / "done").exists():
                time.sleep(0.01)
            took = time.monotonic() - began
            (place.there / "done").unlink()
            run.kill()
        else:
            run.wait()
            took = time.monotonic() - began
            if run.code:
                raise RuntimeError(f"{trial.name} fails without a kill:\n{run.said()[-3000:]}")
        return (waited, took), digest(place.there / trial.result, trial.ignore)

    def run(self, trial: Trial) -> Count:
        """Kill a trial as often as asked, and count."""
        count, began = Count(trial.name, self.kills), cpu()
        self.ready(trial)
        times, expected = self.undisturbed(trial)
        again = digest(self.undisturbed_again(trial).there / trial.result, trial.ignore)
        if differs := difference(again, expected):
            count.first = f"two undisturbed runs differ: {differs}"
        chance = random.Random(f"{self.seed} {trial.name}")
        attempt = 0
        while count.killed < self.kills and attempt < 3 * self.kills and cpu() - began < self.most_cpu:
            attempt += 1
            place = self.place(trial, attempt)
            run = trial.begin(place)
            if not kill_within(run, place.there, times, chance, trial.worker):
                run.kill()
                count.late += 1
                shutil.rmtree(place.there)
                continue
            count.killed += 1
            self.judge(trial, place, expected, count)
            shutil.rmtree(place.there, ignore_errors=True)
        count.cpu = cpu() - began
        return count

    def undisturbed_again(self, trial: Trial) -> Place:
        """Run what a user does after a kill, where nothing was killed."""
        place = self.place(trial, 1)
        trial.resume(place).wait()
        return place

    def judge(self, trial: Trial, place: Place, expected: dict[str, str], count: Count) -> None:
        """Look at what a kill left, and at what comes of going on."""

        def look() -> int:
            wrong = trial.sound(place)
            if wrong:
                sys.stdout.write(f"UNSOUND {wrong}\n")
            return 1 if wrong else 0

        log = place.log.with_suffix(".look")
        log.write_text("")
        looked = start(look, log)
        if looked.wait():
            count.lost += 1
            count.first = count.first or f"after the kill: {looked.said()[-300:].strip()}"
        run = trial.resume(place)
        if run.wait():
            count.first = count.first or f"going on failed: {run.said()[-300:].strip()}"
            return
        differs = difference(digest(place.there / trial.result, trial.ignore), expected)
        if differs:
            count.first = count.first or f"after going on: {differs}"
            return
        count.resumed += 1


def table(counts: list[Count], found: list["faults.Outcome"], seed: int, took: float) -> str:
    """Return what was counted, in Markdown."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    lines = [
        f"Made by `python -m benchmarks.reliability`, {when}, Python {platform.python_version()}, {platform.system()}, "
        f"{os.cpu_count()} cores, seed {seed}, {took / 60:.0f} minutes of processor time.",
        "",
        "| What was killed | Kills asked | Kills | Ended before | Lost or half-written | Same bytes after going on |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [f"| {c.name} | {c.asked} | {c.killed} | {c.late} | {c.lost} | {c.resumed} |" for c in counts]
    notes = [f"- {c.name}: {c.first}" for c in counts if c.first]
    notes += [f"- {f.fault}, {f.where}: see the table of faults" for f in found if f.wrong]
    lines += ["", "What was wrong:" if notes else "Nothing was wrong.", *(["", *notes] if notes else []), ""]
    lines += ["| Fault | Where | Message | Nothing changed |", "|---|---|---|---|"]
    lines += [f"| {f.fault} | {f.where} | {f.said} | {f.untouched} |" for f in found]
    return "\n".join(lines)


def main() -> int:
    """Run what the command line asks for; the exit status is 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="of each kind; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the moments; default: %(default)s")
    parser.add_argument("--minutes", type=float, default=60, help="processor time of all kills; default: %(default)s")
    parser.add_argument("--nice", type=int, default=10, help="priority, as of nice; default: %(default)s")
    parser.add_argument("--only", help="names of trials to run begin with this")
    parser.add_argument("--write", action="store_true", help=f"write the table into {DOCUMENT.relative_to(ROOT)}")
    args = parser.parse_args()
    if args.only and args.write:
        parser.error("--write writes the table anew: it would lose the trials that --only leaves out")
    os.nice(args.nice)
    with tempfile.TemporaryDirectory(prefix="tamrl-reliability-") as folder:
        base, scratch = Path(folder) / "base", Path(folder) / "scratch"
        scratch.mkdir()
        base.mkdir()
        trials.preload()
        if start(lambda: trials.prepare(base), scratch / "prepare.log").wait():
            sys.stdout.write((scratch / "prepare.log").read_text())
            return 1
        chosen = [trial for trial in trials.of(base) if not args.only or trial.name.startswith(args.only)]
        bench = Bench(base, scratch, args.kills, args.seed, 60 * args.minutes / max(1, len(chosen)))
        counts: list[Count] = []
        found: list[faults.Outcome] = []

        def tell() -> str:
            text = table(counts, found, args.seed, cpu())
            if args.write:
                write_between(DOCUMENT, BEGIN, END, text)
            return text

        if not args.only:
            found = faults.run(base, scratch, bench.ready_for_ingest())
            tell()
        for trial in chosen:
            counts.append(bench.run(trial))
            sys.stdout.write(f"{counts[-1]}\n")
            sys.stdout.flush()
            tell()  # a run that is broken off leaves what it has counted
        sys.stdout.write(tell() + "\n")
    wrong = any(c.first or c.lost or c.resumed < c.killed for c in counts) or any(f.wrong for f in found)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
