"""The TAM-RL network: modulator, forward model, decoder, and all of it with the task encoder and the site effect.

Rozanov, Renganathan and Kumar (2026), arXiv:2603.09974; Renganathan et al. (2025), arXiv:2310.04727.
FiLM: Perez et al. (2018), arXiv:1709.07871.

Dimensions: B batch, T days, D drivers, A static inputs, Z code, E embedding, H hidden.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tamrl.config import ModelConfig
from tamrl.landcover import STATIC_SIZE
from tamrl.model.dropout import Dropout
from tamrl.model.inputs import Support
from tamrl.model.readout import read_out
from tamrl.model.site_effect import Effect, SiteEffect, season_features
from tamrl.model.task_encoder import TaskEncoder
from tamrl.timestep import DAYS_PER_MONTH, TimeStep

#: Months of the mean seasonal cycle that the decoder reconstructs.
MONTHS = 12


class Modulation(NamedTuple):
    """Scales and shifts of one place; all zeros is the plain forward model.

    Attributes:
        gamma_in: (B, E) scale of the input embedding, minus one.
        beta_in: (B, E) shift of the input embedding.
        gamma_out: (B, H) scale of the recurrent output, minus one.
        beta_out: (B, H) shift of the recurrent output.
    """

    gamma_in: Tensor
    beta_in: Tensor
    gamma_out: Tensor
    beta_out: Tensor


class Modulator(nn.Module):
    """Turns a task embedding into FiLM scales and shifts; zero-initialised, so training starts at identity."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.sizes = [config.embed, config.embed, config.hidden, config.hidden]
        self.linear = None
        if config.modulation:
            self.linear = nn.Linear(config.code, sum(self.sizes))
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def forward(self, code: Tensor) -> Modulation:
        """Return the modulation of codes (B, Z)."""
        flat = code.new_zeros(len(code), sum(self.sizes)) if self.linear is None else self.linear(code)
        return Modulation(*flat.split(self.sizes, dim=1))


class ForwardModel(nn.Module):
    """LSTM from drivers to fluxes, shared by all places."""

    flux_scale: Tensor

    def __init__(self, config: ModelConfig, flux_scale: Tensor) -> None:
        super().__init__()
        drivers = len(config.drivers)
        self.hard = config.balance == "hard"
        #: Whether the recurrence runs in bfloat16 in training (``tamrl.system.device.fast_bfloat16``).
        self.half_precision = False
        self.embed = nn.Linear(2 * drivers, config.embed)
        self.recurrent = nn.LSTM(config.embed, config.hidden, batch_first=True)
        self.dropout = Dropout(config.dropout)
        self.head = nn.Linear(config.hidden, 2 if self.hard else 3)
        self.register_buffer("flux_scale", flux_scale)

    def embedding(self, drivers: Tensor, mask: Tensor, modulation: Modulation | None = None) -> Tensor:
        """Return (B, T, E), modulated where a modulation is given; a masked driver enters as zero with its mask."""
        x = torch.cat([drivers * mask, mask], dim=-1)
        if modulation is None:
            return self.embed(x)
        # Worked into the weights of each place, it costs no pass over the series, forward or backward.
        scale = 1 + modulation.gamma_in
        bias = torch.addcmul(modulation.beta_in, self.embed.bias, scale)
        return torch.baddbmm(bias[:, None], x, self.embed.weight.T * scale[:, None])

    def forward(self, drivers: Tensor, mask: Tensor, modulation: Modulation | None = None) -> Tensor:
        """Return GPP, RECO, NEE.

        Args:
            drivers: (B, T, D) normalised.
            mask: (B, T, D) 1 where present.
            modulation: of each place; None is the plain forward model.

        Returns:
            (B, T, 3) gC m-2 d-1. With the hard balance NEE is exactly RECO - GPP.
        """
        return self.fluxes(self.states(drivers, mask, modulation))

    def states(self, drivers: Tensor, mask: Tensor, modulation: Modulation | None = None) -> Tensor:
        """Return the modulated recurrent states (B, T, H)."""
        half = self.half_precision and self.training
        embedded = self.embedding(drivers, mask, modulation)
        # Day by day in memory, as the recurrence and its gradients are, so that no later pass goes across.
        x = functional.silu(embedded.transpose(0, 1).contiguous()).transpose(0, 1)
        with torch.autocast(drivers.device.type, dtype=torch.bfloat16, enabled=half):
            states = self.recurrent(x)[0]
        states = states.to(x.dtype)
        if modulation is not None:
            states = torch.addcmul(modulation.beta_out[:, None], states, 1 + modulation.gamma_out[:, None])
        return states

    def fluxes(self, states: Tensor) -> Tensor:
        """Return (B, T, 3) fluxes of modulated states (B, T, H)."""
        return self.raw_fluxes(self.dropout(states))

    def raw_fluxes(self, states: Tensor) -> Tensor:
        """Return (B, T, 3) fluxes of modulated states (B, T, H), without dropout."""
        # The recurrence leaves the states day by day in memory; in the order of places they would be copied.
        by_day = not states.is_contiguous()
        return self.scaled(self.head(states.transpose(0, 1)).transpose(0, 1) if by_day else self.head(states))

    def scaled(self, raw: Tensor) -> Tensor:
        """Return (B, T, 3) fluxes in gC m-2 d-1 of the output of the heads (B, T, F)."""
        gross = functional.softplus(raw[..., :2]) * self.flux_scale[:2]
        return self._balanced(gross, None if self.hard else raw[..., 2:] * self.flux_scale[2])

    def corrected(self, fluxes: Tensor, correction: Tensor) -> Tensor:
        """Return (B, T, 3) fluxes plus the effect of their site.

        Args:
            fluxes: (B, T, 3) gC m-2 d-1.
            correction: (B, T, F) of the fluxes with a head of their own, in units of the flux scale.
        """
        moved = fluxes[..., : correction.shape[-1]] + correction * self.flux_scale[: correction.shape[-1]]
        # In training a flux below zero must still feel its gradient.
        gross = moved[..., :2] if self.training else moved[..., :2].clamp(min=0)
        return self._balanced(gross, None if self.hard else moved[..., 2:])

    def _balanced(self, gross: Tensor, net: Tensor | None) -> Tensor:
        """Return GPP, RECO, NEE; the balance closes exactly where NEE has no head of its own."""
        return torch.cat([gross, gross[..., 1:] - gross[..., :1] if net is None else net], dim=-1)


class Decoder(nn.Module):
    """Reconstructs the mean seasonal cycle of the drivers and the classes from the code."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.drivers = len(config.drivers)
        self.layers = nn.Sequential(
            nn.Linear(config.code, 64), nn.SiLU(), nn.Linear(64, MONTHS * self.drivers + STATIC_SIZE)
        )

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return the monthly driver means (B, 12, D) and the class logits (B, A)."""
        out = self.layers(code)
        return out[:, : MONTHS * self.drivers].view(-1, MONTHS, self.drivers), out[:, MONTHS * self.drivers :]


class TAMRL(nn.Module):
    """The whole network of one ensemble member.

    Args:
        config: shape.
        flux_scale: (3,) gC m-2 d-1.
    """

    def __init__(self, config: ModelConfig, flux_scale: Tensor) -> None:
        super().__init__()
        self.config = config
        self.encoder = TaskEncoder(config)
        self.modulator = Modulator(config)
        self.forward_model = ForwardModel(config, flux_scale)
        heads = self.forward_model.head.out_features
        step_days = 1.0 if config.step == TimeStep.DAILY else DAYS_PER_MONTH
        self.site_effect = SiteEffect(config.hidden, heads, step_days) if config.site_effect > 0 else None
        self.code_dropout = Dropout(config.dropout)
        self.decoder = Decoder(config) if config.reconstruction > 0 else None

    def forward(self, support: Support, drivers: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return fluxes (B, T, 3) in gC m-2 d-1 and the codes (B, Z) they were made with."""
        states, code = self.states(support, drivers, mask)
        return self.forward_model.fluxes(states), code

    def states(self, support: Support, drivers: Tensor, mask: Tensor, window: int = 0) -> tuple[Tensor, Tensor]:
        """Return the modulated states (B, T, H) and the codes (B, Z) they were made with.

        Args:
            support: what is known of B places.
            drivers: (B, T, D) normalised.
            mask: (B, T, D).
            window: cut the sequence into windows of so many days that start without memory; 0 for none.
        """
        code = self.encoder(support)
        modulation = self.modulator(self.code_dropout(code))
        if not window:
            return self.forward_model.states(drivers, mask, modulation), code
        count = drivers.shape[1] // window
        each = Modulation(*(part.repeat_interleave(count, dim=0) for part in modulation))
        drivers, mask = (x.unflatten(1, (count, window)).flatten(0, 1) for x in (drivers, mask))
        return self.forward_model.states(drivers, mask, each).unflatten(0, (-1, count)).flatten(1, 2), code

    def effect(self, states: Tensor, season: Tensor, fluxes: Tensor, seen: Tensor) -> tuple[Tensor, Effect]:
        """Return the fluxes with the effect of their site, and the posterior of that effect.

        Args:
            states: (B, T, H) modulated.
            season: (B, T, 2) sine and cosine of the day of year.
            fluxes: (B, T, 3) observed, gC m-2 d-1; any number where not seen.
            seen: (B, T, 3) 1 on support days with that flux observed, else 0.

        Returns:
            (B, T, 3) gC m-2 d-1, and the posterior.
        """
        # Dropout in the states would count as noise of the site.
        raw = self.forward_model.raw_fluxes(states)
        posterior = self._posterior(states, raw, season, fluxes, seen)
        assert self.site_effect is not None  # asked for only of a network with a site effect
        return self.forward_model.corrected(raw, self.site_effect.correction(states, season, posterior)), posterior

    def _posterior(self, states: Tensor, raw: Tensor, season: Tensor, fluxes: Tensor, seen: Tensor) -> Effect:
        """Return the posterior of the effect; ``raw`` are the fluxes (B, T, 3) of the states without it."""
        effect = self.site_effect
        assert effect is not None  # as above
        heads = len(effect.log_sd)
        residual = ((fluxes - raw) / self.forward_model.flux_scale)[..., :heads]
        return effect.posterior(effect.features(states, season), residual, seen[..., :heads])

    def with_and_without_effect(
        self, states: Tensor, season: Tensor, fluxes: Tensor, seen: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what ``fluxes`` and ``effect`` do, (B, T, 3) gC m-2 d-1 each: for training, in few passes over states.

        Args:
            states: (B, T, H) modulated.
            season: (B, T, 2) sine and cosine of the day of year.
            fluxes: (B, T, 3) observed, gC m-2 d-1; any number where not seen.
            seen: (B, T, 3) 1 on support days with that flux observed, else 0.
            rows: (B, L) days that hold all of the support, which alone are read for the posterior.
        """
        forward, effect = self.forward_model, self.site_effect
        assert effect is not None  # as above
        told, *others = (_at(x, rows) for x in (states, season, fluxes, seen))
        posterior = self._posterior(told, forward.raw_fluxes(told), *others)
        of_season, of_states = effect.coefficients(posterior)
        made = read_out(states, *forward.dropout.kept(states), forward.head.weight, forward.head.bias, of_states)
        correction = made.correction + season_features(season) @ of_season
        return forward.scaled(made.dropped), forward.corrected(forward.scaled(made.raw), correction)

    def under_effect(self, states: Tensor, season: Tensor, posterior: Effect) -> Tensor:
        """Return the fluxes (B, T, 3) in gC m-2 d-1 under an effect of their site that is known already.

        Args:
            states: (B, T, H) modulated.
            season: (B, T, 2) sine and cosine of the day of year.
            posterior: of ``effect``.
        """
        effect = self.site_effect
        assert effect is not None  # asked for only of a network with a site effect
        correction = effect.correction(states, season, posterior)
        return self.forward_model.corrected(self.forward_model.raw_fluxes(states), correction)

    def effect_variance(self, states: Tensor, season: Tensor, posterior: Effect) -> Tensor:
        """Return the variance (B, T, 3) of the site effect in (gC m-2 d-1)^2.

        That of NEE is the sum of those of GPP and RECO where it has no head of its own.
        """
        effect = self.site_effect
        assert effect is not None  # as above
        variance = effect.variance(effect.features(states, season), posterior)
        variance = variance * self.forward_model.flux_scale[: len(effect.log_sd)] ** 2
        return torch.cat([variance, variance.sum(-1, keepdim=True)], dim=-1) if len(effect.log_sd) == 2 else variance

    def from_code(self, code: Tensor, drivers: Tensor, mask: Tensor) -> Tensor:
        """Return fluxes (B, T, 3) of places with the given codes (B, Z)."""
        return self.forward_model(drivers, mask, self.modulator(code))


def _at(x: Tensor, rows: Tensor) -> Tensor:
    """Return (B, L, ...) the rows (B, L) of a series (B, T, ...), read as it lies in memory."""
    places, steps = x.shape[:2]
    place = torch.arange(places, device=x.device)[:, None]
    if x.is_contiguous():
        flat, index = x.flatten(0, 1), place * steps + rows
    else:
        flat, index = x.transpose(0, 1).flatten(0, 1), rows * places + place
    return flat.index_select(0, index.flatten()).unflatten(0, rows.shape)


def flatten_recurrent(model: nn.Module) -> None:
    """Lay the weights of each recurrent layer in one piece, which cuDNN else makes at every call; copies lose it."""
    for layer in model.modules():
        if isinstance(layer, nn.LSTM):
            layer.flatten_parameters()
