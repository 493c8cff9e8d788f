"""Micrographs to segmentations: one module or folder per method, each with ``Settings``, ``load`` and ``segment``."""
