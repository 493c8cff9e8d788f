"""What a semantic network is trained to make small: cross entropy and soft Dice over the annotated pixels."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from inspect_tool.training.annotations import UNKNOWN as UNKNOWN


def cross_entropy_dice(
    classes: int, *, weights: Sequence[float] | None = None, dice: float = 0.5
) -> Callable[[Tensor, Tensor], Tensor]:
    """Weighted sum of cross entropy and soft Dice.

    Cross entropy makes the probabilities honest, Dice keeps small classes from being ignored.

    Parameters
    ----------
    classes : int
        Number of classes.
    weights : sequence of float, optional
        One per class, for the cross entropy; the mean over the pixels is weighted accordingly.
    dice : float
        Share of Dice, 0 to 1.

    Returns
    -------
    callable
        ``loss(scores (n, classes, h, w), target (n, h, w) int with -1 = not annotated) -> Tensor ()``

    References
    ----------
    Soft Dice: F. Milletari, N. Navab, S.-A. Ahmadi, 3DV 2016, arXiv 1606.04797.
    """
    scale = None if weights is None else torch.tensor(list(weights), dtype=torch.float32)

    def loss(scores: Tensor, target: Tensor) -> Tensor:
        scores, target = scores.float(), target.long()
        entropy = cross_entropy(scores, target, scale)
        if not dice:
            return entropy
        return (1 - dice) * entropy + dice * soft_dice(scores, target, classes)

    return loss


def cross_entropy(scores: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross entropy of the annotated pixels; 0 where there is none.

    >>> round(float(cross_entropy(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, -1]]]))), 6)  # ln 2
    0.693147
    """
    if weights is not None:
        weights = weights.to(scores.device)
    each = functional.cross_entropy(scores, target, weights, ignore_index=UNKNOWN, reduction="none")
    known = target != UNKNOWN
    share = known.float() if weights is None else weights[target.clamp(min=0)] * known
    return each.sum() / share.sum().clamp(min=1e-6)


def soft_dice(scores: Tensor, target: Tensor, classes: int) -> Tensor:
    """1 - Dice of the probabilities, mean over the classes that the batch holds.

    >>> target = torch.tensor([[[0, 1]]])
    >>> sure = torch.tensor([[[[50.0, -50.0]], [[-50.0, 50.0]]]])
    >>> float(soft_dice(sure, target, 2)), float(soft_dice(-sure, target, 2))
    (0.0, 1.0)
    """
    known = (target != UNKNOWN).unsqueeze(1)
    probability = scores.softmax(dim=1) * known
    truth = functional.one_hot(target.clamp(min=0), classes).permute(0, 3, 1, 2) * known
    both = (probability * truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3))
    dice = 2 * both / (probability.sum(dim=(0, 2, 3)) + present).clamp(min=1e-6)
    held = (present > 0).float()
    return ((1 - dice) * held).sum() / held.sum().clamp(min=1.0)
