"""OME-Zarr images of both versions, for tests of the reader: zarr writes the arrays, metadata are written here."""

import json

import numpy as np


def write_zarr(
    path, pixels, *, version="0.5", axes="yx", pixel_um=(0.25, 0.25), unit="micrometer", channels=(), **options
):
    """Write an array and, as level 1 of the pyramid, every second pixel of it; sizes are (x, y) [unit]."""
    import zarr

    kind = {"c": "channel", "t": "time"}
    named = [{"name": axis, "type": kind.get(axis, "space")} for axis in axes]
    for axis in named:
        if axis["type"] == "space" and unit:
            axis["unit"] = unit
    step = [dict(zip("xy", pixel_um, strict=True)).get(axis, 1.0) for axis in axes]
    coarse = [size * (2 if axis in "xy" else 1) for axis, size in zip(axes, step, strict=True)]
    image = {
        "name": "image",
        "axes": named,
        "datasets": [
            {"path": name, "coordinateTransformations": [{"type": "scale", "scale": sizes}]}
            for name, sizes in (("0", step), ("1", coarse))
        ],
    }
    ome = {"multiscales": [image]}
    if channels:
        ome["omero"] = {"channels": [{"label": name} for name in channels]}
    path.mkdir(parents=True)
    if version == "0.5":
        ome["version"] = "0.5"
        content = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
        (path / "zarr.json").write_text(json.dumps(content))
    else:
        image["version"] = version
        (path / ".zgroup").write_text('{"zarr_format": 2}')
        (path / ".zattrs").write_text(json.dumps(ome))
    every = tuple(slice(None, None, 2) if axis in "xy" else slice(None) for axis in axes)
    for name, data in (("0", pixels), ("1", pixels[every])):
        chunks = tuple(min(size, 16) if axis in "xy" else 1 for axis, size in zip(axes, data.shape, strict=True))
        array = zarr.create_array(
            str(path / name),
            shape=data.shape,
            dtype=data.dtype,
            zarr_format=3 if version == "0.5" else 2,
            **{"chunks": chunks, **options},
        )
        array[...] = np.asarray(data)
