"""What backend ``maskrcnn`` makes of detections, whatever network gives them: seams, quarters, overlap.

Needs no extra.
"""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from inspect_tool.errors import BackendError
from inspect_tool.segmentation.maskrcnn import detection
from inspect_tool.segmentation.maskrcnn.detection import Seen, Sizes, detections
from inspect_tool.segmentation.maskrcnn.network import CELLS, CrowdedError, Detections
from inspect_tool.segmentation.maskrcnn.painting import painted
from inspect_tool.segmentation.networks import arguments as numbers
from inspect_tool.segmentation.networks.runtime import OutOfMemoryError


class Device:
    """What a network is asked for where none is run."""

    type = "cpu"


class Nothing:
    """Stands for a network; what it would find is put in its place."""

    device = Device()

    def parameters(self):
        return iter([self])

    def cpu(self):
        return self


def disc(middle, radius, score=0.9):
    """A detection of a disc, as exact as its cells are."""
    row, column = middle
    box = [column - radius, row - radius, column + radius, row + radius]
    at = (np.arange(8 * CELLS) + 0.5) / (4 * CELLS) - 1
    fine = (at[:, None] ** 2 + at**2 <= 1).astype(np.float32)
    cells = cv2.resize(fine, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return np.array(box, np.float32), np.float32(score), np.rint(255 * cells).astype(np.uint8)


def of(*discs):
    boxes, scores, masks = zip(*discs, strict=True)
    return Detections(boxes=np.stack(boxes), scores=np.array(scores, np.float32), masks=np.stack(masks))


def paint(found, shape, roi=None, **changes):
    chosen = {"mask_threshold": 0.5, "hidden_share": 0.5, "least_px2": 1, **changes}
    return painted(found, shape, roi, **chosen)


# -------------------------------------------------------------------------------------------------- painting


@pytest.mark.parametrize("radius", [4.0, 9.3, 31.0])
@pytest.mark.parametrize("middle", [(50.0, 60.0), (50.4, 60.7)])
def test_a_mask_covers_the_area_of_its_disc_where_it_lies(radius, middle):
    labels = paint(of(disc(middle, radius)), (120, 130)).labels
    assert np.count_nonzero(labels) == pytest.approx(np.pi * radius**2, rel=0.04)
    assert ndimage.center_of_mass(labels > 0) == pytest.approx(middle, abs=0.2)


def test_an_object_at_the_edge_of_the_image_keeps_its_outermost_pixels():
    full = np.full((1, CELLS, CELLS), 255, np.uint8)
    found = Detections(boxes=np.array([[-0.5, -0.5, 9.5, 4.5]], np.float32), scores=np.ones(1, np.float32), masks=full)
    labels = paint(found, (20, 20)).labels
    assert labels[:5, :10].all()
    assert np.count_nonzero(labels) == 50


def test_a_speck_beside_the_object_does_not_belong_to_it():
    box, score, mask = disc((40, 40), 20)
    mask[12:16, 10:17] = 0  # a hole is left as it is
    mask[0:2, 0:2] = 255
    labels = paint(of((box, score, mask)), (80, 80)).labels
    assert not labels[:30, :24].any()
    assert labels[40, 25] == 1
    assert ndimage.label(labels, np.ones((3, 3)))[1] == 1


def test_the_higher_score_lies_on_top_and_what_is_lost_is_counted():
    left, right = disc((40, 40), 20, 0.6), disc((40, 60), 20, 0.8)
    drawn = paint(of(left, right), (80, 100))
    lens = 2 * 20**2 * np.arccos(20 / 40) - 0.5 * 20 * np.sqrt(4 * 20**2 - 20**2)  # of two circles
    assert drawn.labels[40, 50] == 1  # the one of 0.8
    assert drawn.labels[40, 25] == 2
    assert drawn.areas_px2.tolist() == pytest.approx([np.pi * 400] * 2, rel=0.03)
    assert (drawn.areas_px2 - drawn.visible_px2).tolist() == pytest.approx([0, lens], abs=25)
    assert (drawn.covered, drawn.hidden) == (1, 0)


def test_the_same_object_seen_twice_counts_once_and_a_neighbor_stays():
    drawn = paint(of(disc((40, 40), 20, 0.9), disc((41, 40.5), 19, 0.7), disc((40, 78), 18, 0.5)), (80, 100))
    assert drawn.labels.max() == 2
    assert drawn.hidden == 1


def test_the_order_in_which_parts_give_equal_scores_does_not_matter():
    discs = [disc((30, 20 + 14 * n), 10) for n in range(5)]
    one, two = paint(of(*discs), (60, 100)), paint(of(*reversed(discs)), (60, 100))
    assert np.array_equal(one.labels, two.labels)


def test_nothing_outside_of_the_region_and_nothing_too_small():
    roi = np.ones((80, 100), bool)
    roi[:, 50:] = False
    drawn = paint(of(disc((40, 50), 20), disc((20, 20), 2), disc((60, 80), 9)), roi.shape, roi, least_px2=30)
    assert drawn.labels.max() == 1
    assert not drawn.labels[~roi].any()
    assert drawn.labels[40, 49] == 1


def test_a_higher_mask_threshold_draws_outlines_inward():
    sizes = [
        np.count_nonzero(paint(of(disc((40, 40), 20)), (80, 80), mask_threshold=t).labels) for t in (0.3, 0.5, 0.8)
    ]
    assert sizes[0] > sizes[1] > sizes[2]


# --------------------------------------------------------------------------------------------- parts and scales


def lattice(shape, pitch, radius):
    """Bright discs on a lattice, and how many there are."""
    pixels = np.zeros(shape, np.uint8)
    count = 0
    for row in range(pitch // 2, shape[0] - radius, pitch):
        for column in range(pitch // 2, shape[1] - radius, pitch):
            cv2.circle(pixels, (column, row), radius, 200, -1)
            count += 1
    return pixels, count


def bright_pieces(most=10**9, seen=None):
    """Find, in place of a network, every bright piece of a part; refuse more than ``most`` of them."""

    def found(network, given, **_):
        if seen is not None:
            seen.append(given.shape)
        numbered, count = ndimage.label(given[0, 0] > 0.5)
        if count > most:
            raise CrowdedError
        if not count:
            return Detections.none()
        made = []
        for rows, columns in ndimage.find_objects(numbered):
            piece = (numbered[rows, columns] > 0).astype(np.float32)
            cells = cv2.resize(piece, (CELLS, CELLS), interpolation=cv2.INTER_LINEAR)
            box = [columns.start - 0.5, rows.start - 0.5, columns.stop - 0.5, rows.stop - 0.5]
            made.append((np.array(box, np.float32), np.float32(0.9), np.rint(255 * cells).astype(np.uint8)))
        return of(*made)

    return found


def look(pixels, *, tile_px=512, scales=(1.0,), trained=(4.0, 24.0), roi=None):
    image = Seen(
        network=Nothing(),
        channels=1,
        inclusive=False,
        pixels=pixels,
        gray=(0.0, 255.0),
        path="field.tif",
        roi=roi,
        tile_px=tile_px,
    )
    return detections(image, Sizes(scales=scales, trained_px=trained))


def test_hundreds_of_objects_are_found_once_each_whatever_the_parts(monkeypatch):
    """torchvision gives at most 100 detections by default."""
    pixels, count = lattice((300, 340), 13, 4)
    assert count > 500
    monkeypatch.setattr(detection, "detected", bright_pieces())
    whole = paint(look(pixels)[0], pixels.shape)
    assert whole.labels.max() == count
    for tile_px in (64, 97):
        parts = paint(look(pixels, tile_px=tile_px)[0], pixels.shape)
        assert parts.hidden == 0
        assert np.array_equal(parts.labels > 0, whole.labels > 0)
        assert parts.labels.max() == count


def test_a_crowded_part_is_taken_in_quarters_and_nothing_is_cut_off(monkeypatch):
    pixels, count = lattice((300, 340), 13, 4)
    monkeypatch.setattr(detection, "detected", bright_pieces(most=100))
    found, facts = look(pixels)
    assert len(found) == count
    assert facts["parts_in_quarters"] > 0


def test_more_than_can_be_looked_at_is_an_error_that_says_where(monkeypatch):
    pixels, _ = lattice((300, 340), 13, 4)
    monkeypatch.setattr(detection, "detected", bright_pieces(most=3))
    with pytest.raises(
        BackendError, match=r"field\.tif: more than \d+ places for objects around row 0, column 0 .*scale"
    ):
        look(pixels)


def test_an_object_larger_than_the_margin_is_said_to_be_cut(monkeypatch):
    pixels = np.zeros((300, 300), np.uint8)
    cv2.circle(pixels, (140, 140), 120, 200, -1)
    monkeypatch.setattr(detection, "detected", bright_pieces())
    _, facts = look(pixels, tile_px=64)
    assert facts["cut_objects"] > 0
    assert "larger than the network sees whole" in facts["size_note"]
    assert "cut_objects" not in look(pixels, tile_px=512)[1]


def test_parts_outside_of_the_region_are_not_looked_at(monkeypatch):
    pixels, _ = lattice((256, 256), 16, 5)
    roi = np.zeros(pixels.shape, bool)
    roi[:60, :60] = True
    seen = []
    monkeypatch.setattr(detection, "detected", bright_pieces(seen=seen))
    look(pixels, tile_px=64, roi=roi)
    assert len(seen) == 1


def test_large_and_small_objects_come_from_the_scales_that_are_there_for_them(monkeypatch):
    pixels = np.zeros((400, 400), np.uint8)
    cv2.circle(pixels, (150, 150), 60, 200, -1)
    cv2.circle(pixels, (320, 320), 8, 200, -1)
    monkeypatch.setattr(detection, "detected", bright_pieces())
    scales = Sizes.covering(4, 150, (4.0, 24.0))
    assert scales == (1.0, 0.25, 0.0625)
    drawn = paint(look(pixels, scales=scales)[0], pixels.shape)
    assert drawn.labels.max() == 2
    areas = sorted(np.bincount(drawn.labels.ravel())[1:].tolist())
    assert areas == pytest.approx([np.pi * 8**2, np.pi * 60**2], rel=0.08)
    assert ndimage.center_of_mass(drawn.labels == drawn.labels[150, 150]) == pytest.approx((150, 150), abs=1)


def test_where_a_device_has_too_little_memory_smaller_parts_and_then_the_cpu_do(monkeypatch):
    pixels, count = lattice((200, 200), 20, 6)
    honest = bright_pieces()

    def small_device(network, given, **_):
        if not getattr(network, "on_cpu", False):
            raise OutOfMemoryError
        return honest(network, given)

    def cpu(self):
        self.on_cpu = True
        return self

    monkeypatch.setattr(detection, "detected", small_device)
    monkeypatch.setattr(Nothing, "cpu", cpu)
    found, facts = look(pixels)
    assert len(found) == count
    assert facts["retreats"] == ("device out of memory: network on the CPU",)


def test_no_numbers_are_refused_with_their_place(monkeypatch):
    def wrong(network, given, **_):
        raise FloatingPointError

    monkeypatch.setattr(detection, "detected", wrong)
    with pytest.raises(BackendError, match=r"field\.tif: part at row 0, column 0: .* not finite numbers"):
        look(np.zeros((64, 64), np.uint8))


# ------------------------------------------------------------------------------------------------- what a card says


@pytest.mark.parametrize(
    ("network", "match"),
    [
        ({"widths": [48, 50]}, r"widths: is \[48, 50\]; only multiples of 8"),
        ({"widths": []}, "widths: 0 stages; 1 to 5"),
        ({"widths": [10**9]}, "must lie between 8 and 512"),
        ({"blocks": 0}, "blocks: got 0, must lie between 1 and 8"),
        ({"features": 0}, "features: got 0, must be at least 1"),
        ({"anchors_px": [8.0, 12.0, 18.0]}, "anchors_px: .* as many for each of 4 levels"),
        ({"anchors_px": [40.0, 20.0, 10.0, 5.0]}, "anchors_px: .* must rise"),
        ({"body": "resnet101"}, "body"),
        ({"body": "resnet50_fpn"}, "in_channels: got 1; those of torchvision take 3"),
        ({"epsilon": -1.0}, "epsilon: got -1"),
        ({"shiny": 3}, "shiny: unknown key"),
    ],
)
def test_a_network_that_cannot_be_is_refused_in_one_line(network, match):
    with pytest.raises(BackendError, match=match) as found:
        numbers.maskrcnn_arguments(network, "model.toml network")
    assert len(str(found.value).splitlines()) == 1
