"""Nikon ND2 files (version 3) written byte by byte, for tests of the reader: chunks, and a map of them at the end."""

import struct

import numpy as np

MAGIC = 0x0ABECEDA
PROBE = {"pFluorescentProbe": {"m_sName": "none"}}  # the metadata of the library need one
MAP_NAME, MAP_END = b"ND2 FILEMAP SIGNATURE NAME 0001!", b"ND2 CHUNK MAP SIGNATURE 0000001!"


def write_nd2(
    path, pixels, *, pixel_um=0.25, calibrated=True, channels=("Mono",), loops=(), leave_out=(), **attributes
):
    """Write frames to an ND2 file.

    ``pixels`` are (frames, rows, columns, components); ``loops`` are ("z" | "time", count) or ("scene", names), the
    outermost first; frames of ``leave_out`` are not written. ``attributes`` change what the header says.
    """
    frames, rows, columns, components = pixels.shape
    bits = 8 * pixels.itemsize
    held = {
        "uiWidth": columns,
        "uiWidthBytes": columns * components * pixels.itemsize,
        "uiHeight": rows,
        "uiComp": components,
        "uiBpcInMemory": bits,
        "uiBpcSignificant": bits,
        "uiSequenceCount": frames,
        "eCompression": 2,
        **attributes,
    }
    planes = {
        f"a{number}": {"sDescription": name, "uiCompCount": components // len(channels), "uiColor": 255, **PROBE}
        for number, name in enumerate(channels)
    }
    picture = {
        "bCalibrated": calibrated,
        "dCalibration": pixel_um,
        "dAspect": 1.0,
        "sPicturePlanes": {"uiCount": len(channels), "sPlaneNew": planes},
    }
    chunks = {
        b"ImageAttributesLV!": level("SLxImageAttributes", held),
        b"ImageMetadataSeqLV|0!": level("SLxPictureMetadata", picture),
    }
    if loops:
        chunks[b"ImageMetadataLV!"] = level("SLxExperiment", experiment(list(loops)))
    for number, frame in enumerate(pixels):
        if number not in leave_out:
            chunks[b"ImageDataSeq|%d!" % number] = struct.pack("<d", 0.0) + np.ascontiguousarray(frame).tobytes()
    content = bytearray(chunk(b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0".ljust(64, b"\0"), 32))
    listed = b""
    for name, data in chunks.items():
        listed += name + struct.pack("<QQ", len(content), len(data))
        content += chunk(name, data, 4072 if name.startswith(b"ImageDataSeq") else 64)
    end = MAP_END + struct.pack("<Q", len(content))
    content += chunk(MAP_NAME, listed + end, 32)
    path.write_bytes(content)


def chunk(name, data, room):
    return struct.pack("<IIQ", MAGIC, room, len(data)) + name.ljust(room, b"\0") + data


def experiment(loops):
    (kind, positions), *others = loops
    if kind == "scene":
        points = {f"i{n:010}": {"dPosX": 100.0 * n, "dPosY": 0.0, "dPosName": name} for n, name in enumerate(positions)}
        number, pars = 2, {"uiCount": len(positions), "Points": points}
    elif kind == "z":
        number, pars = 4, {"uiCount": positions, "dZStep": 1.0, "dZLow": 0.0, "dZHigh": positions - 1.0}
    else:
        number, pars = 1, {"uiCount": positions, "dStart": 0.0, "dPeriod": 1.0, "dDuration": 1.0}
    found = {"eType": number, "uLoopPars": pars}
    return {**found, "ppNextLevelEx": {"i0000000000": experiment(others)}} if others else found


def level(name, items):
    """Nested values as the format writes them: type, length of the name, name in UTF-16, value."""
    body = b"".join(level(key, value) if isinstance(value, dict) else leaf(key, value) for key, value in items.items())
    head = struct.pack("BB", 11, len(name) + 1) + (name + "\0").encode("utf-16-le")
    return head + struct.pack("<IQ", len(items), len(head) + 12 + len(body)) + body + bytes(8 * len(items))


def leaf(name, value):
    if isinstance(value, bool):
        kind, data = 1, struct.pack("B", value)
    elif isinstance(value, int):
        kind, data = 3, struct.pack("<I", value)
    elif isinstance(value, float):
        kind, data = 6, struct.pack("<d", value)
    else:
        kind, data = 8, (value + "\0").encode("utf-16-le")
    return struct.pack("BB", kind, len(name) + 1) + (name + "\0").encode("utf-16-le") + data
