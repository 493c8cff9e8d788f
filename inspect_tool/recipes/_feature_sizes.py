"""Whether the sizes of features count in the scatter of a share: in a report from before they did, they do not."""

from collections.abc import Mapping

from inspect_tool.model import Micrograph

_KEY = "feature_sizes_count"


def facts_of(micrograph: Micrograph) -> Mapping[str, bool]:
    """For ``FieldMeasurement.read_off``: that sizes count; nothing for a field that was measured before they did.

    An older report is so recomputed by what was asked when it was made.
    """
    before = micrograph.read_off
    return {_KEY: True} if before is None or _KEY in before else {}
