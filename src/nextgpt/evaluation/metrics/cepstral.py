"""Mel-cepstral distortion between two recordings of speech, in decibels.

MCD = 10 / ln 10 * mean over the aligned frames of sqrt(2 * sum over k = 1..13 of (c_k - c'_k)^2)   (Kubichek 1993)

Frames are aligned by dynamic time warping. Cepstra here are the cosine transform of natural log-mel energies (40
bands, frames of 25 ms every 10 ms, 16 kHz); WORLD or SPTK cepstra give other numbers, so the name says MFCC.
"""

from math import log, sqrt

import numpy as np

from nextgpt.errors import DataError

RATE, FRAME, HOP, BINS, MELS, ORDER = 16_000, 400, 160, 512, 40, 13
FLOOR = 1e-10
NAME = "MCD-MFCC13"


def mel_filters() -> np.ndarray:
    """(bins, MELS) triangles on the HTK mel scale from 0 Hz to half the rate."""
    edges = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MELS + 2)
    hertz = 700 * (10 ** (edges / 2595) - 1)
    points = np.linspace(0, RATE / 2, BINS // 2 + 1)[:, None]
    rise = (points - hertz[:-2]) / (hertz[1:-1] - hertz[:-2])
    fall = (hertz[2:] - points) / (hertz[2:] - hertz[1:-1])
    return np.maximum(0.0, np.minimum(rise, fall))


def cepstra(samples: np.ndarray) -> np.ndarray:
    """Mono samples at 16 kHz -> (frames, 13), without the zeroth. DataError where there is less than a frame."""
    if len(samples) < FRAME:
        raise DataError(f"A recording of {len(samples)} samples is shorter than a frame of {FRAME}.")
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), FRAME)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME), BINS)) ** 2
    log_mel = np.log(np.maximum(power @ mel_filters(), FLOOR))
    orders, bands = np.arange(1, ORDER + 1)[:, None], np.arange(MELS)[None]
    basis = sqrt(2 / MELS) * np.cos(np.pi * orders * (bands + 0.5) / MELS)
    return log_mel @ basis.T


def aligned(distances: np.ndarray) -> list[tuple[int, int]]:
    """The cheapest path through (T, U) distances by steps of one in either or both."""
    rows, columns = distances.shape
    cost = np.full((rows + 1, columns + 1), np.inf)
    cost[0, 0] = 0.0
    for total in range(2, rows + columns + 1):  # along the diagonals, where nothing waits for its neighbour
        i = np.arange(max(1, total - columns), min(rows, total - 1) + 1)
        j = total - i
        best = np.minimum(np.minimum(cost[i - 1, j], cost[i, j - 1]), cost[i - 1, j - 1])
        cost[i, j] = distances[i - 1, j - 1] + best
    path, i, j = [], rows, columns
    while i and j:
        path.append((i - 1, j - 1))
        steps = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
        i, j = min(steps, key=lambda step: cost[step])
    return path[::-1]


def distortion(first: np.ndarray, second: np.ndarray) -> float:
    """MCD in dB of two (frames, 13)."""
    squares = ((first[:, None] - second[None]) ** 2).sum(-1)
    distances = np.sqrt(2 * squares)
    path = aligned(distances)
    return 10 / log(10) * float(np.mean([distances[place] for place in path]))
