"""A number out of its range is refused by its key when the file is read, before anything is measured."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.files import checked
from inspect_tool.inspection.job_plan import plan

OUT_OF_RANGE = [
    ("recipe", "phase_fraction", "wanted_ra_percent", 0),
    ("recipe", "phase_fraction", "grid_points", -16),
    ("recipe", "phase_fraction", "seed", -1),
    ("recipe", "phase_fraction", "smallest_feature_px2", 0),
    ("recipe", "porosity", "minimum_px2", 0),
    ("recipe", "porosity", "minimum_um", -0.1),
    ("recipe", "porosity", "size_classes_um", [0, 5]),
    ("recipe", "porosity", "cluster_gap", 0),
    ("recipe", "porosity", "linear_elongation", -1),
    ("recipe", "porosity", "part_area_mm2", -1),
    ("recipe", "porosity", "reference_area", {"size_mm": 0}),
    ("recipe", "porosity", "reference_area", {"size_mm": 5, "height_mm": -1}),
    ("recipe", "grain_size", "triple_point_px", 0.6),
    ("recipe", "grain_size", "figure_magnification", -100),
    ("recipe", "grain_size", "placements", -1),
    ("recipe", "grain_size", "placements", 1001),
    ("recipe", "grain_size", "second_phase_threshold", -1),
    ("recipe", "grain_size", "second_phase_percent", 100),
    ("recipe", "grain_size", "smallest_grain_px", -1),
    ("recipe", "solder_voids", "pad_diameter_um", 0),
    ("recipe", "solder_voids", "pad_length_um", -1),
    ("recipe", "solder_voids", "pad_width_um", 0),
    ("recipe", "solder_voids", "min_void_px", -1),
    ("recipe", "solder_voids", "expected_joints", -1),
    ("recipe", "solder_voids", "limit_percent", 100),
    ("backend", "threshold", "n_classes", -2),
    ("backend", "threshold", "window_px", -1),
    ("backend", "threshold", "sauvola_k", 1.5),
    ("backend", "threshold", "min_object_px", -1),
    ("backend", "threshold", "fill_holes_px", -1),
    ("backend", "threshold", "min_contrast", -1),
    ("backend", "watershed", "line_sigma_px", 0),
    ("backend", "watershed", "sensitivity", 0),
    ("backend", "watershed", "support", 1.1),
    ("backend", "watershed", "smallest_px", -1),
    ("backend", "watershed", "depth", -0.1),
    ("backend", "unet", "threshold", 1.1),
    ("backend", "unet", "scale", 0),
    ("backend", "unet", "tile_px", 0),
    ("backend", "stardist", "prob_threshold", -0.1),
    ("backend", "stardist", "nms_threshold", 2),
    ("backend", "stardist", "object_px", [0, 10]),
    ("backend", "stardist", "scale", -1),
    ("backend", "stardist", "tile_px", 0),
    ("backend", "cellpose", "diameter_px", 0),
    ("backend", "cellpose", "flow_threshold", -1),
    ("backend", "cellpose", "min_size_px", -1),
    ("backend", "cellpose", "tile_batch", 0),
    ("backend", "cellpose", "chunk_px", 0),
    ("backend", "maskrcnn", "score_threshold", -0.1),
    ("backend", "maskrcnn", "mask_threshold", 2),
    ("backend", "maskrcnn", "object_px", [0, 10]),
    ("backend", "maskrcnn", "min_size_px", -1),
    ("backend", "maskrcnn", "tile_px", 0),
    ("backend", "prompt", "object_px", [0, 10]),
    ("backend", "prompt", "grid", 0),
    ("backend", "prompt", "threshold", 1.5),
    ("backend", "prompt", "quality", -0.1),
    ("backend", "prompt", "min_object_px", -1),
    ("backend", "prompt", "tile_px", 0),
]


@pytest.mark.parametrize(("kind", "name", "key", "value"), OUT_OF_RANGE)
def test_a_setting_out_of_range_is_refused_by_its_key(kind: registry.Kind, name: str, key: str, value: object) -> None:
    settings = registry.load(kind, name).Settings
    with pytest.raises(SettingsError, match=rf"^job\.toml settings\.{key}[\w.]*: got .*, must be [^\n]+$"):
        checked(settings, {key: value}, "job.toml", under="settings")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[settings]\nseed = -1", "settings.seed: got -1, must be greater than or equal to 0"),
        ("[backend]\nname = 'threshold'\nwindow_px = -3", "backend.window_px: got -3"),
        ("[calibration]\npixel_um = 1.0\nbinning = -1", "calibration: binning has -1, must be above 0"),
        ("[calibration]\npixel_um = 1.0\nzoom = 0.0", "calibration: zoom has 0, must be above 0"),
        ("[calibration]\npixel_um = 1.0\nimage_px = [-60, -80]", "calibration: image_px has -60, must be above 0"),
        ("[calibration]\npixel_um = -1.0", "calibration: pixel_um = -1"),
    ],
)
def test_a_job_is_refused_before_an_image_is_read(tmp_path: Path, lines: str, said: str) -> None:
    Image.fromarray(np.zeros((60, 80), np.uint8)).save(tmp_path / "a.png")  # reading it would be an error: constant
    (tmp_path / "job.toml").write_text(f"recipe = 'phase_fraction'\nimages = ['a.png']\n{lines}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(said)):
        plan(tmp_path / "job.toml")
