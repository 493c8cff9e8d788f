"""One small image in the format of every reader, written by the format's own library or byte by byte."""

import shutil

import numpy as np
import tifffile
from dicom_example import write_dicom
from lif_example import write_lif
from nd2_example import write_nd2
from PIL import Image
from zarr_example import write_zarr

NAMES = ("dark", "bright", "third")


def write_tiff(path, planes, x_um, y_um):
    metadata = {
        "axes": "CYX",
        "PhysicalSizeX": x_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": y_um,
        "PhysicalSizeYUnit": "µm",
        "Channel": {"Name": list(NAMES[: len(planes)])},
    }
    tifffile.imwrite(path, planes, ome=True, metadata=metadata, photometric="minisblack")


def write_plain(path, planes, x_um, y_um):
    assert len(planes) == 1
    Image.fromarray(planes[0]).save(path, format="PNG", dpi=(25400 / x_um, 25400 / y_um))


def write_radiograph(path, planes, x_um, y_um):
    sizes = {"PixelSpacing": [y_um / 1000, x_um / 1000], "PixelSpacingCalibrationType": "GEOMETRY"}
    write_dicom(path, planes if len(planes) > 1 else planes[0], **sizes)


def write_czi(path, planes, x_um, y_um):
    from pylibCZIrw import czi

    path.unlink(missing_ok=True)
    with czi.create_czi(str(path)) as file:
        for number, plane in enumerate(planes):
            file.write(plane, plane={"C": number})
        names = dict(enumerate(NAMES[: len(planes)]))
        file.write_metadata(channel_names=names, scale_x=x_um * 1e-6, scale_y=y_um * 1e-6)


def write_leica(path, planes, x_um, y_um):
    write_lif(path, {"field": (planes[None, None], x_um, y_um, NAMES[: len(planes)])})


def write_nikon(path, planes, x_um, y_um):
    assert x_um == y_um
    write_nd2(path, np.moveaxis(planes, 0, 2)[None], pixel_um=x_um, channels=NAMES[: len(planes)])


def write_folder(path, planes, x_um, y_um, **options):
    shutil.rmtree(path, ignore_errors=True)
    write_zarr(path, planes, axes="cyx", pixel_um=(x_um, y_um), channels=NAMES[: len(planes)], **options)


# reader: function that writes (planes, rows, columns), axis of the planes ("" for one only), module it needs
WRITERS = {
    "tiff": (write_tiff, "channel", "tifffile"),
    "plain": (write_plain, "", "PIL"),
    "dicom": (write_radiograph, "page", "pydicom"),
    "czi": (write_czi, "channel", "pylibCZIrw"),
    "lif": (write_leica, "channel", "liffile"),
    "nd2": (write_nikon, "channel", "nd2"),
    "ome_zarr": (write_folder, "channel", "zarr"),
}
