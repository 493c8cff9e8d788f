"""Micrographs and X-ray images in, defensible inspection reports out."""

__version__ = "0.1.0"
