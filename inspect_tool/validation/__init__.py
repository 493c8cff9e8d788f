"""Errors of a segmentation, measured on labeled images, and the budget line that follows from them."""
