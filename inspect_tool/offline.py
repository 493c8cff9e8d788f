"""Engines that would report to their makers, imported so that they do not.

ONNX Runtime and OpenVINO send what they were used for and write an identifier into the home folder, from native threads
that start with the import. Each is imported here and nowhere else in the package.
"""

import os
import sys
from importlib import import_module
from typing import Any


def onnxruntime() -> Any:
    """ONNX Runtime without telemetry, also in processes that are started afterwards."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read by its library when that is loaded
    engine = import_module("onnxruntime")
    engine.disable_telemetry_events()  # on Windows they go to the system's own collector
    return engine


def openvino() -> Any:
    """OpenVINO without telemetry: it finds no sender and takes the silent one that it has for this case."""
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # what `import` then refuses
    return import_module("openvino")
