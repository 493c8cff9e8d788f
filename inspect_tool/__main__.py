"""``python -m inspect_tool`` is ``inspect-tool``."""

from inspect_tool.cli import main

main()
