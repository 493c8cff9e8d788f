"""The networks once more, straight from their papers in torch's functional form: what every engine must answer."""

import torch
from torch.nn import functional

ACTIVATIONS = {
    "relu": functional.relu,
    "elu": functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda image: image,
}


def _layer(weights, name, image, activation, epsilon, norm=None):
    kernel = weights[f"{name}.weight"]
    padding = (kernel.shape[2] // 2, kernel.shape[3] // 2)
    image = functional.conv2d(image, kernel, weights.get(f"{name}.bias"), padding=padding)
    if norm is not None and f"{norm}.weight" in weights:
        mean, variance, scale, shift = (
            weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        image = functional.batch_norm(image, mean, variance, scale, shift, eps=epsilon)
    return ACTIVATIONS[activation](image)


def unet(weights, image, depth=4, **_):
    """Probabilities of a U-Net."""

    def double(image, block):
        for convolution, norm in ((0, 1), (3, 4)):
            image = _layer(weights, f"{block}.{convolution}", image, "relu", 1e-5, f"{block}.{norm}")
        return image

    down = [double(image, "encoder.0")]
    for level in range(1, depth + 1):
        down.append(double(functional.max_pool2d(down[-1], 2), f"encoder.{level}"))
    image = down[depth]
    for n in range(depth):
        wide = functional.interpolate(image, scale_factor=2.0, mode="nearest")
        image = double(torch.cat([wide, down[depth - 1 - n]], 1), f"decoder.{n}")
    scores = functional.conv2d(image, weights["head.weight"], weights["head.bias"])
    return (scores[:, 1:] - scores[:, :1]).sigmoid() if scores.shape[1] == 2 else scores.softmax(1)


def stardist(
    weights,
    image,
    grid=(2, 2),
    depth=3,
    convolutions=2,
    pool=(2, 2),
    features=128,
    activation="relu",
    last_activation="relu",
    **_,
):
    """Probability and ray distances of a StarDist network; layers in the order in which Keras has them."""

    def layers(image, *names, last=activation):
        for name in names:
            act = last if name == names[-1] else activation
            image = _layer(weights, f"layers.{name}.0", image, act, 1e-3, f"layers.{name}.1")
        return image

    reached, n = [1, 1], 0
    while tuple(reached) != tuple(grid):
        step = [2 if reached[axis] < grid[axis] else 1 for axis in (0, 1)]
        image = layers(image, *(f"grid_{n + k}" for k in range(convolutions)))
        image = functional.max_pool2d(image, step)
        n, reached = n + convolutions, [reached[axis] * step[axis] for axis in (0, 1)]
    skipped = []
    for level in range(depth):
        image = layers(image, *(f"down_level_{level}_no_{k}" for k in range(convolutions)))
        skipped.append(image)
        image = functional.max_pool2d(image, tuple(pool))
    numbers = [*range(convolutions - 1), convolutions]
    image = layers(image, *(f"middle_{k}" for k in numbers))
    for level in reversed(range(depth)):
        wide = image.repeat_interleave(pool[0], 2).repeat_interleave(pool[1], 3)
        image = torch.cat([wide, skipped[level]], 1)
        last = activation if level else last_activation
        image = layers(image, *(f"up_level_{level}_no_{k}" for k in numbers), last=last)
    if features:
        image = layers(image, "features")
    scores = functional.conv2d(image, weights["head.weight"], weights["head.bias"])
    return torch.cat([scores[:, :1].sigmoid(), scores[:, 1:].clamp(min=1e-3)], 1)
