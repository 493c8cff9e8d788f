"""Which plane of a file with several counts: by number, by name, or an error that lists what there is."""

import numpy as np
import pytest
import tifffile

from inspect_tool.errors import ReadError
from inspect_tool.files import load_job
from inspect_tool.images.readers import read, scale
from inspect_tool.images.readers._planes import chosen
from inspect_tool.inspection import job_plan, notebook, one_field
from inspect_tool.model import Selection

RNG = np.random.default_rng(2)
OME = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">{}</OME>'


def one_line(says, function, *arguments):
    with pytest.raises(ReadError, match=says) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)


def image(size, *, channels=(), sizes="", order="XYZCT", tiff_data="<TiffData/>", name="", more=""):
    z, c, t = size
    listed = "".join(f'<Channel ID="Channel:0:{n}" Name="{label}"/>' for n, label in enumerate(channels))
    return (
        f'<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint8" SizeX="36"'
        f' SizeY="24" SizeZ="{z}" SizeC="{c}" SizeT="{t}" {sizes}>{listed}{tiff_data}{more}</Pixels></Image>'
    )


def write(path, pages, *images):
    tifffile.imwrite(path, pages, description=OME.format("".join(images)), metadata=None, photometric="minisblack")


# ------------------------------------------------------------------------------------------------ the choice itself


def test_every_axis_that_is_open_is_listed_with_its_names(tmp_path):
    axes = {"scene": ["A1", ""], "channel": ["DAPI", "GFP"], "z": 5, "time": 1}
    says = r"a: has 2 scenes, 5 z positions; say which with scene = 0 \.\.\. 1 \('A1', ''\), z = 0 \.\.\. 4$"
    one_line(says, chosen, "a", axes, Selection(channel=1))
    at = chosen("a", axes, Selection(scene="A1", channel="GFP", z=4))
    assert at == {"page": 0, "scene": 0, "channel": 1, "z": 4, "time": 0}


def test_a_name_that_is_not_there_or_not_unique():
    one_line(
        r"no channel 'Cy5'; there are channels 0 \.\.\. 1 \('DAPI', 'GFP'\)",
        chosen,
        "a",
        {"channel": ["DAPI", "GFP"]},
        Selection(channel="Cy5"),
    )
    one_line(
        "channel 'TL' is the name of 0 and 2; say which by number",
        chosen,
        "a",
        {"channel": ["TL", "GFP", "TL"]},
        Selection(channel="TL"),
    )


def test_long_lists_and_names_give_a_message_of_bearable_length():
    names = [f"{number} {'x' * 500}" for number in range(5000)]
    with pytest.raises(ReadError) as caught:
        chosen("a", {"scene": names}, Selection())
    assert len(str(caught.value)) < 1300


# ----------------------------------------------------------------------------------------------------- OME-TIFF


@pytest.mark.parametrize("order", ["XYZCT", "XYCZT", "XYZTC", "XYCTZ", "XYTCZ", "XYTZC"])
def test_ome_planes_are_found_by_their_place_in_any_order_of_axes(tmp_path, order):
    """Pages run along the third letter first, then the fourth: the OME schema's DimensionOrder."""
    size = {"Z": 2, "C": 3, "T": 2}
    pages = RNG.integers(0, 256, (12, 24, 36), dtype=np.uint8)
    path = tmp_path / "a.ome.tif"
    write(path, pages, image((2, 3, 2), channels=("DAPI", "GFP", "Cy5"), order=order))
    fast, middle, slow = order[2:]
    for number, plane in enumerate(pages):
        at = {
            fast: number % size[fast],
            middle: number // size[fast] % size[middle],
            slow: number // size[fast] // size[middle],
        }
        found = read(path, Selection(channel=("DAPI", "GFP", "Cy5")[at["C"]], z=at["Z"], time=at["T"]))
        assert np.array_equal(found.pixels, plane)
        assert np.array_equal(read(path, Selection(page=number)).pixels, plane)
    assert found.meta["channel"] == f"{at['C']} of 3 (Cy5, counted from 0)"


def test_ome_as_tifffile_writes_it_agrees_with_its_own_series(tmp_path):
    stack = RNG.integers(0, 256, (2, 4, 3, 24, 36), dtype=np.uint8)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, stack, ome=True, metadata={"axes": "TZCYX"}, photometric="minisblack")
    one_line(r"has 3 channels, 4 z positions, 2 times; say which with channel = 0 \.\.\. 2", read, path)
    assert np.array_equal(read(path, Selection(channel=2, z=1, time=1)).pixels, stack[1, 1, 2])


def test_scenes_of_different_scale_have_their_own(tmp_path):
    pages = RNG.integers(0, 256, (2, 24, 36), dtype=np.uint8)
    sizes = 'PhysicalSizeX="{0}" PhysicalSizeY="{0}"'
    parts = [
        image((1, 1, 1), name=name, sizes=sizes.format(size), tiff_data=f'<TiffData IFD="{ifd}"/>')
        for ifd, (name, size) in enumerate((("overview", 0.5), ("detail", 0.25)))
    ]
    path = tmp_path / "a.ome.tif"
    write(path, pages, *parts)
    one_line(r"has 2 scenes; say which with scene = 0 \.\.\. 1 \('overview', 'detail'\)", read, path)
    for number, (name, size) in enumerate((("overview", 0.5), ("detail", 0.25))):
        found = read(path, Selection(scene=name))
        assert np.array_equal(found.pixels, pages[number])
        assert found.calibration.pixel_um == size == scale(path, Selection(scene=number)).pixel_um
    # nobody says which image page 0 is
    assert read(path, Selection(page=0)).calibration.pixel_um is None


def test_a_plane_in_another_file_of_the_set_is_named(tmp_path):
    there = '<TiffData FirstC="0" IFD="0"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>'
    elsewhere = '<TiffData FirstC="1" IFD="0"><UUID FileName="b.ome.tif">urn:uuid:2</UUID></TiffData>'
    pixels = RNG.integers(0, 256, (24, 36), dtype=np.uint8)
    path = tmp_path / "a.ome.tif"
    write(path, pixels, image((1, 2, 1), channels=("DAPI", "GFP"), tiff_data=there + elsewhere))
    assert np.array_equal(read(path, Selection(channel="DAPI")).pixels, pixels)
    one_line(
        r"at channel 1, z 0, time 0 lies in another file of the set; name that one: b\.ome\.tif",
        read,
        path,
        Selection(channel="GFP"),
    )


@pytest.mark.parametrize(
    "part",
    [
        image((1, 1, 1), tiff_data='<TiffData IFD="0"/>'),  # a page that is not named
        image((2, 1, 1), tiff_data='<TiffData IFD="0"/><TiffData IFD="1"/>'),  # two pages for one plane
        image((2, 1, 1), order="XYABC"),
        image((2, "many", 1)),
        image((100000, 100000, 100000)),
        image((2, 1, 1), tiff_data='<TiffData IFD="-1" PlaneCount="2"/>'),
        image((2, 1, 1), tiff_data='<TiffData IFD="0" PlaneCount="99999999999"/>'),
    ],
)
def test_planes_that_do_not_fit_the_pages_leave_the_pages(tmp_path, part):
    path = tmp_path / "a.ome.tif"
    write(path, RNG.integers(0, 256, (2, 24, 36), dtype=np.uint8), part)
    one_line(r"has 2 pages; say which with page = 0 \.\.\. 1", read, path)


def test_a_plane_that_was_not_recorded(tmp_path):
    path = tmp_path / "a.ome.tif"
    pages = RNG.integers(0, 256, (2, 24, 36), dtype=np.uint8)
    write(path, pages, image((3, 1, 1)))
    assert np.array_equal(read(path, Selection(z=1)).pixels, pages[1])
    one_line("the plane at channel 0, z 2, time 0 is not in the file", read, path, Selection(z=2))


def test_entities_in_ome_are_not_parsed(tmp_path):
    head = '<!DOCTYPE OME [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    text = head + OME.format(image((1, 2, 1), channels=("&b;", "c")))
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        RNG.integers(0, 256, (2, 24, 36), dtype=np.uint8),
        description=text,
        metadata=None,
        photometric="minisblack",
    )
    one_line("has 2 pages", read, path)
    assert read(path, Selection(page=1)).calibration.pixel_um is None


# ------------------------------------------------------------------------------------------------ where it is said


def test_a_job_and_the_python_call_choose_alike(tmp_path):
    stack = RNG.integers(0, 256, (3, 24, 36), dtype=np.uint8)
    metadata = {"axes": "CYX", "Channel": {"Name": ["BSE", "SE", "EDS"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, ome=True, metadata=metadata, photometric="minisblack")
    job = tmp_path / "job.toml"
    job.write_text(
        'recipe = "porosity"\nimages = ["a.ome.tif"]\nchannel = "SE"\n[calibration]\nsource = "ratio only"\n'
    )
    assert load_job(job).channel == "SE"
    planned = job_plan.plan(job)
    found = one_field.read_source(planned, planned.sources[0])
    assert np.array_equal(found.pixels, stack[1])
    assert found.meta["channel"] == "1 of 3 (SE, counted from 0)"
    again = notebook.read(tmp_path / "a.ome.tif", channel=1, pixel_um=0.5)
    assert np.array_equal(again.pixels, stack[1])
