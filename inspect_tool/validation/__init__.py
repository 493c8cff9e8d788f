"""Errors of a segmentation, measured on labelled images, and the budget line that follows from them."""
