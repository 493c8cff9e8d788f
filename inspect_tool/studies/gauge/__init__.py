"""Gauge studies: repeatability and reproducibility, bias against a reference."""
