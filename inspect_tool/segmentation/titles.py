"""What the other segmentations of a field are called for a reader."""

from inspect_tool.languages import Text, Words, joined, named

_OF_A_CLASS = {
    "probability of ": "segmentation.probability_of",
    "gray level of ": "segmentation.gray_level_of",
    "strokes of ": "segmentation.strokes_of",
}


def title_of(name: str) -> Words:
    """Title of an alternative by the name under which a backend gives it and a report keeps its masks.

    >>> title_of("boundary level -"), title_of("an opinion of somebody else")
    ('boundary level -', 'an opinion of somebody else')
    """
    stem, _, sign = name.rpartition(" ")
    if sign in ("-", "+"):
        return joined(" ", (title_of(stem), sign))
    for begun, key in _OF_A_CLASS.items():
        if name.startswith(begun):
            return Text(key, name=named("terms", name.removeprefix(begun)))
    return named("segmentation", name)
