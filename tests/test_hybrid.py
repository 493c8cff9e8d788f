"""Proposals of one backend and outlines of another one, on discs that are drawn."""

import re
import shutil

import cv2
import numpy as np
import pytest
from known_networks import bright_pixels

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.inspection import job_plan, one_field
from inspect_tool.measure.seeded import grown
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import hybrid

DISCS = [(40, 50, 20), (40, 95, 24), (110, 60, 26), (105, 150, 15)]  # row, column, radius; the first two nearly touch


def discs(shrunk=0.0, shifted=0):
    """Numbers of the discs, smaller or beside where they are."""
    labels = np.zeros((150, 190), np.int32)
    row, column = np.indices(labels.shape)
    for number, (r, c, radius) in enumerate(DISCS, 1):
        labels[np.hypot(row - r, column - c - shifted) <= radius - shrunk] = number
    return labels


def picture():
    rng = np.random.default_rng(2)
    bright = cv2.GaussianBlur(np.where(discs() > 0, 190.0, 70.0).astype(np.float32), (0, 0), 0.8)
    return np.clip(bright + rng.normal(0, 4, bright.shape), 0, 255).astype(np.uint8)


def image(roi=None):
    return Micrograph(pixels=picture(), calibration=Calibration(source="ratio only"), path="discs.png", roi=roi)


def overlap(found, truth, number):
    one, other = found == number, truth == number
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


@pytest.mark.parametrize(("shrunk", "shifted"), [(5.0, 0), (-2.0, 0), (2.0, 3)])
def test_objects_grow_to_their_edges_whatever_was_proposed_of_them(shrunk, shifted):
    truth, proposed = discs(), discs(shrunk, shifted)
    found = grown(picture(), proposed)
    for number, (_, _, radius) in enumerate(DISCS, 1):
        # an outline that lies 0.6 px off on average leaves so much
        assert overlap(found, truth, number) > max(1 - 2 * 0.6 / radius, overlap(proposed, truth, number))


def test_nothing_grows_outside_the_region():
    roi = np.ones(discs().shape, bool)
    roi[:, :60] = False
    found = grown(picture(), discs(4.0), roi)
    assert not found[~roi].any()
    assert set(np.unique(found[roi]).tolist()) == {0, 2, 3, 4}


def test_nothing_proposed_is_nothing_found():
    assert not grown(picture(), np.zeros_like(discs())).any()


def test_the_proposals_stand_among_the_alternatives():
    settings = hybrid.Settings(proposals={"name": "threshold", "phase": "bright"})
    found = hybrid.segment(hybrid.load(settings), image(), settings)
    others = dict(found.alternatives())
    assert next(iter(others)) == "proposals"
    assert set(others) == {"proposals", "threshold -", "threshold +"}
    assert found.kind == "instance"
    assert not np.array_equal(others["proposals"].labels, found.labels)
    assert found.settings["agreement"] == hybrid.agreement(others["proposals"].labels, found.labels)
    assert found.settings["proposals"]["name"] == "threshold"
    assert found.settings["refine"]["name"] == "watershed"
    assert found.told.own_gray is not None  # what the proposals doubt is still doubted


def test_pieces_that_touch_stay_one_object_and_parted_ones_two():
    """Which objects there are is the business of the proposals alone."""
    joined = discs()
    joined[40, 65:75] = 1
    joined[joined == 2] = 1
    found = grown(picture(), joined)
    assert set(np.unique(found).tolist()) == {0, 1, 3, 4}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"refine": {"name": "threshold"}}, r"refine: 'threshold' takes no seeds; those that do: watershed"),
        ({"refine": {"mode": "particles"}}, r"refine.name: is missing; name a backend"),
        ({"proposals": {"name": "hybrid"}}, r"proposals: 'hybrid' cannot be a part of itself"),
        ({"proposals": {"name": "labels"}}, r"proposals: 'labels' reads what a person drew"),
        ({"proposals": {"name": "watershed"}}, r"proposals: 'watershed' gives grains, which leave no ground"),
        ({"proposals": {"name": "treshold"}}, r"unknown backend 'treshold'; .*did you mean 'threshold'"),
        ({"proposals": {"name": "threshold", "fase": "dark"}}, r"backend hybrid proposals\.fase: unknown"),
    ],
)
def test_parts_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        hybrid.load(hybrid.Settings(**settings))


def test_the_licence_of_a_part_binds_the_whole(tmp_path):
    folder = bright_pixels(tmp_path / "research", commercial=False, licence="CC BY-NC 4.0")
    part = {"name": "pixels", "model": str(folder)}
    with pytest.raises(BackendError, match=r"licence 'CC BY-NC 4\.0' does not permit commercial use"):
        hybrid.load(hybrid.Settings(proposals=part))
    settings = hybrid.Settings(proposals={**part, "commercial": False})
    found = hybrid.segment(hybrid.load(settings), image(), settings)
    assert found.settings["proposals_licence"] == "CC BY-NC 4.0"  # which the pages print
    assert re.fullmatch(r"[0-9a-f]{64}", found.weights_sha256)


def planned_with_bright_pixels(folder):
    """A job whose proposals are of a model beside it."""
    bright_pixels(folder / "bright")
    cv2.imwrite(str(folder / "discs.png"), picture())
    (folder / "job.toml").write_text(
        'recipe = "particles"\nimages = ["discs.png"]\n[calibration]\nsource = "ratio only"\n'
        '[backend]\nname = "hybrid"\nproposals = { name = "pixels", model = "bright" }\n'
    )
    return job_plan.plan(folder / "job.toml")


def test_a_model_of_a_part_lies_beside_the_job(tmp_path):
    planned = planned_with_bright_pixels(tmp_path)
    assert planned.backend_settings.proposals == {"name": "pixels", "model": str(tmp_path / "bright")}
    assert tmp_path / "bright" in set(job_plan.inputs_of(planned))


def test_weights_that_were_trained_anew_are_loaded_anew(tmp_path):
    planned = planned_with_bright_pixels(tmp_path)
    source = planned.sources[0]
    first = one_field.model_of(planned)
    assert one_field.model_of(planned) is first
    before = one_field.segmented(planned, source, image(), first).weights_sha256
    shutil.rmtree(tmp_path / "bright")
    bright_pixels(tmp_path / "bright", levels=(0.2, 0.3))
    assert one_field.segmented(planned, source, image(), one_field.model_of(planned)).weights_sha256 != before
