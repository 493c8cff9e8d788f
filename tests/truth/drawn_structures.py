"""Two-phase structures with an exactly known mean share: cut Gaussian fields, discs and pores thrown at random.

Independent of ``inspect_tool.synthetic``: the share is that of the process, and a single field differs from it
as fields of a real specimen do.
"""

import numpy as np
from scipy.special import ndtri


def cut_gaussian(random, share, range_px, *, aspect=1.0, angle=0.3, size=256):
    """Class image whose mean share is ``share``: a stationary Gaussian field cut at its quantile.

    ``range_px`` is the correlation length across, ``aspect`` times as long along ``angle``: 1 blobs, 10 lamellae,
    40 bands through the field.
    """
    whole = 2 * size  # periodic: only a part is taken
    y, x = np.fft.fftfreq(whole)[:, None], np.fft.fftfreq(whole)[None]
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    power = np.exp(-((2 * np.pi * range_px) ** 2) * ((aspect * along) ** 2 + across**2) / 4)
    noise = np.fft.fft2(random.standard_normal((whole, whole)))
    field = np.fft.ifft2(noise * np.sqrt(power / power.mean())).real[:size, :size]
    return (field < ndtri(share)).astype(np.int32)


def kept_apart(random, share, pitch_px, *, spread=0.25, size=256):
    """Class image whose mean share is ``share``: features that keep apart, at a pitch, as precipitates do.

    A stationary Gaussian field of waves about ``pitch_px`` long, cut at its quantile; ``spread`` is the standard
    deviation of their number, relative. It has next to no long waves: its fields scatter far less than features
    thrown at random.
    """
    whole = 2 * size
    waves = np.hypot(np.fft.fftfreq(whole)[:, None], np.fft.fftfreq(whole)[None]) * pitch_px
    power = np.exp(-(((waves - 1) / spread) ** 2) / 2)
    noise = np.fft.fft2(random.standard_normal((whole, whole)))
    field = np.fft.ifft2(noise * np.sqrt(power / power.mean())).real[:size, :size]
    return (field < ndtri(share)).astype(np.int32)


def discs(random, share, radius_px, *, spread=0.0, size=256):
    """Class image of lognormal discs thrown at random (Boolean model): share = 1 - exp(-number x mean area)."""
    area = np.pi * radius_px**2 * np.exp(2 * spread**2)
    pad = int(4 * radius_px * np.exp(2 * spread))
    side = size + 2 * pad
    n = random.poisson(-np.log(1 - share) / area * side**2)
    labels = np.zeros((size, size), np.int32)
    for row, column, radius in np.column_stack(
        [random.uniform(-pad, size + pad, (n, 2)), radius_px * np.exp(spread * random.standard_normal(n))]
    ):
        top, left = (max(0, int(place - radius)) for place in (row, column))
        bottom, right = (max(0, int(place + radius) + 2) for place in (row, column))
        part = labels[top:bottom, left:right]
        y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        part[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = 1
    return labels


def lognormal(spread):
    """Areas of mean 1, drawn by (random, number); ``spread``: standard deviation of the logarithm of the diameter."""
    return lambda random, number: np.exp(2 * spread * random.standard_normal(number) - 2 * spread**2)


def clustered_pores(random, *, pores, sizes, cluster=5.0, radius=0.08, mean_percent=1.0):
    """Places (0 to 1) and area shares of the pores of one field, in clusters of Poisson size (Matern).

    ``cluster`` 0: at random. The mean share of the process is ``mean_percent`` exactly: pores are points that
    carry an area, drawn with mean 1 by ``sizes(random, number)``.
    """
    if cluster:
        centers = random.uniform(-radius, 1 + radius, (random.poisson(pores / cluster * (1 + 2 * radius) ** 2), 2))
        centers = np.repeat(centers, random.poisson(cluster, len(centers)), axis=0)
        far, angle = radius * np.sqrt(random.random(len(centers))), random.uniform(0, 2 * np.pi, len(centers))
        places = centers + np.column_stack([far * np.cos(angle), far * np.sin(angle)])
        places = places[((places >= 0) & (places < 1)).all(axis=1)]
    else:
        places = random.random((random.poisson(pores), 2))
    return places, sizes(random, len(places)) * mean_percent / 100 / pores
