"""Everything a job reads is looked at before anything is measured, and all that is wrong is named at once."""

import numpy as np
import pytest
import tifffile
from test_folders import JOB, images

from inspect_tool.errors import CalibrationError, InspectError, ReadError
from inspect_tool.inspection import job_run, workers
from inspect_tool.inspection.workers import each, processes


def truncated(path):
    path.write_bytes(path.read_bytes()[:9000])


def refused(tmp_path, error, match, workers=1):
    told = []
    with pytest.raises(error, match=match) as raised:
        job_run.run(tmp_path / "job.toml", tmp_path / "out", workers=workers, progress=lambda *step: told.append(step))
    assert told == [(0, 5, "looking at 4 images")]  # and no field was measured
    assert "\n" not in str(raised.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_damaged_files_among_many_are_all_named_before_anything_is_measured(tmp_path, workers):
    images(tmp_path, 4)
    (tmp_path / "job.toml").write_text(JOB.format(images="f_*.tif"))
    truncated(tmp_path / "f_1.tif")
    truncated(tmp_path / "f_3.tif")
    refused(tmp_path, ReadError, r"2 of 4 images cannot be used: .*f_1\.tif.*; .*f_3\.tif", workers)


def test_one_damaged_file_is_said_as_ever(tmp_path):
    images(tmp_path, 4)
    (tmp_path / "job.toml").write_text(JOB.format(images="f_*.tif"))
    truncated(tmp_path / "f_3.tif")
    refused(tmp_path, ReadError, r"^(?!.*cannot be used).*f_3\.tif")


def test_a_mask_of_another_size_is_found_before_anything_is_measured(tmp_path):
    images(tmp_path, 4)
    for i in range(4):
        mask = np.zeros((128, 128 if i < 3 else 100), np.uint8)
        mask[20:40, 30:50] = 255
        tifffile.imwrite(tmp_path / f"m_{i}.tif", mask)
    backend = '[backend]\nname = "labels"\nmasks = ["m_*.tif"]\n'
    (tmp_path / "job.toml").write_text(JOB.format(images="f_*.tif") + backend)
    refused(tmp_path, InspectError, r"f_3\.tif|m_3\.tif")


def test_images_of_two_scales_are_found_before_anything_is_measured(tmp_path):
    images(tmp_path, 4)
    for i in range(4):
        pixels = tifffile.imread(tmp_path / f"f_{i}.tif")
        ome = {"axes": "YX", "PhysicalSizeX": 0.5 + (i == 3), "PhysicalSizeXUnit": "µm"}
        ome |= {"PhysicalSizeY": ome["PhysicalSizeX"], "PhysicalSizeYUnit": "µm"}
        tifffile.imwrite(tmp_path / f"f_{i}.ome.tif", pixels, ome=True, metadata=ome)
    job = JOB.format(images="f_*.ome.tif").partition("[calibration]")[0]
    (tmp_path / "job.toml").write_text(job)
    refused(tmp_path, CalibrationError, r"f_3\.ome\.tif")


@pytest.mark.parametrize("count", [1, 2])
def test_answers_come_in_the_order_of_what_was_asked(count):
    told = []
    with processes(count) as pool:
        found = each(pool, divmod, [(7, 2), (9, 4), (8, 3)], lambda *step: told.append(step))
    assert found == [(3, 1), (2, 1), (2, 2)]
    assert len(told) == 3


def test_where_no_processes_can_be_had_this_one_does_the_work(monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")  # what a semaphore says where /dev/shm may not be written to

    monkeypatch.setattr(workers, "ProcessPoolExecutor", refused)
    with processes(2) as pool:
        assert pool is None
        assert each(pool, divmod, [(7, 2), (9, 4)], lambda *_: None) == [(3, 1), (2, 1)]
