"""Synthetic micrographs and X-ray images with exactly known truth: public, fast, deterministic by seed.

Every generator is keyword-only and gives a ``Field``: 8-bit pixels, the label image of a perfect
segmentation, the scale and the truth. Truth has two kinds of numbers, told apart by their prefix.

``process.<quantity>``
    The expected value of the random process that the field was drawn from, from a closed formula. A
    measurement over many fields must agree with it; a stated interval must cover it.
``field.<quantity>``
    What this very field holds, found from the geometry that was drawn (not from the gray values). A
    perfect segmentation measures it.

Quantities carry the names of the reports (``area_percent.<class>``, ``porosity_percent``,
``grain_size_number.planimetric`` ...), so that the two can be compared key by key.

Generators::

    grains(seed=, grain_size_number= | grains_per_mm2=, kind="poisson_voronoi", ...)   instance labels
    two_phase(seed=, area_percent=, feature_um=, kind="gaussian", ...)                semantic labels
    multi_phase(seed=, area_percents={name: %}, feature_um=, ...)                     semantic labels
    bands(seed=, area_percent=, spacing_um=, anisotropy=, ...)                        0 matrix, 1 banded
    pores(seed=, porosity_percent=, mean_ecd_um=, ...)                                semantic labels
    particles(seed=, area_percent=, mean_ecd_um=, ...)                                instance labels, they touch
    bodies(seed=, area_percent=, mean_ecd_um=, kind="spheres", signal="sem", ...)     instance labels, they hide others
    fibers(seed=, fiber_percent=, diameter_um=, tilt_deg=, void_percent=, ...)        0 matrix, 1 fiber, 2 void
    powder(seed=, area_percent=, median_ecd_um=, sigma=, ...)                         instance labels, as in an SEM
    culture(seed=, area_percent=, look="phase contrast", ...)                         semantic labels, 1 on cells
    nuclei(seed=, per_mm2=, mean_um=, ...)                                            instance labels, in their stain
    graphite(seed=, nodularity_percent=, graphite_percent=, median_um=, ...)         0 matrix, 1 graphite
    decarburised(seed=, total_um=, complete_um=, core_ferrite_percent=, ...)          0 ferrite, 1 pearlite, 2 mount
    inclusions(seed=, per_mm2={type: number}, turn_deg=, ...)                         0 matrix, 1 inclusion
    layer(seed=, thickness_um=, spread=, roughness_um=, slope_deg=, ...)              0 rest, 1 layer
    solder_balls(seed=, rows=, columns=, diameter_um=, void_percent=, ...)            0 background, 1 joint, 2 void
    thermal_pad(seed=, size_um=, void_percent=, ...)                                  the same
    die_attach(seed=, size_um=, void_percent=, ...)                                   the same
    stage_micrometer(seed=, pixel_um=, pitch_um=, kind="lines", axis="x", ...)        1 on a line
    degrade(pixels, level, seed=)                                                     what a microscope does to them
    scale_bar(pixels, pixel_um=, length=, style=, ...)                                a bar burned in: a ``BurnedBar``

Objects are drawn with the share of each pixel that they cover (from the distance to their outline),
so that edges are physical and areas are not biased by the pixel grid.
"""

from inspect_tool.synthetic.bodies import BodyKind, BodyLook, Signal, bodies
from inspect_tool.synthetic.cultures import CultureLook, culture, nuclei
from inspect_tool.synthetic.decarburised import CarbonProfile, decarburised
from inspect_tool.synthetic.degrade import LEVELS, degrade
from inspect_tool.synthetic.fibers import FiberLook, fibers
from inspect_tool.synthetic.field import Degradation, Field, Gray, Image, Joint, Shape
from inspect_tool.synthetic.grains import G_FROM_DENSITY, GrainKind, GrainLook, grains
from inspect_tool.synthetic.irons import graphite
from inspect_tool.synthetic.joints import die_attach, solder_balls, thermal_pad
from inspect_tool.synthetic.layers import layer
from inspect_tool.synthetic.micrometer import MicrometerKind, stage_micrometer
from inspect_tool.synthetic.particles import particles
from inspect_tool.synthetic.phases import PhaseKind, bands, multi_phase, two_phase
from inspect_tool.synthetic.pores import pores
from inspect_tool.synthetic.powder import of_sizes, powder
from inspect_tool.synthetic.scale_bars import BurnedBar, scale_bar
from inspect_tool.synthetic.steels import InclusionType, inclusions

__all__ = [
    "G_FROM_DENSITY",
    "LEVELS",
    "BodyKind",
    "BodyLook",
    "BurnedBar",
    "CarbonProfile",
    "CultureLook",
    "Degradation",
    "FiberLook",
    "Field",
    "GrainKind",
    "GrainLook",
    "Gray",
    "Image",
    "InclusionType",
    "Joint",
    "MicrometerKind",
    "PhaseKind",
    "Shape",
    "Signal",
    "bands",
    "bodies",
    "culture",
    "decarburised",
    "degrade",
    "die_attach",
    "fibers",
    "grains",
    "graphite",
    "inclusions",
    "layer",
    "multi_phase",
    "nuclei",
    "of_sizes",
    "particles",
    "pores",
    "powder",
    "scale_bar",
    "solder_balls",
    "stage_micrometer",
    "thermal_pad",
    "two_phase",
]
