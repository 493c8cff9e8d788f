"""The page on which a person answers a drawn sample: one file, offline, blind, nothing asked of any server."""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

SCRIPTS = ("planning.js", "record.js", "drawing.js", "page.js")
"""In the order in which one needs the other."""

_RULE = "Go along the line and mark each boundary it meets, once."

_FOLDER = Path(__file__).parent


def page(sample: Mapping[str, object]) -> str:
    """Write the page that asks a sample.

    Scripts and styles are allowed by their hash and nothing else is, so that a browser asks no server for anything,
    whatever the texts of the sample hold.

    Parameters
    ----------
    sample : mapping
        Values that JSON has: ``id``, ``job``, ``recipe``, ``title``, ``kind`` ("points" or "lines"), ``question``,
        ``choices`` (up to 8), ``stages``, ``items``, ``crops`` and ``planning``; of lines that need a number of marks
        also ``needed``, and the ``rule`` how to put them.

    Returns
    -------
    str
        HTML that opens from a disk; it holds no label of the machine in the clear.
    """
    script, style = script_text(), style_text()
    policy = (
        f"default-src 'none'; script-src '{_source_hash(script)}'; style-src '{_source_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return _filled(
        sample,
        policy=f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        style=f"<style>{style}</style>",
        script=f'<script type="module">{script}</script>',
    )


def served(sample: Mapping[str, object], *, script: str, style: str, server: Mapping[str, str]) -> str:
    """Write the page that asks a sample inside a workbench, to which it hands the answers in.

    Parameters
    ----------
    sample : mapping
        As of ``page``.
    script, style : str
        Addresses of ``script_text`` and ``style_text``: nothing stands in the page itself.
    server : mapping
        ``person``, who answers; ``address``, which takes the answers; ``back``, the page to go back to.
    """
    return _filled(
        {**sample, "server": dict(server)},
        policy='<meta name="robots" content="noindex">',
        style=f'<link rel="stylesheet" href="{escape(style)}">',
        script=f'<script type="module" src="{escape(script)}"></script>',
    )


def script_text() -> str:
    """All scripts of the page as one."""
    return "\n".join(_text(name) for name in SCRIPTS)


def style_text() -> str:
    """The styles of the page."""
    return _text("page.css")


def _filled(sample: Mapping[str, object], **parts: str) -> str:
    shown = {key: escape(str(sample[key])) for key in ("title", "job", "recipe", "question", "kind")}
    shown["rule"] = escape(str(sample.get("rule", _RULE)))
    return Template(_text("page.html")).substitute(
        shown,
        **parts,
        # "<" could end the script element; JSON has another way to write it
        sample=json.dumps(sample, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    )


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _source_hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
