"""The recipe of particles on exactly known label images."""

from dataclasses import replace
from math import exp, pi, sqrt

import numpy as np
import pytest

from inspect_tool import registry, synthetic
from inspect_tool.acceptance.plausibility import doubts
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.measure.contacts import contacts
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.recipes.particles import sampling
from inspect_tool.standards.editions import editions_for
from inspect_tool.standards.formulas.iso_13322_1 import particles_needed
from inspect_tool.statistics.samples import Sample

RECIPE = registry.load("recipe", "particles")


def discs(places, shape=(300, 400)):
    """Label image of discs (row, column, radius); later ones lie on top."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number, (row, column, radius) in enumerate(places, 1):
        labels[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return labels


def field_of(labels, settings=None, *, roi=None, kind="instance", number=1, section="1"):
    settings = settings or RECIPE.Settings()
    image = Micrograph(
        pixels=np.zeros(labels.shape, np.uint8),
        calibration=Calibration(pixel_um=0.5, u_rel=0.01, source="drawn"),
        path="drawn",
        roi=roi,
        field=number,
        section=section,
    )
    classes = {1: "particle"} if kind == "instance" else {0: "tape", 1: "particle"}
    found = Segmentation(labels=labels, classes=classes, kind=kind, backend="labels")
    return RECIPE.measure_field(image, found, settings, editions_for(RECIPE, settings))


def results_of(fields, settings=None):
    settings = settings or RECIPE.Settings()
    found = RECIPE.combine(fields, settings, editions_for(RECIPE, settings))
    return {result.quantity: result for result in found.results}, found


GRID = [(row, column, 8) for row in range(30, 300, 50) for column in range(30, 400, 60)]


def test_a_whole_particle_stands_for_those_of_its_size_that_the_edge_cuts():
    field = field_of(discs(GRID))
    chance = (1 - 18 / 300) * (1 - 18 / 400)  # 17 rows and columns of pixels, and one beside them
    assert field.features["size_weight"].to_numpy() == pytest.approx(1 / chance)
    results, _ = results_of([field])
    area_mm2 = 300 * 400 * 0.25e-6
    assert results["particle_count_per_mm2"].value == pytest.approx(len(GRID) / chance / area_mm2)
    pixels = np.count_nonzero(discs([(30, 30, 8)]))
    assert results["mean_particle_ecd_um"].value == pytest.approx(0.5 * sqrt(4 / pi * pixels))


def test_number_and_volume_weigh_two_sizes_as_spheres():
    # 27 of one size and one of three times the diameter hold the same volume
    small = [(row, column, 6) for row in range(20, 280, 30) for column in (20, 60, 100)]
    field = field_of(discs([*small, (150, 260, 18)]))
    results, _ = results_of([field])
    low, high = sorted(set(field.features["ecd_um"].tolist()))[0], field.features["ecd_um"].max()
    assert results["particle_d50_um.number"].value == pytest.approx(low)
    assert low < results["particle_d50_um.volume"].value < high
    assert results["particle_d90_um.volume"].value == pytest.approx(high)


def test_particles_at_the_edge_are_left_out_of_sizes():
    cut = field_of(discs([*GRID, (0, 240, 12)]))
    assert cut.values.numbers.particles_cut == 1
    assert cut.values.numbers.mean_ecd == field_of(discs(GRID)).values.numbers.mean_ecd


def test_the_number_is_free_of_the_edge_in_frames_and_in_regions():
    """Discs of two sizes thrown at random: the mean over many fields is the number that was thrown."""
    rng = np.random.default_rng(4)
    rows, columns = np.ogrid[:220, :260]
    circle = (rows[:120] - 60) ** 2 + (columns[:, :160] - 80) ** 2 < 58**2
    settings = RECIPE.Settings(minimum_px2=20)  # discs of radius 4 hold 49 px
    per_px2, counts = 12 / (220 * 260), {"frame": [], "region": []}
    for _ in range(150):
        thrown = rng.poisson(12)
        labels = np.zeros((220, 260), np.int32)
        for number in range(1, thrown + 1):
            radius = (4, 14)[number % 2]
            row, column = rng.uniform(0, 220), rng.uniform(0, 260)
            inside = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
            labels[inside & (labels == 0)] = number
        part = labels[50:170, 50:210]
        counts["frame"].append(field_of(part, settings).values.numbers.particles_counted / part.size)
        region = field_of(np.where(circle, part, 0), settings, roi=circle)
        counts["region"].append(region.values.numbers.particles_counted / np.count_nonzero(circle))
    for found in counts.values():
        error = np.std(found) / sqrt(len(found))
        assert np.mean(found) == pytest.approx(
            per_px2, abs=3 * error + 0.03 * per_px2
        )  # covered ones are a few percent


def test_a_guard_counts_what_is_centered_inside_and_refuses_one_that_is_cut():
    settings = RECIPE.Settings(edge="guard", guard_um=20.0)
    field = field_of(discs(GRID), settings)
    inside = [one for one in GRID if 40 < one[0] + 0.5 < 260 and 40 < one[1] + 0.5 < 360]
    assert field.values.numbers.particles_counted == len(inside)
    assert field.values.field_area["mm2"] == pytest.approx(220 * 320 * 0.25e-6)
    with pytest.raises(MeasurementError, match=r"1 particles centered inside the guard of 20 um are cut"):
        field_of(discs([(45, 150, 60)]), settings)
    with pytest.raises(SettingsError, match=r"settings.guard_um: is not set"):
        field_of(discs(GRID), RECIPE.Settings(edge="guard"))


HOST = (150, 200, 40)
SATELLITES = [(150, 243, 6), (108, 200, 5)]


def test_satellites_are_counted_left_out_or_part_of_their_host():
    labels = discs([HOST, *SATELLITES, (60, 60, 9)])
    found = {
        policy: field_of(labels, RECIPE.Settings(satellites=policy)).values.numbers
        for policy in ("counted", "left out", "with host")
    }
    assert {policy: numbers.satellites for policy, numbers in found.items()} == dict.fromkeys(found, 2.0)
    assert [found[policy].particles_measured for policy in found] == [4.0, 2.0, 2.0]
    assert found["with host"].area_percent == found["counted"].area_percent
    assert found["counted"].satellite_percent == found["with host"].satellite_percent == 50.0


def test_a_bitten_particle_is_marked_and_rejected_when_asked():
    labels = discs([HOST, (60, 60, 12)])
    labels[(np.mgrid[:300, :400][0] - 150) ** 2 + (np.mgrid[:300, :400][1] - 235) ** 2 <= 25**2] = 0
    assert field_of(labels).features["concave"].tolist() == [True, False]
    rejected = field_of(labels, RECIPE.Settings(overlap="reject")).values.numbers
    assert (rejected.particles, rejected.particles_measured, rejected.particles_concave) == (2.0, 1.0, 1.0)


def test_classes_are_taken_apart_into_pieces():
    labels = discs([HOST, (60, 60, 12)])
    pieces = field_of((labels > 0).astype(np.int32), kind="semantic")
    assert sorted(pieces.features["area_px2"]) == sorted(np.bincount(labels.ravel())[1:].tolist())


def test_few_particles_state_no_distribution():
    results, found = results_of([field_of(discs([HOST, (60, 60, 12)]))])
    assert set(results) == {"particle_count_per_mm2", "largest_particle_feret_um"}
    assert any("2 particles were measured" in str(warning) for warning in found.warnings)


def test_an_empty_field_counts_none_and_says_how_many_there_may_be():
    results, _ = results_of([field_of(np.zeros((200, 200), np.int32))])
    count = results["particle_count_per_mm2"]
    assert count.value == 0
    assert count.expanded_u * 200 * 200 * 0.25e-6 == pytest.approx(1.96, abs=0.01)  # one particle, Poisson


@pytest.mark.parametrize(("between", "doubted"), [(0.6, True), (0.9, False)])
def test_numbers_are_doubted_where_two_levels_explain_little_of_the_gray(between, doubted):
    """Discs a step above noise: of the variance a (1 - a) step² lies between the levels, the rest is noise."""
    mask = discs(GRID) > 0
    share = mask.mean()
    step = 100.0
    noise = sqrt(share * (1 - share) * step**2 * (1 - between) / between)
    rng = np.random.default_rng(1)
    slow_noise = np.repeat(np.repeat(rng.normal(0, noise, (75, 100)), 4, axis=0), 4, axis=1)  # that no blur takes out
    pixels = np.clip(80 + step * mask + slow_noise, 0, 255).astype(np.uint8)
    image = Micrograph(pixels=pixels, calibration=Calibration(pixel_um=0.5, source="drawn"), path="drawn")
    backend = registry.load("backend", "watershed")
    found = backend.segment(None, image, backend.Settings(mode="particles", phase="bright"))
    field = RECIPE.measure_field(image, found, RECIPE.Settings(), editions_for(RECIPE, RECIPE.Settings()))
    _, findings = results_of([field])
    (check,) = (one for one in findings.checks if one.name == "Variance of gray that two levels explain")
    assert check.passed == (not doubted)
    assert any(doubts(check, "particle_d50_um.number") for check in findings.checks) == doubted


def test_labels_of_a_person_have_no_gray_level_to_doubt():
    _, findings = results_of([field_of(discs(GRID))])
    assert not [one for one in findings.checks if one.name == "Variance of gray that two levels explain"]


@pytest.mark.parametrize(("backend", "doubted"), [("stardist", True), ("labels", False)])
def test_rods_in_pieces_are_doubted_but_not_what_a_person_drew(backend, doubted):
    """Bars of one gray, each given as three pieces end to end; what a person drew was meant so."""
    labels = np.zeros((300, 400), np.int32)
    for number in range(36):
        row, column = 20 + number // 3 % 12 * 22, 20 + number // 36 * 200 + number % 3 * 30
        labels[row : row + 12, column : column + 30] = number + 1
    pixels = np.where(labels > 0, 170, 60).astype(np.uint8)
    image = Micrograph(pixels=pixels, calibration=Calibration(pixel_um=0.5, source="drawn"), path="drawn")
    found = Segmentation(labels=labels, classes={1: "particle"}, kind="instance", backend=backend)
    field = RECIPE.measure_field(image, found, RECIPE.Settings(), editions_for(RECIPE, RECIPE.Settings()))
    _, findings = results_of([field])
    assert any(doubts(check, "particle_d50_um.number") for check in findings.checks) == doubted


def test_number_and_sizes_are_doubted_where_most_of_the_area_is_in_clusters():
    pairs = [(row, column + shift, 9) for row, column, _ in GRID for shift in (0, 17)]
    clusters = field_of((discs(pairs) > 0).astype(np.int32), kind="semantic")
    _, findings = results_of([clusters])
    for quantity in (
        "particle_count_per_mm2",
        "particle_d50_um.volume",
        "largest_particle_feret_um",
        "satellite_percent",
    ):
        assert any(doubts(check, quantity) for check in findings.checks)
    apart = results_of([field_of(discs(pairs))])[1].checks
    assert not any(doubts(check, "particle_count_per_mm2") for check in apart)


def test_contacts_do_not_depend_on_where_rows_are_cut():
    rng = np.random.default_rng(2)
    labels = np.kron(rng.integers(0, 40, (70, 20)), np.ones((8, 9), int)).astype(np.int32)
    pairs, lengths = contacts(labels)
    turned, again = contacts(np.ascontiguousarray(labels[::-1]))
    assert np.array_equal(pairs, turned)
    assert np.array_equal(lengths, again)


# ---------------------------------------------------------------------------------------------------- what chance does


def lognormal(rng, sigma, n):
    return Sample(size=np.exp(sigma * rng.standard_normal(n)), weight=np.ones(n), group=np.zeros(n, np.int64), groups=1)


@pytest.mark.parametrize(("sigma", "n"), [(0.2, 100), (0.4, 400), (0.7, 150)])
def test_limits_of_sizes_hold_those_of_a_lognormal_powder(sigma, n):
    """300 powders: by number limits hold in 95 %, with 2.5 standard errors to either side; by volume in no fewer."""
    rng = np.random.default_rng(8)
    held = dict.fromkeys(((0.1, 0), (0.5, 0), (0.9, 3), (0.5, 3)), 0)
    z = {0.1: -1.2815516, 0.5: 0.0, 0.9: 1.2815516}
    for _ in range(300):
        sample = lognormal(rng, sigma, n)
        for share, power in held:
            low, high = sampling.quantile(sample, share, power).together
            held[share, power] += low <= exp(power * sigma**2 + z[share] * sigma) <= high
    assert all(0.92 <= number / 300 <= (0.985 if power == 0 else 1) for (_, power), number in held.items()), held


def test_fields_that_differ_widen_the_limits():
    rng = np.random.default_rng(3)
    parts = [np.exp(0.2 * rng.standard_normal(200) + shift) for shift in (-0.3, 0.0, 0.1, 0.4)]
    sample = Sample(size=np.concatenate(parts), weight=np.ones(800), group=np.repeat(np.arange(4), 200), groups=4)
    found = sampling.quantile(sample, 0.5, 0)
    assert found.together[1] - found.together[0] > 5 * (found.alone[1] - found.alone[0])
    apart = replace(sample, group=np.arange(800) % 4)
    mixed = sampling.quantile(apart, 0.5, 0)
    assert mixed.together[1] - mixed.together[0] < 2 * (mixed.alone[1] - mixed.alone[0])


def test_as_many_particles_as_planned_leave_the_error_that_was_planned():
    rng = np.random.default_rng(6)
    sigma, error = 0.4, 0.1
    n = round(particles_needed(exp(sigma), error, 1.0, 3.0))  # of D[4,3], a mean by volume
    logs = rng.normal(0, sigma, (2000, n))
    width = logs.std(axis=1, ddof=1)
    means = np.exp(logs.mean(axis=1) + 3.5 * width**2)  # of lognormal sizes, by their median and width
    assert 1.96 * np.log(means).std() == pytest.approx(error, rel=0.06)


def test_limits_of_sizes_that_rest_on_one_particle_end_at_a_factor_of_a_thousand():
    """One particle outweighs nine others: one degree of freedom, where the limits of a width have no end."""
    size = np.geomspace(1.0, 12.0, 10)
    sample = Sample(size=size, weight=np.r_[np.ones(9), 40.0], group=np.zeros(10, np.int64), groups=1)
    limits = sampling.quantile(sample, 0.9, 3.0)
    assert limits.together[0] < limits.value < limits.together[1] < 1e5 * size[-1]


@pytest.mark.parametrize("n", [20, 60])
def test_specks_beside_particles_of_one_size_do_not_blow_up_the_limits_by_volume(n):
    """Half of them specks: limits hold the truth of 100 such powders all the same, and end within a fifth of it."""
    rng = np.random.default_rng(9)
    specks, particles = 0.18 * np.exp(0.35 * rng.standard_normal(10**5)), np.exp(0.1 * rng.standard_normal(10**5))
    volume = np.sort(np.concatenate([specks, particles]) ** 3)
    truth = volume[np.searchsorted(np.cumsum(volume), volume.sum() / 2)] ** (1 / 3)
    powders = [np.where(rng.random(n) < 0.5, rng.choice(specks, n), rng.choice(particles, n)) for _ in range(100)]
    samples = [replace(lognormal(rng, 0.1, n), size=powder) for powder in powders]
    low, high = np.transpose([sampling.quantile(sample, 0.5, 3).together for sample in samples])
    assert ((low <= truth) & (truth <= high)).mean() >= 0.93
    assert np.median(high) < 1.2 * truth


def test_sizes_in_two_modes_are_no_lognormal_ones():
    rng = np.random.default_rng(5)
    one = lognormal(rng, 0.2, 300)
    two = replace(one, size=np.where(np.arange(300) < 200, one.size, 4 * one.size))
    assert sampling.distance_from_lognormal(one) < 1 < sampling.distance_from_lognormal(two)


# ------------------------------------------------------------------------------------------------------------ powder


def test_the_powder_that_is_drawn_has_the_truth_that_it_states():
    fields = [
        synthetic.powder(seed=seed, area_percent=12.0, median_ecd_um=10.0, sigma=0.3, shape_px=(300, 400))
        for seed in range(6)
    ]
    sizes = np.concatenate([field_of(field.labels).features.query("~touches_edge")["ecd_um"] for field in fields])
    truth = fields[0].truth
    assert np.median(sizes) == pytest.approx(truth["process.particle_d50_um.number"], rel=0.05)
    assert truth["process.particle_d50_um.number"] == pytest.approx(10.0)
    number = np.mean([field.truth["field.particle_count_per_mm2"] for field in fields])
    assert number == pytest.approx(truth["process.particle_count_per_mm2"], rel=0.2)
    assert set(fields[0].truth) >= {"field.particle_d90_um.volume", "process.particle_d90_um.volume"}
    with pytest.raises(SettingsError, match=r"fill at most 30 %, not 50 %"):
        synthetic.powder(seed=1, area_percent=50.0, median_ecd_um=10.0)
