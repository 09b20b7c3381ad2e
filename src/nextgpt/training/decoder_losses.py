"""Losses of a decoder's phases, and the pictures that they compare."""

import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.nn.decoders.latent_decoder import LatentDecoder
from nextgpt.training.decoder_items import ItemCache
from nextgpt.training.decoder_recipes import DecoderRecipe
from nextgpt.training.perceptual import PerceptualLoss

LATENTS_FOR_SCALE = 512


def small_pictures(stored: Tensor, side: int) -> Tensor:
    """uint8 pictures or clips (B, ..., 3, H, W) -> (B', 3, side, side) in -1..1."""
    frames = stored.flatten(0, -4).float() / 127.5 - 1
    return F.interpolate(frames, size=(side, side), mode="area")


def autoencoder_loss(
    decoder: LatentDecoder, stored: Tensor, recipe: DecoderRecipe, generator: torch.Generator
) -> Tensor:
    """L1 + squared error; noise relative to the latents' size keeps them smooth, a penalty keeps them small.

    Tried first and left out: L1 of the differences between neighbours. It rewards one flat colour, and the
    network stayed there for hundreds of steps.
    """
    pixels = decoder.to_input(stored.to(decoder.device)).contiguous(memory_format=torch.channels_last)
    latents = decoder.vae.encode(pixels).latent.float()
    size = latents.square().mean()
    noise = torch.randn(latents.shape, generator=generator).to(latents.device) * size.detach().sqrt()
    error = decoder.vae.decode(latents + recipe.latent_noise * noise).sample.float() - pixels
    return error.abs().mean() + error.square().mean() + recipe.latent_penalty * size


def detail_loss(
    decoder: LatentDecoder,
    latents: Tensor,
    stored: Tensor,
    looks: PerceptualLoss | None,
    recipe: DecoderRecipe,
) -> Tensor:
    """L1 + squared error of decoded latents, and how alike the pictures look."""
    true = decoder.to_input(stored.to(decoder.device))
    columns = decoder.unpack(latents.to(decoder.device) / decoder.vae.config.scaling_factor)
    made = decoder.vae.decode(columns).sample.float()
    error = made - true
    plain = error.abs().mean() + error.square().mean()
    if looks is None:
        return plain
    pictures = [F.pixel_shuffle(one, decoder.facts.patch) for one in (made, true)]
    return plain + recipe.perceptual_weight * looks(*pictures)


@torch.no_grad()
def set_scale(decoder: LatentDecoder, cache: ItemCache) -> None:
    """scaling_factor = 1 / root mean square of the latents, as diffusers defines it for AutoencoderDC."""
    decoder.vae.register_to_config(scaling_factor=1.0)
    latents = decoder.encode_stored(cache.rows("media", slice(0, LATENTS_FOR_SCALE)))
    decoder.vae.register_to_config(scaling_factor=1 / latents.float().square().mean().sqrt().item())
