"""What is said to a reader: sentences as data, and the words that each language has for them.

A sentence is a key and its values; ``en``, ``de``, ... are folders of catalogues that put it into words, one file per
room. A program compares keys and values and never words, so a sentence can be worded better, or in another language,
without changing what a report says.
"""

from inspect_tool.languages.catalogue import ENGLISH, FIRST_SCHEMA, fingerprint, languages
from inspect_tool.languages.text import (
    Text,
    Value,
    Words,
    as_data,
    is_text,
    joined,
    key_of,
    named,
    of_data,
    placed,
    reworded,
    said,
    same,
    sentences,
    translated,
)

__all__ = [
    "ENGLISH",
    "FIRST_SCHEMA",
    "Text",
    "Value",
    "Words",
    "as_data",
    "fingerprint",
    "is_text",
    "joined",
    "key_of",
    "languages",
    "named",
    "of_data",
    "placed",
    "reworded",
    "said",
    "same",
    "sentences",
    "translated",
]
