"""Training of a small decoder, the same for every modality:

    1  items         draw media and captions once, keep the text encoder's states (decoder_items)
    2  reading       a layered reader's sentences and small pictures, for which no latents are needed
    3  autoencoder   L1 and squared error, noise on the latents; skipped where it is shared
    4  vocoder       for sounds: the spectra of true sounds from their mel pictures
    5  latents       encode all media once
    6  draft         the reader alone: its draft of the latents
    7  playing       for sounds: the reader's drawing half on scores that no sentence says, too
    8  detail        the autoencoder's decoding half, if it is not shared, on drafts and latents, by how that looks;
                     the reader's drawing half learns with it where it has not learned by playing
    9  flow          the transformer alone: denoising loss on latents; a tenth of the rows without a prompt
    10 finish        the transformer and the reader's drawing half, by how that looks (of sounds the mel picture) which
                     all steps of the sampler make of noise
    11 voice         the vocoder again, on what the autoencoder makes of latents and drafts
    12 folder        moving average of the weights, fp16 (transformer and memory of pictures fp8), in diffusers' layout

Each phase resumes by itself (step_runner); a finished one is not run again.
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from nextgpt.files import locked
from nextgpt.nn.decoders.folder import pack_matrices, write_folder
from nextgpt.nn.decoders.latent_decoder import LatentDecoder
from nextgpt.training import decoder_phases, sound_phases
from nextgpt.training.decoder_task import DecoderTask
from nextgpt.training.step_runner import PhaseConfig

Phase = Callable[[DecoderTask, PhaseConfig, int | None], bool]

# Names are those of the recipe; a phase that it leaves out is not run.
BEFORE_LATENTS: Mapping[str, Phase] = {
    "reading": decoder_phases.reading,
    "autoencoder": decoder_phases.autoencoder,
    "vocoder": sound_phases.vocoder,
}
ON_LATENTS: Mapping[str, Phase] = {
    "draft": decoder_phases.draft,
    "playing": sound_phases.playing,
    "detail": decoder_phases.detail,
    "flow": decoder_phases.flow,
    "finish": decoder_phases.finish,
    "voice": sound_phases.voice,
}


class DecoderTraining(DecoderTask):
    """`run(until)` goes on from wherever the folder's state is, and writes `output` when all is done."""

    def run(self, until: int | None = None) -> LatentDecoder | None:
        """`until` stops each phase after so many steps (tests, a look in between): then None is returned."""
        with locked(self.folder):
            return self.run_phases(until)

    def run_phases(self, until: int | None) -> LatentDecoder | None:
        self.write_items()
        if not self.train(BEFORE_LATENTS, until):
            return None
        self.write_latents()
        if not self.train(ON_LATENTS, until):
            return None
        return self.write_folder()

    def train(self, phases: Mapping[str, Phase], until: int | None) -> bool:
        """Whether all of them are done."""
        wanted = ((train, getattr(self.recipe, name)) for name, train in phases.items())
        return all(train(self, config, until) for train, config in wanted if config is not None)

    def write_folder(self) -> LatentDecoder:
        self.decoder.eval().to(torch.float16)
        if self.decoder.reader is not None:
            self.decoder.reader.pack()
        pack_matrices(self.decoder.transformer)
        write_folder(self.decoder, self.output, self.recipe.shared)
        nn.Module.to(self.decoder, torch.float16)  # as it is when it is opened again
        return self.decoder
