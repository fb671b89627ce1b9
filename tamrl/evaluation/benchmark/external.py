"""Towers outside the benchmark, scored once: the section of docs/benchmarks.md that `tamrl evaluate --docs` writes."""

from pathlib import Path

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.document import write_between
from tamrl.evaluation.benchmark.report import HARMED_COLUMN, markdown, shares, standings
from tamrl.evaluation.benchmark.runs import TAMRL
from tamrl.evaluation.labels import LABELS, label_of
from tamrl.evaluation.paired import compare
from tamrl.schema import FLUXES

DOCUMENT = "benchmarks.md"
BEGIN, END = "<!-- written by tamrl evaluate: begin -->", "<!-- written by tamrl evaluate: end -->"


def write_section(scores: pd.DataFrame, days: pd.DataFrame, said: list[str], docs: Path) -> Path:
    """Write the tables into ``docs/benchmarks.md``, between their markers.

    Args:
        scores: of ``tamrl.evaluation.held_out.evaluate``.
        days: likewise, which days were scored.
        said: sentences about the towers, the checkpoint and the inputs.
        docs: folder of the document.

    Raises:
        TamrlError: the document has no place for them, or TAM-RL was not scored.
    """
    daily = scores[scores["scale"] == "daily"]
    if not (daily["model"] == TAMRL).any():
        raise TamrlError("The document compares TAM-RL, which was not scored", "--models", "Score tamrl, too")
    towers = days[days["scored"]]["site"].nunique()
    parts = [" ".join([f"{towers} towers.", *said]), standings(daily), comparisons(daily)]
    return write_between(docs / DOCUMENT, BEGIN, END, "\n\n".join(parts))


def comparisons(daily: pd.DataFrame) -> str:
    """Return the paired RMSE of TAM-RL against each baseline zero-shot, and with support against none."""
    others = [(m, 0) for m in LABELS if m != TAMRL and ((daily["model"] == m) & (daily["shots"] == 0)).any()]
    pairs = [((TAMRL, 0), other) for other in others]
    pairs += [((TAMRL, int(s)), (TAMRL, 0)) for s in sorted(daily.loc[daily["model"] == TAMRL, "shots"].unique()) if s]
    rows = []
    for first, second in pairs:
        for r in sorted(compare(daily, first, second).to_dict("records"), key=lambda r: FLUXES.index(r["flux"])):
            rows.append(
                {
                    "TAM-RL": f"{first[1]} days" if first[1] else "zero-shot",
                    "against": "TAM-RL, zero-shot" if second[0] == TAMRL else label_of(second[0]),
                    "flux": r["flux"],
                    "towers": str(r["towers"]),
                    "RMSE, paired": f"{(r['paired'] - 1) * 100:+.1f} %",
                    "95 %": f"{(r['paired_low'] - 1) * 100:+.1f} to {(r['paired_high'] - 1) * 100:+.1f} %",
                    HARMED_COLUMN: shares(r),
                }
            )
    return markdown(rows)
