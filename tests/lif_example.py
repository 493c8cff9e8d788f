"""Leica LIF files written byte by byte, for the tests of the reader: an XML header and one memory block per image."""

import struct

import numpy as np


def write_lif(path, images, *, head="", size=None):
    """Write images to a LIF file.

    ``images`` maps a name to (pixels, pixel size x, y [um], LUT names): pixels are (time, z, channel, rows, columns),
    or (time, z, rows, columns, 3) for a color image (no LUT names). ``size``: what the header says of rows and
    columns.
    """
    elements, blocks = [], []
    for number, (name, (pixels, size_x, size_y, channels)) in enumerate(images.items()):
        elements.append(_element(name, number, pixels, size_x, size_y, channels, size))
        blocks.append(_block(f"MemBlock_{number}", np.ascontiguousarray(pixels).tobytes()))
    text = (
        f'{head}<LMSDataContainerHeader Version="2"><Element Name="project" Visibility="1"><Data/><Memory Size="0"'
        f' MemoryBlockID="MemBlock_p"/><Children>{"".join(elements)}</Children></Element></LMSDataContainerHeader>'
    )
    xml = text.encode("utf-16-le")
    start = struct.pack("<IIBI", 0x70, len(xml) + 5, 0x2A, len(xml) // 2) + xml
    path.write_bytes(start + _block("MemBlock_p", b"") + b"".join(blocks))


def _block(name, data):
    letters = name.encode("utf-16-le")
    return struct.pack("<IIBQBI", 0x70, 14 + len(letters), 0x2A, len(data), 0x2A, len(letters) // 2) + letters + data


def _element(name, number, pixels, size_x, size_y, channels, stated):
    color = pixels.shape[-1] == 3 and not channels
    size = pixels.itemsize
    if color:
        times, depth, rows, columns, _ = pixels.shape
        steps = {"X": 3 * size, "Y": 3 * size * columns}
        described = [
            (tag, size * place, lut) for place, (tag, lut) in enumerate(((1, "Red"), (2, "Green"), (3, "Blue")))
        ]
    else:
        times, depth, count, rows, columns = pixels.shape
        steps = {"X": size, "Y": size * columns}
        described = [(0, size * columns * rows * place, lut) for place, lut in enumerate(channels)]
        assert len(channels) == count
    plane = size * rows * columns * (3 if color else len(channels))
    # the length lies between the middles of the first and the last pixel
    dimensions = [
        (1, stated[1] if stated else columns, (columns - 1) * size_x * 1e-6, "m", steps["X"]),
        (2, stated[0] if stated else rows, (rows - 1) * size_y * 1e-6, "m", steps["Y"]),
        *([(3, depth, 1e-6 * (depth - 1), "m", plane)] if depth > 1 else []),
        *([(4, times, 1.0, "s", plane * depth)] if times > 1 else []),
    ]
    is_real = int(pixels.dtype.kind == "f")
    listed = "".join(
        f'<ChannelDescription DataType="{is_real}" ChannelTag="{tag}" Resolution="{8 * size}"'
        f' NameOfMeasuredQuantity="" Min="0" Max="255" Unit="" LUTName="{lut}" IsLUTInverted="0" BytesInc="{place}"'
        ' BitInc="0"/>'
        for tag, place, lut in described
    )
    spread = "".join(
        f'<DimensionDescription DimID="{key}" NumberOfElements="{count}" Origin="0" Length="{length:.12e}"'
        f' Unit="{unit}" BytesInc="{step}" BitInc="0"/>'
        for key, count, length, unit, step in dimensions
    )
    return (
        f'<Element Name="{name}" Visibility="1"><Data><Image><ImageDescription><Channels>{listed}</Channels>'
        f"<Dimensions>{spread}</Dimensions></ImageDescription></Image></Data>"
        f'<Memory Size="{pixels.nbytes}" MemoryBlockID="MemBlock_{number}"/></Element>'
    )
