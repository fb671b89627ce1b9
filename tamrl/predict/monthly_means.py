"""What is known of a place by month, and the climate model adapted to it.

A user knows some of the twelve months of GPP, RECO and NEE at a place. The site effect, which is what adapts
the model (``tamrl.model.site_effect``), is learnt from GPP and RECO: the model has one head for each, and NEE is their
difference exactly. Two of the three give the third. NEE alone says nothing of the two: it can be shared out between
them only by an assumption, which the user has to want (``split``).
"""

import dataclasses
import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.landcover import tower_static
from tamrl.predict.endings import HIGH, LOW
from tamrl.schema import FLUX_UNIT, FLUXES, QC_VALID, variable
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.monthly import to_monthly

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble, Member

MONTHS = pd.RangeIndex(1, 13, name="month")
#: Where a month's value comes from.
GIVEN, BALANCE, SPLIT = "given", "balance", "split"
#: NEE may differ from RECO - GPP by this much before it is called out of balance, gC m-2 d-1.
_OUT_OF_BALANCE = 0.05
_FIX = "Give a CSV with the columns month[, year] and some of GPP, RECO and NEE in gC m-2 d-1"


def empty() -> pd.DataFrame:
    """Return a table (month) without values."""
    return pd.DataFrame(np.nan, index=MONTHS, columns=list(FLUXES), dtype=float)


def read_months(content: bytes | str, where: str = "the file") -> pd.DataFrame:
    """Read monthly fluxes from a CSV; months of several years are averaged.

    Args:
        content: CSV with columns ``month`` (1-12), optionally ``year``, and some of GPP, RECO, NEE [gC m-2 d-1]; lines
            that begin with ``#`` are passed over, -9999 and empty fields are missing.
        where: its name, for messages.

    Returns:
        DataFrame(month) of the three fluxes, missing where nothing is known; ``attrs["years"]`` is the largest number
        of years that a month is the mean of.

    Raises:
        TamrlError: it cannot be read, has no month or no flux, or a value that is out of bounds.
    """
    text = content.decode("utf-8-sig", errors="replace") if isinstance(content, bytes) else content
    try:
        table = pd.read_csv(io.StringIO(text), comment="#", na_values=[-9999], skipinitialspace=True)
    except (ValueError, pd.errors.ParserError) as error:
        raise TamrlError(f"The CSV cannot be read: {str(error).splitlines()[0]}", where, _FIX) from error
    table.columns = [str(c).strip() for c in table.columns]
    table = table.rename(columns={c: c.upper() if c.upper() in FLUXES else c.lower() for c in table.columns})
    known = [flux for flux in FLUXES if flux in table]
    if "month" not in table or not known or table.columns.duplicated().any():
        raise TamrlError(f"The columns are {', '.join(table.columns)}", where, _FIX)
    numbers = table[["month", *known]].apply(pd.to_numeric, errors="coerce")
    broken = table[["month", *known]].notna() & numbers.isna()
    if broken.to_numpy().any():
        row, column = np.argwhere(broken.to_numpy())[0]
        raise TamrlError(f"{table[['month', *known]].iloc[row, column]!r} is not a number", where, _FIX)
    if not numbers["month"].isin(MONTHS).all():
        raise TamrlError("A month is not one of 1 to 12", where, _FIX)
    grouped = numbers.astype({"month": int}).groupby("month")[known]
    found = check(empty().combine_first(grouped.mean())[list(FLUXES)], where)
    found.attrs["years"] = int(grouped.count().to_numpy().max(initial=0))
    return found


def months_of(tower: xr.Dataset) -> pd.DataFrame:
    """Return the mean year of a tower's record: the mean over years of its months of good quality.

    Args:
        tower: Dataset(time) of days or months.

    Returns:
        DataFrame(month) of the three fluxes; ``attrs["years"]`` as of ``read_months``.
    """
    months = tower[[*FLUXES, "NEE_QC"]]
    if step_of(tower) == TimeStep.DAILY:
        months = to_monthly(months.expand_dims("site")).isel(site=0)
    good = months[list(FLUXES)].where(months["NEE_QC"] >= QC_VALID)
    table = pd.DataFrame({flux: good[flux].values for flux in FLUXES}, index=good["time"].dt.month.values)
    grouped = table.groupby(level=0)
    found = grouped.mean().astype(float).reindex(MONTHS)
    found.attrs["years"] = int(grouped.count().to_numpy().max(initial=0))
    return found


def check(values: pd.DataFrame, where: str = "the table") -> pd.DataFrame:
    """Return monthly values unchanged where they are plausible.

    Raises:
        TamrlError: a value lies outside the bounds of its flux.
    """
    for flux in FLUXES:
        low, high = variable(flux).bounds
        outside = values[flux][(values[flux] < low) | (values[flux] > high)]
        if len(outside):
            todo = f"Give {flux} between {low} and {high} {FLUX_UNIT}, means of a day and grams of carbon, not of CO2"
            raise TamrlError(f"{flux} of month {outside.index[0]} is {outside.iloc[0]:g} {FLUX_UNIT}", where, todo)
    return values


def complete(values: pd.DataFrame) -> pd.DataFrame:
    """Return the months with the third flux where two are given, NEE = RECO - GPP; NEE follows where all three are.

    What was given stays ``given``, NEE too, unless it is out of balance with GPP and RECO, which are read instead.

    Args:
        values: (month) GPP, RECO, NEE, missing where not known.

    Returns:
        The same with the columns ``GPP_from``, ``RECO_from`` and ``NEE_from``: ``given``, ``balance``, or empty.
    """
    found = values.copy()
    for flux, other in (("GPP", found["RECO"] - found["NEE"]), ("RECO", found["GPP"] + found["NEE"])):
        found[f"{flux}_from"] = np.where(values[flux].notna(), GIVEN, np.where(other.notna(), BALANCE, ""))
        found[flux] = values[flux].fillna(other)
    both = found["GPP"].notna() & found["RECO"].notna()
    found.loc[both, "NEE"] = found["RECO"] - found["GPP"]
    kept = values["NEE"].notna() & ~values.index.isin(out_of_balance(values))
    found["NEE_from"] = np.where(kept, GIVEN, np.where(both, BALANCE, ""))
    return found


def alone(values: pd.DataFrame) -> list[int]:
    """Return the months of which NEE alone is given."""
    return list(values.index[values["NEE"].notna() & values["GPP"].isna() & values["RECO"].isna()])


def out_of_balance(values: pd.DataFrame) -> list[int]:
    """Return the months whose three given values do not keep NEE = RECO - GPP."""
    return list(values.index[(values["NEE"] - values["RECO"] + values["GPP"]).abs() > _OUT_OF_BALANCE])


def split(values: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """Return completed months in which a lone NEE is shared out between GPP and RECO by what the model expects.

    What NEE differs from the expected one is given to both in proportion to how uncertain the model is of each (their
    variances), which is the least-squares solution where their errors are independent; neither falls below zero. It is
    an assumption and no measurement: the errors of GPP and RECO often go together.

    Args:
        values: (month) of ``complete``.
        expected: (month) zero-shot ``GPP, RECO`` and ``GPP_spread, RECO_spread`` [gC m-2 d-1].
    """
    found = values.copy()
    months = alone(values)
    at = expected.loc[months]
    variance = {flux: at[f"{flux}_spread"] ** 2 for flux in ("GPP", "RECO")}
    whole = variance["GPP"] + variance["RECO"]
    share = (variance["RECO"] / whole).where(whole > 0, 0.5)
    net = values.loc[months, "NEE"]
    surprise = net - (at["RECO"] - at["GPP"])
    respiration = at["RECO"] + share * surprise
    # Neither is negative: RECO at least 0, and at least NEE, so that GPP = RECO - NEE is at least 0.
    respiration = np.maximum(respiration, np.maximum(net, 0))
    found.loc[months, "RECO"] = respiration
    found.loc[months, "GPP"] = respiration - net
    found.loc[months, ["GPP_from", "RECO_from"]] = SPLIT
    return found


def adapt_months(
    ensemble: "Ensemble",
    tower: xr.Dataset,
    values: pd.DataFrame,
    share_nee: bool = False,
    static: np.ndarray | None = None,
) -> pd.DataFrame:
    """Adapt the climate model to one cell from its known months, in closed form.

    Args:
        ensemble: with the monthly step and a site effect.
        tower: of ``tamrl.maps.cell.tower_of_cell``: its last year is the one that is shown and that the values are of.
        values: (month) GPP, RECO, NEE, missing where not known.
        share_nee: share out a lone NEE, see ``split``; else such months are passed over.
        static: (A,) classes that the model reads instead of the tower's own, see ``tamrl.maps.cell.static_of``.

    Returns:
        DataFrame(month): for each flux ``<flux>_before`` and ``<flux>_after`` with ``_spread`` (total standard
        deviation) and, where the model is calibrated, ``_low`` and ``_high`` (90 %); ``<flux>_known``, what was read;
        ``GPP_from``, ``RECO_from`` and ``NEE_from``, where it is from.

    Raises:
        TamrlError: no month has GPP or RECO, a value is out of bounds, or the model has no site effect.
    """
    from tamrl.predict.ensemble import add_intervals

    classes = tower_static(tower) if static is None else static
    before = add_intervals(ensemble, _with_effect(ensemble, tower, None, static), 0, classes)
    known = complete(check(values))
    if share_nee and alone(known):
        known = split(known, _by_month(before))
    read = known["GPP"].notna() | known["RECO"].notna()
    if not read.any():
        raise TamrlError(
            "No month has GPP or RECO, and NEE alone does not say which of the two it is from",
            str(tower.site.item()),
            "Give GPP or RECO of some month, or switch on sharing out NEE",
        )
    labelled = tower.copy(deep=True)
    for flux in FLUXES:
        labelled[flux].values[-12:] = known[flux].where(read).to_numpy(np.float32)
    labelled["NEE_QC"].values[-12:] = read.to_numpy(np.float32)
    support = pd.DatetimeIndex(tower["time"].values)[-12:][read.to_numpy()]
    after = add_intervals(ensemble, _with_effect(ensemble, labelled, support, static), len(support), classes)
    table = _named(_by_month(before), "before").join(_named(_by_month(after), "after"))
    table = table.join(known[list(FLUXES)].where(read, axis=0).add_suffix("_known"))
    return table.join(known[[f"{flux}_from" for flux in FLUXES]])


def _with_effect(
    ensemble: "Ensemble", tower: xr.Dataset, support: pd.DatetimeIndex | None, static: np.ndarray | None
) -> xr.Dataset:
    """Return what ``tamrl.predict.many.adapt_many`` makes of one support, of a tower whose classes may be a mixture."""
    import torch

    from tamrl.predict.ensemble import member_records, over_members, to_predictions, with_effect

    records = member_records(ensemble, tower)

    def one(index: int, member: "Member") -> tuple[np.ndarray, np.ndarray]:
        record = records[index]
        if static is not None:
            record = dataclasses.replace(record, static=torch.from_numpy(static))
        return with_effect(ensemble, member, record, support=support)

    fluxes, variances = zip(*over_members(ensemble, one), strict=True)
    return to_predictions(list(fluxes), pd.DatetimeIndex(tower["time"].values), list(variances))


def _named(table: pd.DataFrame, when: str) -> pd.DataFrame:
    """Return the columns ``GPP, GPP_low, ...`` as ``GPP_before, GPP_before_low, ...``."""
    return table.rename(columns=lambda c: f"{c.partition('_')[0]}_{when}{''.join(c.partition('_')[1:])}")


def _by_month(predictions: xr.Dataset) -> pd.DataFrame:
    """Return the last year of predictions (member, time) by month: mean, total spread, and intervals where known."""
    from tamrl.predict.ensemble import to_gaussian

    last = predictions.isel(time=slice(-12, None))
    made = to_gaussian(last)
    columns = {}
    for i, flux in enumerate(FLUXES):
        columns[flux] = made.mean[:, i]
        columns[f"{flux}_spread"] = made.spread[:, i]
        for ending in (LOW, HIGH):
            if flux + ending in last:
                columns[flux + ending] = last[flux + ending].values
    return pd.DataFrame(columns, index=MONTHS).astype(float)
