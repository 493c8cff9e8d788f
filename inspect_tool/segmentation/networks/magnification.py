"""An image at the magnification, and with the channels, that a model was trained with."""

from inspect_tool.errors import BackendError
from inspect_tool.languages import Text
from inspect_tool.model import Micrograph, ModelCard, Samples
from inspect_tool.pixels.reduced import scaled

SAME_SCALE = 1.05
"""A smaller change of scale is not worth the blur it costs."""

LARGEST_SCALE = 8.0
"""Beyond, nothing of the structure is left or nothing is gained."""

REDUCED = "reduced"
"""Setting of a card: how many times smaller than the images of the training, of unknown scale, the model saw them."""

EQUALIZED = "equalized"
"""Setting of a card: whether the model sees shares of darker pixels (``weights.equalized``) in place of gray values."""


def training_scale(card: ModelCard, micrograph: Micrograph, set_: float | None) -> tuple[float, str]:
    """Enlargement that brings an image to the scale of the training, and where it comes from.

    Parameters
    ----------
    card : ModelCard
        Of the model; without ``pixel_um`` an image is taken as it is, or reduced as the card says.
    micrograph : Micrograph
        The image.
    set_ : float or None
        What the job says.

    Raises
    ------
    BackendError
        The magnification is too far from that of the training.
    """
    if set_ is not None:
        return set_, "set"
    pixel_um = micrograph.calibration.pixel_um
    if card.pixel_um is None or pixel_um is None:
        reduced = float(card.settings.get(REDUCED, 1.0))
        return 1 / reduced, "as it is" if reduced == 1 else Text("segmentation.scale_reduced", reduced=reduced)
    scale = pixel_um / card.pixel_um
    if not 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
        msg = (
            f"{micrograph.path}: {pixel_um:g} um/px is {scale:.3g} times the {card.pixel_um:g} um/px that model "
            f"'{card.name}' was trained at; take images of a nearer magnification, or another model"
        )
        raise BackendError(msg)
    how = Text("segmentation.scale_by_pixel", pixel_um=pixel_um, trained_um=card.pixel_um)
    return (1.0, how) if 1 / SAME_SCALE < scale < SAME_SCALE else (scale, how)


def seen(card: ModelCard, micrograph: Micrograph) -> Samples:
    """What the model sees: gray values, or colors where the image and the model have them."""
    return micrograph.pixels if card.channels == "gray" or micrograph.color is None else micrograph.color


def resized(pixels: Samples, scale: float) -> Samples:
    """The image at another scale: means of areas when it becomes smaller, bilinear when it becomes larger."""
    if scale == 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return scaled(pixels, size, "area" if scale < 1 else "bilinear")
