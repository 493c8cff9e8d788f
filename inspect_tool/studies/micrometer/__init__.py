"""A pixel size measured on a stage micrometer."""
