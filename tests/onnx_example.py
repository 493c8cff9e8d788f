"""A real encoder and decoder in ONNX, small enough to be known: written byte by byte, as no package here writes them.

The format is that of onnx.proto (IR version 8): https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inspect_tool.segmentation.prompt.sam import write_card

SIDE = 256
COARSE = SIDE // 4
GRAYS = 75.0  # from the gray under the click, that are still the object: half of the contrast of the drawings
QUALITY = 0.9

FLOAT, INT64, BOOL = 1, 7, 9


def varint(value: int) -> bytes:
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def number(key: int, value: int) -> bytes:
    return varint(key << 3) + varint(value)


def block(key: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(key << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: np.ndarray) -> bytes:
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, kind) + block(8, name) + block(9, np.ascontiguousarray(values).tobytes())


def value_info(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(block(1, block(2, size) if isinstance(size, str) else number(1, size)) for size in shape)
    return block(1, name) + block(2, block(1, number(1, FLOAT) + block(2, dims)))


def node(kind: str, given: Sequence[str], made: str, **attributes: int | Sequence[int]) -> bytes:
    parts = b"".join(block(1, name) for name in given) + block(2, made) + block(4, kind)
    for key, value in attributes.items():
        if isinstance(value, int):
            parts += block(5, block(1, key) + number(3, value) + number(20, 2))
        else:
            parts += block(5, block(1, key) + b"".join(number(8, one) for one in value) + number(20, 7))
    return parts


def model(nodes: Sequence[bytes], constants: dict[str, np.ndarray], given: dict, made: dict) -> bytes:
    graph = b"".join(block(1, one) for one in nodes) + block(2, "graph")
    graph += b"".join(block(5, tensor(name, values)) for name, values in constants.items())
    graph += b"".join(block(11, value_info(name, shape)) for name, shape in given.items())
    graph += b"".join(block(12, value_info(name, shape)) for name, shape in made.items())
    return number(1, 8) + block(7, graph) + block(8, block(1, "") + number(2, 13))


def encoder(side: int = SIDE, output: str = "image_embeddings") -> bytes:
    """Mean of the colors, and of every 4 x 4 pixels."""
    nodes = [
        node("ReduceMean", ["image"], "gray", axes=[1], keepdims=1),
        node("AveragePool", ["gray"], output, kernel_shape=[4, 4], strides=[4, 4]),
    ]
    return model(nodes, {}, {"image": (1, 3, side, side)}, {output: (1, 1, side // 4, side // 4)})


def decoder(embedding: str = "image_embeddings", mask: str = "low_res_masks") -> bytes:
    """Object: as gray as the picture is at the mean of the points with a label above 0.5 (clicks inside, or a box)."""
    rows, columns = np.mgrid[:COARSE, :COARSE].astype(np.float32)[:, None, None]
    constants = {
        "half": np.array([0.5], np.float32),
        "four": np.array([4.0], np.float32),
        "grays": np.array([GRAYS], np.float32),
        "slope": np.array([0.04], np.float32),
        "one": np.array([1], np.int64),
        "two": np.array([2], np.int64),
        "first": np.array(0, np.int64),
        "second": np.array(1, np.int64),
        "rows": rows,
        "columns": columns,
        "good": np.array([[QUALITY]], np.float32),
    }
    nodes = [
        node("Greater", ["point_labels", "half"], "counts"),
        node("Cast", ["counts"], "weights", to=FLOAT),
        node("Unsqueeze", ["weights", "two"], "weights_2"),
        node("Mul", ["point_coords", "weights_2"], "weighted"),
        node("ReduceSum", ["weighted", "one"], "sum", keepdims=0),
        node("ReduceSum", ["weights", "one"], "total", keepdims=1),
        node("Div", ["sum", "total"], "mean"),
        node("Div", ["mean", "four"], "coarse"),
        node("Floor", ["coarse"], "cell"),
        node("Gather", ["cell", "first"], "x", axis=1),
        node("Gather", ["cell", "second"], "y", axis=1),
        node("Equal", ["columns", "x"], "is_x"),
        node("Equal", ["rows", "y"], "is_y"),
        node("And", ["is_x", "is_y"], "is_it"),
        node("Cast", ["is_it"], "here", to=FLOAT),
        node("Mul", [embedding, "here"], "there"),
        node("ReduceSum", ["there"], "gray", keepdims=1),
        node("Sub", [embedding, "gray"], "off"),
        node("Abs", ["off"], "far"),
        node("Sub", ["grays", "far"], "near"),
        node("Mul", ["near", "slope"], mask),
        node("Identity", ["good"], "iou_predictions"),
    ]
    given = {
        embedding: (1, 1, COARSE, COARSE),
        "point_coords": (1, "n", 2),
        "point_labels": (1, "n"),
        "mask_input": (1, 1, COARSE, COARSE),
        "has_mask_input": (1,),
        "orig_im_size": (2,),
    }
    return model(nodes, constants, given, {mask: (1, 1, COARSE, COARSE), "iou_predictions": (1, 1)})


def known_pair(folder: Path, **card: object) -> Path:
    """Both files with their card: the object is what is about as gray as the picture is under the click."""
    write_pair(folder)
    values = {"name": "tiny", "title": "as gray as under the click", "licence": "Apache-2.0", "commercial": True}
    plain = {"mean": (0.0, 0.0, 0.0), "deviation": (1.0, 1.0, 1.0)}
    write_card(folder, encoder="encoder.onnx", decoder="decoder.onnx", **{**values, **plain, **card})
    return folder


def write_pair(folder: Path) -> Path:
    """Both files in a folder."""
    folder.mkdir(parents=True)
    (folder / "encoder.onnx").write_bytes(encoder())
    (folder / "decoder.onnx").write_bytes(decoder())
    return folder
