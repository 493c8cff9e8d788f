"""Tiles: every pixel predicted once, whatever the size of image and tile."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspect_tool.errors import BackendError
from inspect_tool.segmentation.networks import tiling
from inspect_tool.segmentation.networks.tiling import Grid, band_rows, predicted, quantized, spans, weights


def image(shape, channels=1, seed=0):
    return np.random.default_rng(seed).random((channels, *shape), dtype=np.float32)


def reader(pixels):
    """Reads areas, and fails on one that reaches beyond the image."""

    def read(area):
        for part, size in zip(area, pixels.shape[1:], strict=True):
            assert 0 <= part.start < part.stop <= size
        return pixels[:, area[0], area[1]]

    return read


def whole(pixels, run, grid):
    made = None
    for rows, band in predicted(reader(pixels), pixels.shape[1:], run, grid, "a.tif"):
        if made is None:
            made = np.full((band.shape[0], *pixels.shape[1:]), np.nan, np.float32)
        assert np.isnan(made[:, rows]).all()  # no row comes twice
        made[:, rows] = band
    return made


@given(
    height=st.integers(1, 330),
    width=st.integers(1, 330),
    tile=st.sampled_from([64, 96, 160]),
    overlap=st.sampled_from([16, 32]),
    batch=st.integers(1, 3),
)
@settings(max_examples=60)
def test_a_network_that_changes_nothing_gives_the_image_back(height, width, tile, overlap, batch):
    pixels = image((height, width), 2)
    made = whole(pixels, lambda x: x, Grid(tile_px=tile, overlap_px=overlap, batch=batch))
    np.testing.assert_allclose(made, pixels, atol=1e-6)


@given(height=st.integers(1, 400), overlap=st.sampled_from([16, 32]))
@settings(max_examples=30)
def test_bands_that_are_there_are_left_out_and_the_others_stay_the_same(height, overlap):
    pixels, grid = image((height, 70)), Grid(tile_px=64, overlap_px=overlap)

    def run(batch):  # sees how far the tile reaches
        return batch + np.arange(batch.shape[2], dtype=np.float32)[:, None] / 100

    made = list(predicted(reader(pixels), pixels.shape[1:], run, grid, "a.tif"))
    assert [rows for rows, _ in made] == band_rows(pixels.shape[1:], grid)
    for first in range(len(made)):
        rest = list(predicted(reader(pixels), pixels.shape[1:], run, grid, "a.tif", first))
        assert len(rest) == len(made) - first
        for (rows, band), (other, again) in zip(made[first:], rest, strict=True):
            assert rows == other
            assert np.array_equal(band, again)


@given(size=st.integers(1, 4000), tile=st.sampled_from([128, 256, 512]), overlap=st.sampled_from([32, 64]))
def test_the_shares_of_all_tiles_add_up_to_one(size, tile, overlap):
    found = spans(size, Grid(tile_px=tile, overlap_px=overlap))
    total = np.zeros(found[-1][1])
    for begin, end in found:
        total[begin:end] += weights(begin, end, found[-1][1], overlap)
    np.testing.assert_allclose(total, 1, atol=1e-5)
    assert found[-1][1] >= size
    assert all(begin % 16 == 0 and end % 16 == 0 and end - begin <= tile for begin, end in found)


def test_what_a_pixel_sees_at_the_edge_of_a_tile_does_not_count():
    # each tile says how far a pixel lies from its edge: the outer quarter of an overlap must not come through
    def depth(batch):
        n, _, h, w = batch.shape
        rows, columns = np.arange(h)[:, None], np.arange(w)[None]
        inside = np.minimum(np.minimum(rows, h - 1 - rows), np.minimum(columns, w - 1 - columns))
        return np.broadcast_to(inside, (n, 1, h, w)).astype(np.float32)

    made = whole(image((600, 600)), depth, Grid(tile_px=256, overlap_px=128))
    inner = made[0, 64:-64, 64:-64]  # away from the edges of the image itself
    assert inner.min() >= 128 / 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_tile_of_no_numbers_fails_with_its_position(bad):
    def run(batch):
        made = batch.copy()
        if run.calls == 3:
            made[:, :, 5, 5] = bad
        run.calls += 1
        return made

    run.calls = 0
    with pytest.raises(BackendError, match=r"a\.tif: tile at row 96, column 96: .* not finite"):
        whole(image((200, 200)), run, Grid(tile_px=128, overlap_px=32))


def test_a_tile_of_one_value_fails_with_its_position():
    with pytest.raises(BackendError, match=r"tile at row 0, column 0: the network gives 0\.25 for every pixel"):
        whole(image((100, 100)), lambda x: np.full_like(x, 0.25), Grid(tile_px=128, overlap_px=32))


def test_an_empty_part_of_an_image_may_have_one_value():
    made = whole(np.full((1, 100, 100), 0.5, np.float32), lambda x: x * 0, Grid(tile_px=128, overlap_px=32))
    assert not made.any()


def test_a_pixel_that_no_tile_predicts_is_an_error(monkeypatch):
    honest = tiling.spans
    monkeypatch.setattr(
        tiling, "spans", lambda size, grid: [(0, 128), (112, 240)] if size == 240 else honest(size, grid)
    )
    with pytest.raises(BackendError, match=r"a\.tif: the pixel at row 0, column 1\d\d was not predicted whole"):
        whole(image((100, 240)), lambda x: x, Grid(tile_px=128, overlap_px=32))


@pytest.mark.parametrize("tile", [100, 32, 0])
def test_a_tile_that_does_not_fit_the_network_is_refused(tile):
    with pytest.raises(BackendError, match=rf"tile_px = {tile}: must be a multiple of 16 and at least twice"):
        whole(image((50, 50)), lambda x: x, Grid(tile_px=tile, overlap_px=32))


def test_whole_numbers_of_probabilities():
    assert quantized(np.array([-0.1, 0.0, 0.5, 1.0, 1.2], np.float32)).tolist() == [0, 0, 128, 255, 255]
