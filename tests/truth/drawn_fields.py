"""Two-phase structures of other kinds than ``drawn_structures``: mosaics, discs that keep apart, lines, two scales.

Nothing in ``measure.share_scatter`` was chosen by them. The mean share of discs that keep apart and of lines has no
closed form: it is that of many draws.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.special import ndtri


def mosaic(random, share, cell_px, *, size=256):
    """Class image of Voronoi cells of which each belongs to the phase with probability ``share``."""
    pad = 3 * cell_px
    side = size + 2 * pad
    places = random.uniform(0, side, (random.poisson((side / cell_px) ** 2), 2)).astype(int)
    chosen = random.random(len(places)) < share
    seeds, phase = np.ones((side, side), bool), np.zeros((side, side), np.int32)
    seeds[tuple(places.T)] = False
    phase[tuple(places.T)] = chosen
    nearest = distance_transform_edt(seeds, return_distances=False, return_indices=True)
    return phase[tuple(nearest)][pad : pad + size, pad : pad + size]


def spaced_discs(random, pitch_px, radius_px, *, size=256):
    """Class image of lognormal discs whose centers are no nearer than ``pitch_px`` (random sequential)."""
    pad = 2 * pitch_px
    taken: list[np.ndarray] = []
    for place in random.uniform(-pad, size + pad, (int(4 * ((size + 2 * pad) / pitch_px) ** 2), 2)):
        if not taken or np.min(((np.array(taken) - place) ** 2).sum(axis=1)) >= pitch_px**2:
            taken.append(place)
    y, x = np.ogrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for (row, column), radius in zip(taken, radius_px * np.exp(0.15 * random.standard_normal(len(taken))), strict=True):
        labels[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = 1
    return labels


def lines(random, number, width_px, angle, spread, *, size=256):
    """Class image of straight lines through the field, about ``number`` of them, angles spread by ``spread`` [rad]."""
    y, x = np.ogrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for _ in range(random.poisson(3 * number)):
        turn, off = angle + spread * random.standard_normal(), random.uniform(-1.5 * size, 1.5 * size)
        labels[np.abs(np.cos(turn) * (y - size / 2) - np.sin(turn) * (x - size / 2) - off) < width_px / 2] = 1
    return labels


def two_scales(random, share, fine_px, coarse_px, part, *, size=256):
    """Class image of fine features whose local share varies coarsely; ``part`` of the amplitude of the fine ones."""
    whole = 2 * size
    waves = 2 * np.pi * np.hypot(np.fft.fftfreq(whole)[:, None], np.fft.fftfreq(whole)[None])
    field = np.zeros((size, size))
    for range_px, amplitude in ((fine_px, 1.0), (coarse_px, part)):
        power = np.exp(-((range_px * waves) ** 2) / 4)
        noise = np.fft.fft2(random.standard_normal((whole, whole))) * np.sqrt(power / power.mean())
        field += amplitude * np.fft.ifft2(noise).real[:size, :size]
    return (field / np.hypot(1, part) < ndtri(share)).astype(np.int32)


def needles(random, share, length_px, width_px, *, size=256):
    """Class image of needles of one length thrown at random in all directions (Boolean model): the share is exact."""
    pad = length_px // 2 + width_px
    side = size + 2 * pad
    y, x = np.ogrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for _ in range(random.poisson(-np.log(1 - share) / (length_px * width_px) * side**2)):
        row, column, turn = *random.uniform(-pad, size + pad, 2), random.uniform(0, np.pi)
        along = np.cos(turn) * (x - column) + np.sin(turn) * (y - row)
        across = np.cos(turn) * (y - row) - np.sin(turn) * (x - column)
        labels[(np.abs(along) <= length_px / 2) & (np.abs(across) <= width_px / 2)] = 1
    return labels


def lattice(random, pitch_px, radius_px, scatter, *, size=256):
    """Class image of discs on a square lattice at a random place and angle; their places scatter, over the pitch."""
    count = int(size / pitch_px) + 2
    turn = random.uniform(0, np.pi)
    grid = np.stack(np.meshgrid(*[np.arange(-count, count + 1)] * 2), axis=-1).reshape(-1, 2)
    places = pitch_px * (grid + random.random(2) + scatter * random.standard_normal(grid.shape))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    y, x = np.ogrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for row, column in places @ rotation + size / 2:
        if -radius_px < min(row, column) and max(row, column) < size + radius_px:
            labels[(y - row) ** 2 + (x - column) ** 2 <= radius_px**2] = 1
    return labels
