"""Intervals by split conformal prediction hold a new error as often as they say, however the errors are distributed."""

import numpy as np
import pytest

from inspect_tool.validation import conformal


def share_held(rng: np.random.Generator, trials: int, draw, parents: int) -> tuple[float, float]:
    """Share of trials in which the half width holds the error of a new parent, and the mean half width."""
    held, widths = 0, []
    for _ in range(trials):
        errors, terms, names = draw(rng, parents)
        new_errors, new_terms, _ = draw(rng, 1)
        bound = conformal.half_width(errors, terms, names, new_terms[0])
        held += abs(new_errors[0]) <= bound.half_width
        widths.append(bound.half_width)
    return held / trials, float(np.mean(widths))


def binomial(share: float, trials: int) -> float:
    """Three standard deviations of the share of trials."""
    return 3 * float(np.sqrt(share * (1 - share) / trials))


@pytest.mark.parametrize("n", [19, 39, 99])
def test_the_quantile_of_exchangeable_scores_holds_95_percent_exactly(n):
    """With (n + 1) 0.95 a whole number the probability is 0.95, for any distribution: here one with heavy tails."""
    rng = np.random.default_rng(n)
    scores = np.abs(rng.standard_t(2, (4000, n + 1)))
    held = np.mean([new <= conformal.quantile(old, np.ones(n)).half_width for *old, new in scores])
    assert held == pytest.approx(0.95, abs=binomial(0.95, 4000))


@pytest.mark.parametrize("n", [1, 4, 12, 18])
def test_few_parents_state_the_coverage_that_they_have(n):
    rng = np.random.default_rng(n)
    scores = rng.exponential(size=(4000, n + 1))
    bounds = [conformal.quantile(row[:n], np.ones(n)) for row in scores]
    assert {bound.coverage for bound in bounds} == {n / (n + 1)}
    held = np.mean([row[n] <= bound.half_width for row, bound in zip(scores, bounds, strict=True)])
    assert held == pytest.approx(n / (n + 1), abs=binomial(n / (n + 1), 4000))


def test_the_rank_of_the_quantile_is_that_of_the_definition():
    """Rank ceil((n + 1) 0.95), by sorting; weights that add up to the number of parents change nothing."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 61.0))
    rank = int(np.ceil(61 * 0.95))
    assert conformal.quantile(scores, np.ones(60)).half_width == rank
    thrice = conformal.quantile(np.repeat(scores, 3), np.full(180, 1 / 3))
    assert thrice.half_width == rank


def uneven(rng: np.random.Generator, parents: int):
    """Errors whose size goes with a term over a factor of twenty; a second term tells nothing."""
    size = rng.uniform(-1.5, 1.5, parents)
    terms = np.column_stack([size, rng.normal(size=parents)])
    return np.exp(size) * rng.normal(size=parents), terms, [str(i) for i in range(parents)]


def test_errors_of_different_size_are_covered_and_the_interval_goes_with_them():
    rng = np.random.default_rng(1)
    held, _ = share_held(rng, 400, uneven, 39)
    assert held == pytest.approx(0.95, abs=binomial(0.95, 400))
    errors, terms, names = uneven(rng, 60)
    easy, hard = (conformal.half_width(errors, terms, names, [size, 0.0]).half_width for size in (-1.2, 1.2))
    assert hard / easy > 4  # exp(2.4) = 11 is the truth


def clustered(rng: np.random.Generator, parents: int):
    """Parents of 1 or of 12 images with one error in common; those of many images are the easy ones."""
    many = rng.random(parents) < 0.5
    common = rng.normal(size=parents) * np.where(many, 0.2, 2.0)
    counts = np.where(many, 12, 1)
    errors = np.repeat(common, counts) * rng.uniform(0.9, 1.1, counts.sum())
    return errors, np.zeros((counts.sum(), 1)), [str(i) for i in np.repeat(np.arange(parents), counts)]


def test_images_of_one_parent_count_once():
    rng = np.random.default_rng(2)
    held, _ = share_held(rng, 600, clustered, 39)
    assert held == pytest.approx(0.95, abs=binomial(0.95, 600))
    missed = 0
    for _ in range(300):
        errors, _, _ = clustered(rng, 39)
        new, _, _ = clustered(rng, 1)
        apart = [str(i) for i in range(len(errors))]
        missed += abs(new[0]) > conformal.quantile(np.abs(errors), conformal.weights_of(apart)).half_width
    assert missed / 300 > 0.08  # each image for itself: the many easy ones outvote the parents


def test_a_term_never_counts_beyond_the_labeled_images():
    """A method that states ten times less than on any labeled image is not believed to be that good."""
    errors, terms, names = uneven(np.random.default_rng(3), 40)
    least = terms.min(axis=0)
    beyond = conformal.half_width(errors, terms, names, least - 5).half_width
    assert beyond == pytest.approx(conformal.half_width(errors, terms, names, least).half_width)


def test_scales_rise_with_a_term_or_not_at_all():
    """Errors that fall with a term would make an interval narrow where something is said to be worse."""
    rng = np.random.default_rng(4)
    term = rng.uniform(-1, 1, 60)
    errors = np.exp(-2 * term) * rng.normal(size=60)
    found = conformal.scales(errors, term[:, None], np.ones((1, 60)), np.array([[-1.0], [1.0]]))
    assert found[0, 0] == pytest.approx(found[0, 1])


def test_slopes_are_those_of_least_squares_without_negative_ones():
    """The same fit by scipy's solver."""
    from scipy.optimize import nnls

    rng = np.random.default_rng(7)
    x, errors = rng.normal(size=(50, 4)), rng.normal(size=50)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    y = np.log(np.maximum(np.abs(errors), 0.05 * np.abs(errors).mean()))
    slopes, _ = nnls(np.vstack([z, 2 * np.eye(4)]), np.concatenate([y - y.mean(), np.zeros(4)]))
    found = conformal.scales(errors, x, np.ones((1, 50)), x)
    assert found[0] == pytest.approx(np.exp(y.mean() + z @ slopes), rel=1e-6)


def test_exact_segmentations_have_no_error():
    assert (
        conformal.half_width(np.zeros(20), np.zeros((20, 2)), [str(i) for i in range(20)], [0.0, 0.0]).half_width == 0
    )


def nearest(features, parents, at) -> tuple[float, float]:
    """Distance to the nearest labeled image, and the usual one."""
    known = conformal.space(features)
    return float(conformal.distances(known, at).min()), conformal.usual_distance(known, parents)


def test_an_image_like_the_labeled_ones_is_near_and_another_is_far():
    rng = np.random.default_rng(5)
    near = 0
    for _ in range(400):
        known, new = rng.normal(size=(39, 3)), rng.normal(size=3)
        value, limit = nearest(known, [str(i) for i in range(39)], new)
        near += value <= limit
    assert near / 400 == pytest.approx(0.95, abs=binomial(0.95, 400) + 0.01)
    value, limit = nearest(known, [str(i) for i in range(39)], [8.0, 0.0, 0.0])
    assert value > 2 * limit


def test_the_distance_is_that_to_another_parent():
    """Two images of one parent lie close together; the usual distance is that of parents."""
    rng = np.random.default_rng(6)
    centers = rng.normal(size=(30, 2))
    pairs = np.repeat(centers, 2, axis=0) + rng.normal(scale=1e-3, size=(60, 2))
    names = [str(i // 2) for i in range(60)]
    single = conformal.usual_distance(conformal.space(centers), [str(i) for i in range(30)])
    assert conformal.usual_distance(conformal.space(pairs), names) == pytest.approx(single, rel=0.05)


def test_a_feature_that_is_the_same_in_all_labeled_images_does_not_make_every_other_image_far():
    rng = np.random.default_rng(8)
    known = np.column_stack([rng.normal(size=(30, 2)), np.zeros(30)])
    names = [str(i) for i in range(30)]
    (same, limit), (little, _), (much, _) = (nearest(known, names, [0.0, 0.0, last]) for last in (0.0, 0.02, 1.0))
    assert little == pytest.approx(np.hypot(same, 0.02 / 0.05 / np.sqrt(3)), rel=0.2)
    assert much > 5 * limit
