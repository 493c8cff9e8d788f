"""Micrographs to segmentations: one module per method, each with ``Settings``, ``load`` and ``segment``."""
