"""Scores while a network learns, on networks whose answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from inspect_tool.training.judging import in_part, line_match, predicted_classes, validation
from inspect_tool.training.samples import Sample


class Above(nn.Module):
    """Class 1 where the image is above one half."""

    stride = 4

    def __init__(self):
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.5))

    def forward(self, image):
        return torch.cat([self.level - image, image - self.level], dim=1)


def sample(target, image=None):
    target = np.asarray(target, np.int32)
    image = (target == 1).astype(np.float32)[..., np.newaxis] if image is None else image
    return Sample(name="a", image=image, target=target, image_sha256="", mask_sha256="")


@pytest.mark.parametrize("shape", [(37, 41), (700, 530)])
def test_every_pixel_is_predicted_whatever_the_size(shape):
    target = (np.random.default_rng(0).random(shape) < 0.4).astype(np.int32)
    with torch.inference_mode():
        assert np.array_equal(predicted_classes(Above(), sample(target)), target)


def test_scores_worked_by_hand():
    # 10 x 10 px, 20 in class 1; the network sees 10 of them and 10 others; a row is not annotated
    target = np.zeros((11, 10))
    target[:2] = 1
    target[10] = -1
    image = np.zeros((11, 10, 1), np.float32)
    image[1:3] = 1
    with torch.inference_mode():
        scores = validation([sample(target, image)], ("matrix", "phase"))(Above())
    assert scores["iou.phase"] == pytest.approx(10 / 30)
    assert scores["iou.matrix"] == pytest.approx(70 / 90)
    assert scores["score"] == pytest.approx((10 / 30 + 70 / 90) / 2)
    assert scores["area_error.phase"] == 0


def test_counts_of_images_are_added_and_area_errors_are_not():
    # one image has 10 px too many of class 1, the other 10 too few: errors do not cancel
    more, fewer = np.zeros((10, 10, 1), np.float32), np.zeros((10, 10, 1), np.float32)
    target = np.zeros((10, 10))
    target[:2] = 1
    more[:3], fewer[:1] = 1, 1
    with torch.inference_mode():
        scores = validation([sample(target, more), sample(target, fewer)], ("matrix", "phase"))(Above())
    assert scores["iou.phase"] == pytest.approx(30 / 50)
    assert scores["area_error.phase"] == pytest.approx(10)


def test_a_class_that_is_nowhere_has_no_score():
    with torch.inference_mode():
        scores = validation([sample(np.zeros((8, 8)))], ("matrix", "phase"))(Above())
    assert np.isnan(scores["iou.phase"])
    assert scores["score"] == 1


def test_lines_are_scored_by_their_distance():
    target, near, far = (np.zeros((20, 30), np.int32) for _ in range(3))
    target[:, 10], near[:, 12], far[:, 13] = 1, 1, 1
    assert line_match(target, near).f1 == 1
    assert line_match(target, far).f1 == 0
    with torch.inference_mode():
        scores = validation([sample(target, near[..., np.newaxis].astype(np.float32))], ("grain", "boundary"))(Above())
    assert scores["score"] == 1
    assert scores["iou.boundary"] == 0


def test_large_images_are_judged_where_most_classes_are():
    target = np.zeros((300, 400), np.int32)
    target[280:, 380:] = 1
    (part,) = in_part([sample(target)], most_px=30_000)
    assert part.target.shape == (150, 200)
    assert (part.target == 1).sum() == 400
    assert in_part([sample(target)], most_px=120_000)[0].target.shape == (300, 400)
