"""Fragments of grains go to the grain that is nearest, wherever they lie."""

import numpy as np
import pytest
from scipy import ndimage
from test_grain_size import mosaic

from inspect_tool.measure.recall import ANEW
from inspect_tool.recipes.grain_size import pieces
from inspect_tool.recipes.grain_size.pieces import in_pieces


def test_every_pixel_of_a_fragment_goes_to_a_grain_than_which_none_is_nearer():
    labels, rng = mosaic(1, (90, 110), 22.0), np.random.default_rng(4)
    row, column = rng.integers(0, 90, 40), rng.integers(0, 110, 40)
    labels[row, column] = labels[row - 45, column]
    labels[60:64, 20:25] = labels[5, 100]  # a larger one
    labels[30:50, 30:50] = 0  # and no grain at all, in which one lies far from every other
    labels[40, 40] = labels[5, 5]
    found, torn = in_pieces(labels, ANEW)
    changed = np.argwhere(found != labels)
    assert torn == 0
    assert len(changed) >= 50
    assert [40, 40] in changed.tolist()
    kept = np.argwhere((found == labels) & (labels > 0))
    for at in changed:
        away = ((kept - at) ** 2).sum(axis=1)
        nearest = {int(labels[tuple(one)]) for one in kept[away == away.min()]}
        assert int(found[tuple(at)]) in nearest


def test_a_label_in_two_large_pieces_is_two_grains():
    labels = np.repeat(np.repeat([[1, 2, 1], [3, 3, 3]], 10, axis=0), 10, axis=1).astype(np.int32)
    labels[15, 15] = 2
    found, torn = in_pieces(labels, ANEW)
    assert torn == 1
    assert found[15, 15] == found[15, 14]
    assert len(np.unique(found)) == 4


@pytest.mark.parametrize("step", [1, 4, 100])
def test_pieces_are_those_of_each_label_alone_however_the_image_is_cut(step, monkeypatch):
    monkeypatch.setattr(pieces, "strips", lambda shape, _: [slice(at, at + step) for at in range(0, shape[0], step)])
    rng = np.random.default_rng(3)
    for size in (1, 2, 5):
        labels = rng.integers(-1, 5, (40, 30)).repeat(size, axis=0).repeat(size, axis=1).astype(np.int32)
        numbers = np.arange(1, 5)
        truth = [ndimage.label(labels == number, np.ones((3, 3)))[1] for number in numbers]
        assert pieces._number_of_pieces(labels, numbers).tolist() == truth
