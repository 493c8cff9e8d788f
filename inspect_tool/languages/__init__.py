"""What is said to a reader: sentences as data, and the words that each language has for them.

A sentence is a key and its values; ``en``, ``de``, ... are folders of catalogues that put it into words, one file per
room. A program compares keys and values and never words, so a sentence can be worded better, or in another language,
without changing what a report says.
"""

from inspect_tool.languages.catalogue import ENGLISH, FIRST_SCHEMA, decimal_sign, fingerprint, languages, localized
from inspect_tool.languages.text import (
    RUN_ON,
    Text,
    Value,
    Words,
    as_data,
    is_bare,
    is_known,
    is_text,
    joined,
    key_of,
    named,
    of_data,
    placed,
    recognized,
    reworded,
    said,
    same,
    sentences,
    translated,
    worded,
)

__all__ = [
    "ENGLISH",
    "FIRST_SCHEMA",
    "RUN_ON",
    "Text",
    "Value",
    "Words",
    "as_data",
    "decimal_sign",
    "fingerprint",
    "is_bare",
    "is_known",
    "is_text",
    "joined",
    "key_of",
    "languages",
    "localized",
    "named",
    "of_data",
    "placed",
    "recognized",
    "reworded",
    "said",
    "same",
    "sentences",
    "translated",
    "worded",
]
