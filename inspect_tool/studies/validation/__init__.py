"""The errors of a backend on labelled images, measured."""
