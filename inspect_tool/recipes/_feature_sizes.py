"""Whether the sizes of features count in the scatter of a share: in a report from before they did, they do not."""

from collections.abc import Mapping
from dataclasses import replace

from inspect_tool.measure.feature_sizes import FeatureAreas
from inspect_tool.model import Micrograph

_KEY = "feature_sizes_count"
_IF_FEW = "few_feature_sizes_count"
_NEEDLES = "needles_count"
_IF_SKEWED = "skewed_features_count"


def facts_of(micrograph: Micrograph) -> Mapping[str, bool]:
    """For ``FieldMeasurement.read_off``: that sizes count; nothing for a field that was measured before they did.

    An older report is so recomputed by what was asked when it was made.
    """
    before = micrograph.read_off
    return {key: True for key in (_KEY, _IF_FEW, _NEEDLES, _IF_SKEWED) if before is None or key in before}


def that_count(areas: FeatureAreas | None, facts: Mapping[str, bool]) -> FeatureAreas | None:
    """Sizes of the features of a field as far as they count in its report; None: not at all."""
    if areas is None or _KEY not in facts:
        return None
    return replace(areas, if_few=_IF_FEW in facts, if_skewed=_IF_SKEWED in facts)


def needles_count(facts: Mapping[str, bool]) -> bool:
    """Whether needles that end in a field count by their sizes in its report."""
    return _NEEDLES in facts
