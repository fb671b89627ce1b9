"""Are imported fluxes possible, and is GPP positive? Checked on samples of both hemispheres' summers."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.globe.stored import COUNTED, Tally
from tamrl.schema import FLUX_UNIT, variable

#: Fluxes that count one way: gross fluxes are positive.
_GROSS = ("GPP", "RECO")
#: Values below this say nothing of the sign, gC m-2 d-1; and how few values say nothing at all.
_LARGE, _ENOUGH = 0.1, 20
#: Share of negative values from which a gross flux is reversed, and from which it is doubtful.
_REVERSED, _DOUBTFUL = 0.9, 0.25
#: Share of impossible values from which a flux failed, and from which its unit must be wrong.
_MANY, _MOST = 0.01, 0.5


def check_fluxes(
    maps: xr.Dataset, samples: Sequence[xr.Dataset], stated: Collection[str], where: str
) -> tuple[xr.Dataset, list[xr.Dataset], list[str], set[str]]:
    """Return maps whose gross fluxes are positive, their samples likewise, remarks, and the fluxes that failed.

    Args:
        maps: fluxes in gC m-2 d-1.
        samples: loaded parts of them.
        stated: fluxes whose sign the user gave: they are never reversed.
        where: file, for messages.

    Raises:
        TamrlError: most values of a flux are impossible.
    """
    notes, failed, samples = [], set(), list(samples)
    for flux in (name for name in (*_GROSS, "NEE") if name in maps):
        values = np.concatenate([s[flux].values.ravel() for s in samples]) if samples else np.empty(0)
        values = values[np.isfinite(values)]
        if values.size < _ENOUGH:
            continue
        large = values[np.abs(values) > _LARGE]
        negative = float((large < 0).mean()) if flux in _GROSS and large.size >= _ENOUGH else 0.0
        if negative > _REVERSED and flux not in stated:
            maps, values = maps.assign({flux: -maps[flux]}), -values
            samples = [s.assign({flux: -s[flux]}) for s in samples]
            notes.append(f"{flux} was reversed to be positive: in the file it is negative nearly everywhere in summer.")
        elif negative > _DOUBTFUL:
            failed.add(flux)
            much = "nearly everywhere" if negative > _REVERSED else f"in {100 * negative:.0f} % of a sample"
            given = ", with the sign that was given" if flux in stated else ""
            notes.append(f"{flux} is negative {much} in summer{given}: check it, perhaps it needs the sign -1.")
        low, high = variable(flux).bounds
        # Of one with the wrong sign the size alone says whether the unit is right.
        size = np.abs(values) if flux in failed else values
        outside = float(((size < low) | (size > high)).mean())
        if outside > _MOST:
            raise TamrlError(
                f"{100 * outside:.0f} % of a sample of {flux} lie outside {low:g} to {high:g} {FLUX_UNIT} "
                f"(median {np.median(values):.4g})",
                where,
                "Declare the right unit of the values in a mapping",
            )
        if outside > _MANY:
            failed.add(flux)
            notes.append(
                f"{flux}: {100 * outside:.0f} % of a sample lie outside {low:g} to {high:g} {FLUX_UNIT}: check it."
            )
    return maps, samples, notes, failed


def counted(tallies: Sequence[Tally]) -> list[str]:
    """Return in words which of the sampled values were taken as missing."""
    total: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        total.update(tally.counts)
    return [
        f"{subject}: {count} of the {total[subject, 'seen']} values looked at {COUNTED[what]}."
        for (subject, what), count in sorted(total.items())
        if what in COUNTED
    ]
