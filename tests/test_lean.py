"""What is kept in memory of each field: the same values, and once what is the same in all."""

import pandas as pd

from inspect_tool.inspection import stored
from inspect_tool.inspection.lean import shared
from inspect_tool.languages import Text
from inspect_tool.model import Calibration, FieldMeasurement, ScaleSource


def field(number):
    return FieldMeasurement(
        specimen="A",
        section="1",
        plane="not stated",
        field=number,
        image=f"field_{number}.tif",
        shape_px=(64, 64),
        calibration=Calibration(pixel_um=0.5, source="stage micrometer", note=Text("words.and")),
        values={"area_percent": 1.5 * number, "grains": number},
        features=pd.DataFrame({"feature": [1, 2], "class": ["pore", "pore"], "area_um2": [float(number), 0.1]}),
        notes=(Text("words.pair", one="a", other=1), Text("words.pair", one="a", other=1.0)),
        read_off={"level": [1, 1.0, True, None], "how": "automatic"},
    )


def from_disk(share, number):
    return share(stored.load(stored.dump(field(number))))


def test_no_value_changes():
    share = shared({})
    for number in (1, 2, 3):
        assert stored.dump(from_disk(share, number)) == stored.dump(field(number))


def test_what_is_the_same_in_every_field_is_held_once():
    share = shared({})
    one, other = (from_disk(share, number) for number in (1, 2))
    assert one.calibration is other.calibration
    assert one.notes[0] is other.notes[0]
    assert one.features.columns is other.features.columns
    assert [a is b for a, b in zip(one.values, other.values, strict=True)] == [True, True]
    assert one.read_off["how"] is other.read_off["how"]


def test_a_number_is_never_taken_for_an_equal_one_of_another_type():
    share = shared({})
    whole, broken = (share(ScaleSource(kind="job", pixel_um=value)) for value in (1, 1.0))
    assert (type(whole.pixel_um), type(broken.pixel_um)) == (int, float)
    assert [type(note.values["other"]) for note in from_disk(share, 1).notes] == [int, float]
