"""What is said to a reader: sentences as data, and the words that each language has for them.

A sentence is a key and its values; ``en``, ``de``, ... are folders of catalogues that put it into words, one file per
room. A program compares keys and values and never words, so a sentence can be worded better, or in another language,
without changing what a report says.
"""

from inspect_tool.languages.catalogue import ENGLISH, FIRST_SCHEMA, languages
from inspect_tool.languages.text import Text, Value, Words, is_text, joined, key_of, named, said, translated

__all__ = [
    "ENGLISH",
    "FIRST_SCHEMA",
    "Text",
    "Value",
    "Words",
    "is_text",
    "joined",
    "key_of",
    "languages",
    "named",
    "said",
    "translated",
]
