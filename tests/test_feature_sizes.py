"""Limits of a share by the sizes of its features: drawn lognormal areas with a known mean, and what is none."""

import numpy as np
import pytest

from inspect_tool.measure.feature_sizes import FeatureAreas, feature_areas, lognormal_limit

NONE = np.zeros(0)


def limit_of(areas, *, apart=1.0):
    """Limit of features with these areas, of which fields scatter ``apart`` times as much as thrown at random."""
    share = float(areas.sum())
    u = apart * float(np.sqrt((areas**2).sum()))
    return lognormal_limit([FeatureAreas(of_phase=areas, of_rest=NONE)], share, u)


def lognormal(random, number, spread, mean):
    return mean * np.exp(spread * random.standard_normal(number) - spread**2 / 2)


@pytest.mark.parametrize(("number", "spread"), [(25, 1.6), (60, 1.2), (200, 1.8)])
def test_the_upper_limit_holds_the_mean_share_in_95_percent(number, spread):
    random = np.random.default_rng(number)
    found = []
    for _ in range(1500):
        areas = lognormal(random, random.poisson(number), spread, 0.01 / number)
        limit = limit_of(areas)
        if limit is not None:
            found.append(float(areas.sum()) + limit.above >= 0.01)
    # most of them are taken for what they are; 95 % of 1200: within 2 points but for 2 in 1000
    assert len(found) > 1200
    assert 0.93 <= np.mean(found) <= 0.98


def test_many_features_leave_little_open():
    areas = lognormal(np.random.default_rng(1), 100_000, 1.0, 1e-6)
    limit = limit_of(areas)
    assert limit is not None
    assert limit.spread == pytest.approx(1.0, abs=0.01)
    # ln of the mean: √((s² + 1) / n + s⁴ / 2 n) = 0.5 %, one-sided 1.64 times that, and the mean itself to 0.4 %
    assert limit.above / areas.sum() == pytest.approx(0.0082, abs=0.01)


def test_fields_are_taken_together():
    areas = lognormal(np.random.default_rng(2), 60, 1.4, 1e-3)
    halves = [FeatureAreas(of_phase=2 * part, of_rest=NONE) for part in (areas[:30], areas[30:])]
    u = float(np.sqrt((areas**2).sum()))
    alone, together = limit_of(areas), lognormal_limit(halves, float(areas.sum()), u)
    assert alone is not None
    assert together is not None
    assert together.above == pytest.approx(alone.above, rel=1e-9)


def test_what_is_no_such_distribution_has_no_limit():
    random = np.random.default_rng(3)
    areas = lognormal(random, 40, 1.2, 1e-3)
    assert limit_of(areas) is not None
    assert limit_of(areas[:4]) is None  # too few
    assert limit_of(lognormal(random, 11, 0.6, 1e-3)) is None  # too few, and not widely spread
    assert limit_of(areas, apart=0.5) is None  # they keep apart
    assert limit_of(np.full(40, 1e-3)) is None  # of one size
    assert limit_of(np.concatenate([areas, np.full(40, 1e-7)])) is None  # among as many specks
    assert limit_of(np.concatenate([np.full(35, 1e-3), areas[:5] / 50])) is None  # equal ones and cut pieces
    sides = [FeatureAreas(of_phase=areas, of_rest=NONE), FeatureAreas(of_phase=NONE, of_rest=areas)]
    assert lognormal_limit(sides, 0.5, 0.1) is None  # of two phases
    assert lognormal_limit([FeatureAreas(of_phase=NONE, of_rest=NONE)], 0.0, 0.0) is None


def test_features_are_those_of_the_rarer_side_inside_the_region():
    phase = np.zeros((20, 20), bool)
    phase[2:4, 2:4] = phase[4, 4] = True  # one feature of 5 px over the corner
    phase[10:14, 10] = True
    assert sorted(feature_areas(phase).of_phase * 400) == [4, 5]
    assert not feature_areas(phase).of_rest.size
    rest = feature_areas(~phase)
    assert sorted(rest.of_rest * 400) == [4, 5]
    assert not rest.of_phase.size
    roi = np.zeros((20, 20), bool)
    roi[:, :12] = True
    roi[12:] = False
    assert sorted(feature_areas(phase, roi).of_phase * 144) == [2, 5]
