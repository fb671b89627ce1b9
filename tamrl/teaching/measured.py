"""Lesson 1: what a tower measures. A year of one tower, its days, its signs and its quality."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.schema import FLUXES, QC_VALID
from tamrl.teaching.marks import Mark

#: Tower -> the place in words, and the year that is opened first.
TOWERS = {
    "DE-Hai": ("Hainich, a beech forest in Germany", 2010),
    "US-Ne1": ("Mead, irrigated maize in Nebraska", 2006),
    "AU-DaS": ("Daly River, a savanna in northern Australia", 2011),
}
#: GPP [gC m-2 d-1] from which a day counts as one of clear photosynthesis.
CLEAR_GPP = 2.0
#: Mean NEE of two sets of days within this [gC m-2 d-1] are called equal.
SAME = 0.05
#: How far a computed NEE may be off [gC m-2 d-1]: GPP and RECO are shown with two decimals.
ROUNDING = 0.021
SIGNS = {"negative": "negative", "zero": "about zero", "positive": "positive"}
CHANGES = {"lower": "more negative", "same": "the same", "higher": "less negative, or positive"}


@dataclass(frozen=True, kw_only=True)
class Year:
    """One calendar year of a tower.

    Attributes:
        site: tower.
        days: DataFrame(date) of GPP, RECO and NEE [gC m-2 d-1] and ``NEE_QC`` [1].
    """

    site: str
    days: pd.DataFrame

    @property
    def missing(self) -> int:
        """Days without NEE."""
        return int(self.days["NEE"].isna().sum())

    @property
    def negative_gpp(self) -> int:
        """Days with a GPP below zero, which no plant has."""
        return int((self.days["GPP"] < 0).sum())

    def kept(self, threshold: float) -> np.ndarray:
        """Return which days have NEE of at least this quality, (D,) bool."""
        return (self.days["NEE"].notna() & (self.days["NEE_QC"] >= threshold)).to_numpy()

    def means(self, threshold: float) -> tuple[float, float]:
        """Return the mean NEE of all days, and of the days of at least this quality [gC m-2 d-1]; NaN of none."""
        nee = self.days["NEE"]
        return float(nee.mean()), float(nee[self.kept(threshold)].mean())

    def sources(self) -> pd.DatetimeIndex:
        """Return the valid days on which carbon was lost although there was clear photosynthesis."""
        days = self.days
        return days.index[self.kept(QC_VALID) & (days["NEE"] > 0) & (days["GPP"] >= CLEAR_GPP)]


def full_years(tower: xr.Dataset) -> list[int]:
    """Return the calendar years of a record that it holds whole and that have valid days, in order."""
    time = pd.DatetimeIndex(tower["time"].values)
    valid = np.isfinite(tower["NEE"].values) & (tower["NEE_QC"].values >= QC_VALID)
    counts = pd.Series(valid, time).groupby(time.year).agg(["size", "sum"])
    return [int(year) for year in counts.index[(counts["size"] >= 365) & (counts["sum"] > 0)]]


def year_of(tower: xr.Dataset, year: int) -> Year:
    """Return one calendar year of a record.

    Raises:
        TamrlError: the record does not hold it.
    """
    time = pd.DatetimeIndex(tower["time"].values)
    inside = time.year == year
    site = str(tower["site"].item())
    if not inside.any():
        raise TamrlError(f"The record has no day of {year}", site, f"Choose a year from {time[0].year} on")
    values = {name: tower[name].values[inside].astype(float) for name in (*FLUXES, "NEE_QC")}
    return Year(site=site, days=pd.DataFrame(values, index=time[inside]))


def mark_sign(record: Year, month: int, chosen: str) -> Mark:
    """Return whether the mean NEE of the valid days of a month has the sign that the student expects.

    Args:
        record: a year.
        month: 1-12.
        chosen: a key of ``SIGNS``.
    """
    days = record.days[record.kept(QC_VALID)]
    mean = float(days.loc[days.index.month == month, "NEE"].mean())
    truth = "zero" if abs(mean) < SAME else "negative" if mean < 0 else "positive"
    return Mark(
        answer=SIGNS[chosen],
        correct=chosen == truth,
        value=mean,
        said=f"Measured: {_signed(mean)} gC m⁻² d⁻¹ on average, so {SIGNS[truth]}.",
    )


def mark_source_day(record: Year, day: pd.Timestamp) -> Mark:
    """Return whether a day is a valid one on which carbon was lost in spite of clear photosynthesis."""
    row, good = record.days.loc[day], record.kept(QC_VALID)[record.days.index.get_loc(day)]
    found = day in record.sources()
    parts = [f"On {day:%d %B %Y} GPP was {_number(row['GPP'])}, RECO {_number(row['RECO'])} gC m⁻² d⁻¹."]
    if found:
        parts.append("More was respired than taken up, on a measured day. That is what you were asked for.")
    elif not good:
        parts.append(
            f"But QC is {row['NEE_QC']:.2f}: most of this day was filled in. Choose a day of QC ≥ {QC_VALID:g}."
        )
    elif row["GPP"] < CLEAR_GPP:
        parts.append(f"There is next to no photosynthesis. Find a day with a GPP of at least {CLEAR_GPP:g}.")
    else:
        parts.append("Uptake was larger than respiration, so the ecosystem gained carbon. Look for a dull, warm day.")
    return Mark(answer=f"{day:%Y-%m-%d}", correct=found, value=float(row["NEE"]), said=" ".join(parts))


def mark_nee(record: Year, day: pd.Timestamp, typed: float) -> Mark:
    """Return whether a typed NEE [gC m-2 d-1] is RECO minus GPP of the day, sign included."""
    gpp, reco = (float(record.days.at[day, name]) for name in ("GPP", "RECO"))
    truth = reco - gpp
    right = abs(typed - truth) <= ROUNDING
    # So many digits that what is shown adds up.
    sums = (d for d in range(2, 6) if f"{round(reco, d) - round(gpp, d):.{d}f}" == f"{truth:.{d}f}")
    digits = next(sums, 6)
    said = f"NEE = RECO − GPP = {_number(reco, digits)} − {_number(gpp, digits)} = {_signed(truth, digits)} gC m⁻² d⁻¹."
    if not right and abs(typed + truth) <= ROUNDING:
        said = f"The size is right, the sign is not. {said} The sign is that of the atmosphere: it gains if NEE > 0."
    return Mark(answer=f"{typed:.2f}", correct=right, value=truth, said=said)


def mark_selection(record: Year, chosen: str) -> Mark:
    """Return whether the mean NEE moves as expected once only valid days are averaged.

    Args:
        record: a year.
        chosen: a key of ``CHANGES``.
    """
    everything, valid = record.means(QC_VALID)
    moved = valid - everything
    truth = "same" if abs(moved) <= SAME else "lower" if moved < 0 else "higher"
    lost = int((~record.kept(QC_VALID)).sum())
    said = (
        f"All days: {_signed(everything)}. Valid days: {_signed(valid)} gC m⁻² d⁻¹, so {CHANGES[truth]}. "
        f"The {lost} days that drop out are not a random sample of the year."
    )
    return Mark(answer=CHANGES[chosen], correct=chosen == truth, value=moved, said=said)


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")
