"""Audio: samples of a sound with their rate, from a file, bytes or an array."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, ClassVar, Self

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media.containers import check_seconds
from nextgpt.media.image import array_sha256
from nextgpt.media.limits import DEFAULT_LIMITS, MediaLimits
from nextgpt.media.medium import Medium, Metadata, metadata_json
from nextgpt.media.sounds import Sound, read_sound
from nextgpt.media.source import Source

MAX_RATE, MAX_CHANNELS = 1_000_000, 64
_SAVERS = {".wav": "WAV", ".flac": "FLAC"}


@dataclass(frozen=True, eq=False, repr=False)
class Audio(Medium):
    """A sound. Samples are float32 with full scale -1 to 1; files may go beyond and are not clipped."""

    noun: ClassVar[str] = "a sound"
    readable: ClassVar[str] = "a WAV, FLAC, OGG, MP3 or M4A file"
    suffixes: ClassVar[tuple[str, ...]] = tuple(_SAVERS)

    stored: np.ndarray | None = None  # float32 (S,C), only of a sound made from an array
    stored_rate: int = 0

    @classmethod
    def from_array(cls, samples: np.ndarray, rate: int, limits: MediaLimits = DEFAULT_LIMITS) -> Self:
        """Of (S,) mono or (S,C) samples at `rate` hertz: floats in -1 to 1, or whole integers. MediaError."""
        array = _checked_array(np.asarray(samples))
        _check_header(rate, array.shape[1], "the given array", limits)
        _check_length(len(array), array.shape[1], rate, "the given array", limits)
        return cls(Source(), limits, _as_float(array), int(rate))

    @property
    def rate(self) -> int:
        """Samples a second of one channel."""
        return self._header.rate

    @property
    def channels(self) -> int:
        return self._header.channels

    @property
    def seconds(self) -> float:
        """Length; from the header where it says so, else by decoding. MediaError."""
        promised = self._header.num_samples
        return (promised or len(self.samples())) / self.rate

    def samples(self, rate: int | None = None) -> np.ndarray:
        """float32 (S,), S at least 1: channels averaged, resampled to `rate` hertz if given. MediaError."""
        mono = np.concatenate([block.mean(axis=1, dtype=np.float32) for block in self._blocks()])
        return self._finite(_resample(mono, self.rate, rate or self.rate))

    def array(self) -> np.ndarray:
        """float32 (S,C), all channels at the sound's own rate. MediaError."""
        return self._finite(np.concatenate(list(self._blocks())))

    def check(self) -> None:
        _ = self._header

    @cached_property
    def _header(self) -> Sound:
        if self.stored is not None:
            return Sound(self.stored_rate, self.stored.shape[1], len(self.stored))
        with self._reading():
            sound, blocks = read_sound(self.source, self.limits)
            blocks.close()
        _check_header(sound.rate, sound.channels, self.source.name, self.limits)
        if sound.num_samples is not None:
            _check_length(sound.num_samples, sound.channels, sound.rate, self.source.name, self.limits)
        return sound

    def _blocks(self) -> Iterator[np.ndarray]:
        """(s,C) pieces in order, their total bounded whatever the header said."""
        if self.stored is not None:
            yield self.stored.copy()
            return
        header, total = self._header, 0
        with self._reading():
            _, blocks = read_sound(self.source, self.limits)
            for block in blocks:
                total += len(block)
                _check_length(total, header.channels, header.rate, self.source.name, self.limits)
                yield block
        self._check_complete(total, header)

    def _check_complete(self, total: int, header: Sound) -> None:
        if total == 0:
            raise MediaError(f"{self.source.name}: has no samples; give a sound that is not empty.")
        promised = header.num_samples or 0
        if total < 0.9 * promised - 0.5 * header.rate:
            raise MediaError(
                f"{self.source.name}: is cut off or damaged, {total / header.rate:.1f} of "
                f"{promised / header.rate:.1f} seconds can be read; export or download it again."
            )

    def _finite(self, samples: np.ndarray) -> np.ndarray:
        if not np.isfinite(samples).all():
            raise MediaError(
                f"{self.source.name}: has samples that are no finite numbers (NaN); export it again."
            )
        return samples

    def _encode(self, file: BinaryIO, suffix: str, metadata: Metadata) -> None:
        import soundfile

        pcm = to_pcm16(self.array())
        encoded = io.BytesIO()
        try:
            with soundfile.SoundFile(
                encoded, "w", self.rate, self.channels, "PCM_16", format=_SAVERS[suffix]
            ) as out:
                if metadata:
                    out.comment = metadata_json(metadata)
                out.write(pcm)
        except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
            raise MediaError(
                f"{self.source.name}: cannot be saved as {suffix} at {self.rate} Hz with {self.channels} "
                f"channels ({error}); use .wav."
            ) from None
        file.write(encoded.getbuffer())

    def _array_sha256(self) -> str:
        assert self.stored is not None
        return array_sha256("audio", self.stored, self.stored_rate)


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """int16 of float samples; what is beyond full scale is clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype(np.int16)


def _checked_array(array: np.ndarray) -> np.ndarray:
    """(S,C), or a MediaError that says what is wrong with the shape or the type."""
    if array.ndim not in (1, 2) or array.dtype.kind not in "fi":
        raise MediaError(
            f"the given array: is {array.dtype} {array.shape}; a sound is (samples,) or (samples, channels) "
            "of floats or signed integers."
        )
    if array.ndim == 2 and array.shape[1] > MAX_CHANNELS:
        raise MediaError(
            f"the given array: has {array.shape[1]} channels; the order is (samples, channels), transpose it."
        )
    if array.size == 0:
        raise MediaError("the given array: has no samples; give a sound that is not empty.")
    return array.reshape(len(array), -1)


def _as_float(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "i":
        return (array / -float(np.iinfo(array.dtype).min)).astype(np.float32)
    with np.errstate(over="ignore"):
        samples = array.astype(np.float32)
    if not np.isfinite(samples).all():
        raise MediaError("the given array: has samples that are no finite numbers (NaN); check what made it.")
    return samples


def _check_header(rate: Any, channels: int, name: str, limits: MediaLimits) -> None:
    whole = isinstance(rate, int | np.integer) or (isinstance(rate, float) and rate.is_integer())
    if not whole or isinstance(rate, bool) or not 1 <= rate <= MAX_RATE:
        raise MediaError(f"{name}: has a rate of {rate!r} Hz; it must be a whole number, 1 to {MAX_RATE:,}.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise MediaError(f"{name}: has {channels} channels; 1 to {MAX_CHANNELS} can be read, mix it down.")


def _check_length(num_samples: int, channels: int, rate: int, name: str, limits: MediaLimits) -> None:
    check_seconds(num_samples / rate, name, limits)
    if num_samples * channels > limits.max_samples:
        raise MediaError(
            f"{name}: has {num_samples * channels:,} samples and the limit is {limits.max_samples:,}; "
            "cut it, lower its rate, or raise MediaLimits.max_samples."
        )


def _resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    if new_rate == rate:
        return samples
    import soxr

    resampled = soxr.resample(samples, rate, new_rate)
    return resampled if len(resampled) else samples[:1]  # a sound of a sample or two stays a sound
