"""A few small perceptrons, each taught with other weights of the strokes: where they differ, strokes decide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspect_tool.segmentation.networks.layers import Weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Perceptrons:
    """Weights of all members; each has one hidden layer, rectified, and a softmax."""

    hidden: NDArray[np.float32]  # (members, features, hidden)
    hidden_bias: NDArray[np.float32]  # (members, hidden)
    head: NDArray[np.float32]  # (members, hidden, classes)
    head_bias: NDArray[np.float32]  # (members, classes)

    @property
    def members(self) -> int:
        """How many perceptrons there are."""
        return len(self.hidden)


def shapes(members: int, features: int, hidden: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights by name, as they are stored."""
    return {
        "hidden.weight": (members, features, hidden),
        "hidden.bias": (members, hidden),
        "head.weight": (members, hidden, classes),
        "head.bias": (members, classes),
    }


def perceptrons(weights: Weights) -> Perceptrons:
    """Take stored weights, whose shapes have been checked."""
    return Perceptrons(
        hidden=weights["hidden.weight"],
        hidden_bias=weights["hidden.bias"],
        head=weights["head.weight"],
        head_bias=weights["head.bias"],
    )


def stored(model: Perceptrons) -> Weights:
    """Give the weights by the names under which they are stored."""
    return {
        "hidden.weight": model.hidden,
        "hidden.bias": model.hidden_bias,
        "head.weight": model.head,
        "head.bias": model.head_bias,
    }


def probabilities(model: Perceptrons, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of every class, by every member.

    Parameters
    ----------
    model : Perceptrons
        The members.
    pixels : ndarray of float32
        (features, pixels).

    Returns
    -------
    ndarray of float32
        (members, classes, pixels); the classes add up to 1.
    """
    made = np.empty((model.members, model.head.shape[2], pixels.shape[1]), np.float32)
    for member in range(model.members):
        inner = model.hidden[member].T @ pixels
        inner += model.hidden_bias[member][:, None]
        np.maximum(inner, 0, out=inner)
        score = model.head[member].T @ inner + model.head_bias[member][:, None]
        score -= score.max(axis=0)
        np.exp(score, out=score)
        made[member] = score / score.sum(axis=0)
    return made
