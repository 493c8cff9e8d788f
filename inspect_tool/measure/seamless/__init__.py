"""An image that is never held whole: measured window by window, and put together to the same numbers as the whole.

Each window owns its core; what a measure looks at beyond it is read as a rim and counted by its own window. Objects
that a seam cuts are pieces until all windows are there (``objects``).
"""
