"""Image files to micrographs: one module per family of formats, each with ``SUFFIXES`` and ``read``."""
