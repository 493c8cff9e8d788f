"""Random numbers and random fields that the drawings are made of."""

from math import ceil, exp, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtr, ndtri

from inspect_tool.synthetic.field import Gray, Shape

MOST_BENT = 3.0  # standard deviations that the values of a bent series stay within


def cut_normal(rng: np.random.Generator, low: float, high: float) -> float:
    """Standard normal number between two limits."""
    p = rng.uniform(float(ndtr(low)), float(ndtr(high)))
    return float(ndtri(p))


def cut_moment(spread: float, order: int, low: float, high: float) -> float:
    """Mean of exp(order * spread * z) for a standard normal z between two limits."""
    shift = order * spread
    inside = float(ndtr(high) - ndtr(low))
    return exp(shift**2 / 2) * float(ndtr(high - shift) - ndtr(low - shift)) / inside


def pair_noise(a: NDArray[np.intp], b: NDArray[np.intp], salt: int) -> NDArray[np.float64]:
    """Uniform number in [0, 1) that belongs to a pair of numbers: every boundary keeps its own look."""
    with np.errstate(over="ignore"):
        x = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + b.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
        x += np.uint64((salt * 0x165667B19E3779F9) % 2**64)
        x ^= x >> np.uint64(29)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(32)
    result: NDArray[np.float64] = (x >> np.uint64(11)).astype(np.float64) / 2.0**53
    return result


def cloud(rng: np.random.Generator, shape: Shape, length_px: float) -> Gray:
    """Smooth noise of about unit variance; cheap, for looks only."""
    length = max(length_px, 1.0)
    small = (ceil(shape[0] / length) + 4, ceil(shape[1] / length) + 4)
    noise = rng.standard_normal(small, dtype=np.float32)
    if length <= 1.0:
        return noise[: shape[0], : shape[1]]
    size = (ceil(small[1] * length), ceil(small[0] * length))
    large = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    top, left = (int(rng.integers(0, max(int(length), 1))) for _ in range(2))
    return (1.2 * large[top : top + shape[0], left : left + shape[1]]).astype(np.float32)


def gaussian_field(rng: np.random.Generator, shape: Shape, length_px: float) -> Gray:
    """Random field of variance 1 with correlation exp(-d^2 / (2 length^2))."""
    rows, columns = (fft_length(n + 8 * length_px) for n in shape)
    k2 = (2 * pi * fft.fftfreq(rows)[:, None]) ** 2 + (2 * pi * fft.rfftfreq(columns)[None, :]) ** 2
    return filtered_noise(rng, (rows, columns), np.exp(-k2 * length_px**2 / 4))[: shape[0], : shape[1]]


def filtered_noise(rng: np.random.Generator, shape: Shape, spectrum: NDArray[np.float64]) -> Gray:
    """White noise times an amplitude spectrum (rfft layout), scaled to expected variance 1."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    power = spectrum**2
    # columns of the half spectrum stand for two, but for the first and (even length) the last
    twice = np.full(power.shape[1], 2.0)
    twice[0] = 1.0
    if shape[1] % 2 == 0:
        twice[-1] = 1.0
    variance = float((power * twice).sum()) / (shape[0] * shape[1])
    field = fft.irfft2(fft.rfft2(noise) * (spectrum / sqrt(variance)).astype(np.float32), s=shape)
    return np.asarray(field, dtype=np.float32)


def fft_length(n: float) -> int:
    """Length of at least ``n`` that transforms fast."""
    return int(fft.next_fast_len(ceil(n) + 2, real=True))


def bent_waves(rng: np.random.Generator, n: int, length: float) -> NDArray[np.float64]:
    """Gaussian series of mean 0 and variance 1 with correlation exp(-d^2 / (2 length^2)), extremes bent back.

    ``length`` is in steps of the series; no value is beyond three standard deviations.
    """
    size = fft.next_fast_len(n + ceil(8 * length), real=True)
    k = 2 * pi * fft.rfftfreq(size)
    amplitude = np.exp(-((k * length) ** 2) / 4)
    series = fft.irfft(fft.rfft(rng.standard_normal(size)) * amplitude, size)
    series /= np.sqrt((amplitude**2).sum() * 2 / size)
    return np.asarray(MOST_BENT * np.tanh(series[:n] / MOST_BENT))
