"""Losses against torch's own cross entropy and Dice worked out by hand."""

import pytest
import torch
from torch.nn import functional

from inspect_tool.training.losses import UNKNOWN, cross_entropy, cross_entropy_dice, soft_dice


@pytest.fixture
def example():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(2, 3, 5, 4, generator=generator, requires_grad=True)
    target = torch.randint(-1, 3, (2, 5, 4), generator=generator, dtype=torch.int32)
    return scores, target


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_cross_entropy_agrees_with_torch(example, weights):
    scores, target = example
    scale = None if weights is None else torch.tensor(weights)
    # independent: the mean as torch takes it
    expected = functional.cross_entropy(scores, target.long(), scale, ignore_index=UNKNOWN)
    found = cross_entropy_dice(3, weights=weights, dice=0.0)(scores, target)
    torch.testing.assert_close(found, expected)


def test_nothing_is_learned_from_what_is_not_annotated(example):
    scores, target = example
    cross_entropy_dice(3)(scores, target).backward()
    unknown = (target == UNKNOWN)[:, None].expand_as(scores)
    assert unknown.any()
    assert float(scores.grad[unknown].abs().max()) == 0
    assert float(scores.grad[~unknown].abs().min()) > 0


def test_a_batch_without_annotation_has_no_loss():
    scores = torch.zeros(1, 2, 2, 2, requires_grad=True)
    target = torch.full((1, 2, 2), UNKNOWN)
    value = cross_entropy_dice(2)(scores, target)
    value.backward()
    assert float(value.detach()) == 0
    assert float(cross_entropy(scores, target).detach()) == 0


def test_soft_dice_worked_by_hand():
    # probabilities 1/2 everywhere, three pixels of class 0 and one of class 1:
    # Dice 0 = 2 * 1.5 / (2 + 3) = 0.6, Dice 1 = 2 * 0.5 / (2 + 1) = 1/3, loss = 1 - (0.6 + 1/3) / 2
    target = torch.tensor([[[0, 0], [0, 1]]])
    assert float(soft_dice(torch.zeros(1, 2, 2, 2), target, 2)) == pytest.approx(1 - (0.6 + 1 / 3) / 2)


def test_a_class_that_the_batch_lacks_does_not_count():
    target = torch.zeros((1, 1, 2), dtype=torch.long)
    sure = torch.tensor([[[[50.0, 50.0]], [[-50.0, -50.0]], [[-50.0, -50.0]]]])
    assert float(soft_dice(sure, target, 3)) == 0
