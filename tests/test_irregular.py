from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from inspect_tool.synthetic.irregular import Etch, Structure, irregular_grains

SHAPE = (96, 120)
WILD = Structure(mean_intercept_px=18, spread=0.6, stretch=1.8, angle=0.5, bend=0.3, ragged=0.3, merged=0.3)
FULL = Etch(
    faint=0.1, broken=0.1, gradient=0.05, striation=0.04, twins=0.6, specks_per_mpx=500, clusters_per_mpx=200,
    large_specks=0.3, strays_per_mpx=200,
)  # fmt: skip


def drawn(seed=1, structure=WILD, etch=FULL):
    return irregular_grains(seed=seed, structure=structure, etch=etch, shape_px=SHAPE)


def test_the_same_seed_gives_the_same_field_and_another_seed_another():
    first, second, other = drawn(), drawn(), drawn(seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[1], other[1])


def test_every_pixel_belongs_to_a_grain_of_one_piece():
    _, labels = drawn()
    numbers = np.unique(labels)
    assert labels.dtype == np.int32
    assert numbers.tolist() == list(range(1, labels.max() + 1))
    assert sum(ndimage.label(labels == number)[1] for number in numbers) == labels.max()


def test_litter_and_looks_do_not_change_the_grains():
    for etch in (Etch(), Etch(line="bright", ground=0.3), Etch(line="relief"), Etch(line="none", facets=0.2, color=1)):
        assert np.array_equal(drawn(etch=etch)[1], drawn()[1])


@pytest.mark.parametrize(("line", "sign"), [("dark", -1), ("bright", 1)])
def test_boundaries_are_darker_or_brighter_than_the_grains(line, sign):
    pixels, labels = drawn(etch=Etch(line=line, ground=0.5, facets=0.0))
    edge = np.zeros(SHAPE, bool)
    edge[:, 1:] = labels[:, 1:] != labels[:, :-1]
    assert sign * (pixels[edge].mean() - pixels[~edge].mean()) > 20


def test_a_tint_etch_gives_colors():
    pixels, _ = drawn(etch=Etch(line="none", facets=0.15, color=0.8))
    assert pixels.shape == (*SHAPE, 3)
    assert np.abs(pixels[..., 0].astype(int) - pixels[..., 2]).mean() > 5


def test_the_mean_intercept_is_about_the_one_asked_for():
    # pi / 4 of the root of the mean area, as of every isotropic Voronoi mosaic; merging and bending left out
    labels = irregular_grains(
        seed=3, structure=Structure(mean_intercept_px=12), etch=replace(FULL, twins=0.0), shape_px=(300, 300)
    )[1]
    crossings = np.count_nonzero(labels[:, 1:] != labels[:, :-1]) + np.count_nonzero(labels[1:] != labels[:-1])
    assert 2 * labels.size / crossings == pytest.approx(12, rel=0.1)
