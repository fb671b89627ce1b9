"""The network for many places at once: what ``tamrl.model.network`` computes zero-shot, near the speed of its LSTM.

What is the same for a whole series is worked into the weights: the modulation of the input goes into the embedding of
each place, a mask that does not change with time into its bias. The recurrence runs in pieces of time that hand over
their state, so that memory does not grow with the length of the series. Without labels the posterior of the site
effect is its prior, whose variance is a weighted sum of squares. Equality with the plain network is tested.

Dimensions: B places, T steps, D drivers, Z code, E embedding, H hidden, F fluxes with a head of their own, K members.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tamrl.config import ModelConfig
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import CLIP
from tamrl.model.network import Modulation
from tamrl.model.site_effect import season_features
from tamrl.model.task_encoder import TaskEncoder
from tamrl.model.training_towers import summarise

#: Steps that run through the recurrence at once: on a CPU what they need stays in the cache of a core.
STEPS_AT_ONCE, _ON_A_GPU = 64, 128
#: Places that run at once on a CPU; larger batches leave its cache and are slower.
PLACES_AT_ONCE = 64
#: Places that run at once on a GPU at most: with more it is no faster.
_MOST_PLACES = 32_768
#: How the recurrence may round: 24 bits; 11 bits in its products (GPUs alone); 8 bits.
PRECISIONS = ("float32", "tf32", "bfloat16")


class CellBatch(NamedTuple):
    """Drivers of B places.

    Attributes:
        drivers: (B, D, T) in physical units, NaN where missing.
        season: (T, 2) sine and cosine of the time of year.
        static: (B, A) shares of the classes.
    """

    drivers: Tensor
    season: Tensor
    static: Tensor


class Estimate(NamedTuple):
    """The estimate of an ensemble for B places.

    Attributes:
        mean: (3, T, B) GPP, RECO, NEE in gC m-2 d-1, mean over members.
        sd: (3, T, B) standard deviation of the estimate: between members and of the site effect.
        codes: (K, B, Z).
        summaries: (B, 2 D) of the drivers, see ``tamrl.model.training_towers.summarise``.
        members: (K, 3, T, B).
    """

    mean: Tensor
    sd: Tensor
    codes: Tensor
    summaries: Tensor
    members: Tensor


class _Mask:
    """Which drivers are present: (B, D, T), and apart those of which it changes with time."""

    def __init__(self, drivers: Tensor) -> None:
        self.present = torch.isfinite(drivers)
        count = self.present.sum(-1)
        steps = drivers.shape[-1]
        self.complete = bool((count == steps).all())
        #: (V,) drivers whose presence changes at some place.
        self.varying = torch.nonzero(((count > 0) & (count < steps)).any(0)).flatten()
        #: (B, D) presence of the others.
        self.constant = (count == steps).float()
        self.constant[:, self.varying] = 0
        self.series = self.present[:, self.varying].float()


def _normalised(member: Member, drivers: Tensor, mask: _Mask) -> Tensor:
    """Return (B, D, T) in the member's scales, 0 where masked."""
    scales = (member.normaliser.driver_mean, member.normaliser.driver_std)
    mean, std = (torch.from_numpy(v)[:, None].to(drivers.device) for v in scales)
    scaled = torch.sub(drivers, mean).div_(std).clamp_(-CLIP, CLIP)
    return scaled if mask.complete else scaled.nan_to_num_(0.0)


def _summaries(x: Tensor, mask: _Mask) -> Tensor:
    """Return what ``summarise`` does of normalised drivers (B, D, T), in fewer passes where none is missing."""
    if not mask.complete:
        return summarise(x.transpose(1, 2), mask.present.transpose(1, 2).float())
    mean = x.mean(-1)
    return torch.cat([mean, (x - mean[..., None]).square_().mean(-1).sqrt_()], 1)


def _binned(x: Tensor, size: int) -> Tensor:
    """Return sums (..., S) of bins of a series (..., T); the last bin may be short."""
    whole = x.shape[-1] // size * size
    sums = x[..., :whole].unflatten(-1, (-1, size)).sum(-1)
    return sums if whole == x.shape[-1] else torch.cat([sums, x[..., whole:].sum(-1, keepdim=True)], -1)


def _encode(encoder: TaskEncoder, x: Tensor, mask: _Mask, season: Tensor, static: Tensor, size: int) -> Tensor:
    """Return the codes (B, Z) that ``TaskEncoder`` reads from the same places without labels."""
    drivers = x.shape[1]
    sums, steps = _binned(x, size), _binned(x.new_ones(x.shape[-1]), size)
    count = mask.constant[..., None] * steps
    if len(mask.varying):
        count[:, mask.varying] = _binned(mask.series, size)
    weight = encoder.project.weight
    # The columns of labels read zeros.
    read = torch.cat([weight[:, : 2 * drivers], weight[:, -2:]], dim=1)
    waves = (_binned(season.T, size) / size).expand(len(x), -1, -1)
    series = torch.cat([sums / count.clamp(min=1), count / size, waves], dim=1).transpose(1, 2)
    states = encoder.recurrent(torch.tanh(functional.linear(series, read, encoder.project.bias)))[0]
    valid = (count.sum(1) > 0).float()
    pooled = torch.bmm(valid[:, None], states)[:, 0] / valid.sum(1, keepdim=True).clamp(min=1)
    unlabelled = pooled.new_zeros(len(pooled), encoder.label_project.out_features + 1)
    return encoder.head(torch.cat([pooled, unlabelled, static], dim=1))


def _run(
    member: Member, x: Tensor, mask: _Mask, modulation: Modulation, season: Tensor, spin_up: int, half: bool
) -> tuple[Tensor, Tensor]:
    """Return fluxes (3, T, B) in gC m-2 d-1 and the prior variance of the site effect, of the same shape."""
    forward, effect = member.model.forward_model, member.model.site_effect
    places, drivers, steps = x.shape
    scale = 1 + modulation.gamma_in
    of_value, of_mask = forward.embed.weight[:, :drivers], forward.embed.weight[:, drivers:]
    bias = (functional.linear(mask.constant, of_mask, forward.embed.bias) * scale + modulation.beta_in)[:, None]
    read = x
    if len(mask.varying):
        read, of_value = torch.cat([x, mask.series], 1), torch.cat([of_value, of_mask[:, mask.varying]], 1)
    weight = (of_value * scale[..., None]).transpose(1, 2)
    scale_out, heads = 1 + modulation.gamma_out, forward.head.out_features
    prior = None if effect is None else effect.log_sd.exp().square()
    raw, squares = x.new_empty(heads, steps, places), x.new_zeros(heads, steps, places)
    state = tuple(x.new_zeros(1, places, forward.recurrent.hidden_size) for _ in range(2))
    size = steps_at_once(x.device)
    pieces = [
        (start, min(start + size, end), run)
        for run, end in ((False, spin_up), (True, steps))
        for start in range(0, end, size)
    ]
    for start, stop, wanted in pieces:
        embedded = torch.baddbmm(bias, read[..., start:stop].transpose(1, 2), weight)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            states, state = forward.recurrent(functional.silu(embedded, inplace=True), state)
        if not wanted:
            continue
        states = states.to(x.dtype)
        flat = torch.addcmul(modulation.beta_out, states.transpose(0, 1), scale_out).flatten(0, 1)
        # Few rows times many columns: the other way round the product takes five times as long.
        raw[:, start:stop] = torch.mm(forward.head.weight, flat.T).view(heads, -1, places)
        if prior is not None:
            waves = prior.shape[1] - flat.shape[1]
            squares[:, start:stop] = torch.mm(prior[:, waves:], flat.square_().T).view(heads, -1, places)
    raw += forward.head.bias[:, None, None]
    if prior is not None:
        squares += (prior[:, :waves] @ season_features(season[None])[0].square().T)[..., None]
    return _fluxes(member, raw, squares)


def _fluxes(member: Member, raw: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
    """Return fluxes and variances (3, T, B) of the output of the heads and of the prior's squares, (F, T, B) each."""
    scale = member.model.forward_model.flux_scale[: len(raw), None, None]
    variance = squares.mul_(scale.square())
    gross = functional.softplus(raw[:2]).mul_(scale[:2])
    if len(raw) == 3:
        return torch.cat([gross, raw[2:] * scale[2:]]), variance
    return torch.cat([gross, gross[1:] - gross[:1]]), torch.cat([variance, variance.sum(0, keepdim=True)])


def steps_at_once(device: torch.device) -> int:
    """Return how many steps run through the recurrence at once."""
    return STEPS_AT_ONCE if device.type == "cpu" else _ON_A_GPU


def places_fitting(free: int, steps: int, config: ModelConfig, members: int) -> int:
    """Return how many places ``estimate`` can take at once, a whole number of ``PLACES_AT_ONCE``, at least one of them.

    Args:
        free: bytes of the device.
        steps: T.
        config: of the network.
        members: K.
    """
    drivers = len(config.drivers)
    # Drivers as they are, in the scales of a member, and where they are; of each member fluxes, their variances, and
    # both once more side by side; the mean and the deviation, and what they become.
    series = 4 * steps * (2 * drivers + 3 * 3 * members + 6 * 3) + steps * drivers
    piece = 4 * min(steps, _ON_A_GPU) * (2 * config.embed + 6 * config.hidden)
    fitting = min(_MOST_PLACES, free // (series + piece))
    return max(1, fitting // PLACES_AT_ONCE) * PLACES_AT_ONCE


@torch.inference_mode()
def estimate(ensemble: Ensemble, places: CellBatch, spin_up: int = 0, precision: str = "float32") -> Estimate:
    """Return the fluxes of B places zero-shot, each with the task embedding of its own drivers and classes.

    Args:
        ensemble: K members on the device of the places.
        places: B places of one time axis; ``PLACES_AT_ONCE`` are fastest on a CPU, on a GPU ``places_fitting``.
        spin_up: first steps that are run once before the series, so that the recurrence starts warm; the encoder
            reads the series alone.
        precision: of the recurrence, one of ``PRECISIONS``; all else is in 32 bits.
    """
    half = precision == "bfloat16"
    mask, size = _Mask(places.drivers), ensemble.config.model.encoder_bin
    codes, fluxes, variances, summaries = [], [], [], None
    for member in ensemble.members:
        x = _normalised(member, places.drivers, mask)
        if summaries is None:
            summaries = _summaries(x, mask)
        codes.append(_encode(member.model.encoder, x, mask, places.season, places.static, size))
        made = _run(member, x, mask, member.model.modulator(codes[-1]), places.season, spin_up, half)
        fluxes.append(made[0])
        variances.append(made[1])
    each = torch.stack(fluxes)
    mean, variance = each.mean(0), torch.zeros_like(each[0])
    for one, own in zip(fluxes, variances, strict=True):
        variance.add_((one - mean).square_(), alpha=1 / max(1, len(each) - 1)).add_(own, alpha=1 / len(each))
    assert summaries is not None  # an ensemble has members
    return Estimate(mean, variance.sqrt_(), torch.stack(codes), summaries, each)
