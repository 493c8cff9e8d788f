"""The errors of a backend on labeled images, measured."""
