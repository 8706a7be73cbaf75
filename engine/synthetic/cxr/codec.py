"""A small convolutional autoencoder: films in 0 … 1 ↔ latents of an eighth of the side and four channels.

A variational autoencoder whose decoder also learns to fool a patch discriminator, the first stage of latent
diffusion (Rombach et al., CVPR 2022). Fully convolutional: it learns on crops and serves whole films.
"""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import nn

Part = TypeVar("Part", bound=nn.Module)
FACTOR = 8  # pixels of a film per pixel of its latent
CHANNELS = 4
FOLD = 4  # the encoder starts on 4 × 4 pixels folded into channels


def channels_last(module: Part) -> Part:
    """Lay a module's weights out with channels last, in place, which convolutions on a processor like better."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


class Residual(nn.Module):
    """Two 3 × 3 convolutions added to the input, the second zero at first, so no norm: (b, c, h, w) → the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) → (b, c, h, w)."""
        return x + self.conv2(F.silu(self.conv1(F.silu(x))))


class Up(nn.Module):
    """Twice the side, nearest neighbour then 3 × 3: (b, c, h, w) → (b, d, 2h, 2w)."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) → (b, d, 2h, 2w)."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Codec(nn.Module):
    """Encoder and decoder; `shift` and `scale` make latents zero-mean and unit-variance over the training films."""

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(FOLD),
            nn.Conv2d(FOLD**2, 64, 3, padding=1),
            Residual(64),
            Residual(64),
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
            Residual(128),
            Residual(128),
            Residual(128),
            nn.SiLU(),
            nn.Conv2d(128, 2 * CHANNELS, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(CHANNELS, 128, 3, padding=1),
            Residual(128),
            Residual(128),
            Residual(128),
            Residual(128),
            Up(128, 96),
            Residual(96),
            Residual(96),
            Up(96, 64),
            Residual(64),
            Residual(64),
            Up(64, 32),
            Residual(32),
            nn.SiLU(),
            nn.Conv2d(32, 1, 3, padding=1),
        )
        self.register_buffer("shift", torch.zeros(1, CHANNELS, 1, 1))
        self.register_buffer("scale", torch.ones(1, CHANNELS, 1, 1))

    def moments(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Films (b, 1, h, w) in 0 … 1 → mean and log variance of their latents, (b, 4, h/8, w/8) each."""
        mean, log_variance = self.encoder(2 * films - 1).float().chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)

    def encode(self, films: torch.Tensor) -> torch.Tensor:
        """Films (b, 1, h, w) in 0 … 1 → normalised latents (b, 4, h/8, w/8)."""
        return (self.moments(films)[0] - self.shift) / self.scale

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Normalised latents (b, 4, h/8, w/8) → films (b, 1, h, w), nearly in 0 … 1."""
        return self.render(latents * self.scale + self.shift)

    def render(self, raw: torch.Tensor) -> torch.Tensor:
        """Latents as the encoder gives them (b, 4, h/8, w/8) → films (b, 1, h, w)."""
        return (self.decoder(raw).float() + 1) / 2


class Discriminator(nn.Module):
    """Says patch by patch how real a film looks (PatchGAN, Isola et al., CVPR 2017), spectrally normalised."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        sides = [(1, width), (width, 2 * width), (2 * width, 4 * width)]
        layers: list[nn.Module] = []
        for a, b in sides:
            layers += [nn.utils.parametrizations.spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(0.2)]
        layers.append(nn.utils.parametrizations.spectral_norm(nn.Conv2d(4 * width, 4 * width, 3, 1, 1)))
        layers += [nn.LeakyReLU(0.2), nn.Conv2d(4 * width, 1, 3, 1, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        """(b, 1, h, w) → (b, 1, h/8, w/8)."""
        return self.layers(2 * films - 1)
