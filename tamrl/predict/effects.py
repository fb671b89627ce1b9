"""Task embeddings, states and site effects of one member at several towers at once, padded to the longest record.

The recurrence runs forward in time, so that padding at the end of a record changes nothing before it.

Dimensions: B towers, T days of the longest record, S support days of the longest support, H hidden.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tamrl.errors import TamrlError
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import Support, TowerRecord, tower_support
from tamrl.model.site_effect import Effect


@torch.no_grad()
def codes(
    ensemble: Ensemble,
    member: Member,
    records: Sequence[TowerRecord],
    labels: Sequence[pd.DatetimeIndex | None] | None = None,
) -> Tensor:
    """Return the task embeddings (B, Z) of towers; fluxes are read on the days of ``labels`` alone, by default none."""
    scale, bins = member.model.forward_model.flux_scale.cpu(), ensemble.config.model.encoder_bin
    days = labels or [None] * len(records)
    each = [tower_support(record, own, scale, bins) for record, own in zip(records, days, strict=True)]
    if len(each) == 1:
        return member.model.encoder(each[0].to(ensemble.device))
    padded = Support(
        *(pad_sequence([part[0] for part in parts], batch_first=True) for parts in zip(*map(_parts, each), strict=True))
    )
    lengths = torch.tensor([one.series.shape[1] for one in each])
    return member.model.encoder(padded.to(ensemble.device), lengths)


def _parts(support: Support) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return support.series, support.valid, support.labelled, support.static


def padded(records: Sequence[TowerRecord], name: str, device: torch.device) -> Tensor:
    """Return one tensor of each record, (B, T, ...), zero past its end."""
    return pad_sequence([getattr(record, name) for record in records], batch_first=True).to(device)


@torch.no_grad()
def posteriors(
    member: Member, records: Sequence[TowerRecord], states: Tensor, supports: Sequence[pd.DatetimeIndex | None]
) -> Effect | None:
    """Return the site effects that the supports of B towers show; None where the model has none.

    Args:
        member: of an ensemble.
        records: of the towers.
        states: (B, T, H) modulated.
        supports: of each tower; None is the prior.

    Raises:
        TamrlError: a support is given to a model that was trained without a site effect.
    """
    if member.model.site_effect is None:
        if any(support is not None and len(support) for support in supports):
            raise TamrlError(
                "This model was trained without a site effect", "method", "Choose modulation or encode, or train again"
            )
        return None
    # Other days than those of the support have no say.
    days = [
        torch.from_numpy(np.flatnonzero(record.time.isin(support if support is not None else [])))
        for record, support in zip(records, supports, strict=True)
    ]

    def shown(values: list[Tensor]) -> Tensor:
        parts = [value[own] for value, own in zip(values, days, strict=True)]
        return pad_sequence(parts, batch_first=True).to(states.device)

    season, fluxes = (shown([getattr(record, name) for record in records]) for name in ("season", "fluxes"))
    seen = shown([(record.weight > 0).float() for record in records])
    index = pad_sequence(days, batch_first=True).to(states.device)
    chosen = states.gather(1, index[..., None].expand(-1, -1, states.shape[2]))
    return member.model.effect(chosen, season, fluxes, seen)[1]


@torch.no_grad()
def under_effects(
    member: Member, records: Sequence[TowerRecord], states: Tensor, effect: Effect | None, variances: bool = True
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the fluxes (T, 3) of each tower under the effect of its site, gC m-2 d-1, and their variance.

    Args:
        member: of an ensemble.
        records: of the B towers.
        states: (B, T, H) modulated.
        effect: of each; None leaves the fluxes as they are, with a variance of zero.
        variances: whether they are wanted, a third of the work; else they are NaN.
    """
    if effect is None:
        found = member.model.forward_model.raw_fluxes(states)
        variance = torch.zeros_like(found)
    else:
        season = padded(records, "season", states.device)
        found = member.model.under_effect(states, season, effect)
        variance = torch.full_like(found, torch.nan)
        if variances:
            variance = member.model.effect_variance(states, season, effect)
    made = (part.cpu().numpy() for part in (found, variance))
    return [(f[: len(r.time)], v[: len(r.time)]) for r, f, v in zip(records, *made, strict=True)]
