"""Inputs that want a traceback, a hang, all the memory, or a wrong number: one generator per kind, seeded.

A case makes its files in an empty folder and says which command meets them, and what of its answer would be wrong.
"""

import json
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

import cv2
import numpy as np
import tifffile
from PIL import Image

from inspect_tool import registry
from inspect_tool.paths import data_folder

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import reader_examples
from stardist_example import CONFIG as STARDIST

Answer = Literal["refused", "no pass", "true number", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A command, and what its answer must be: else it is silently wrong."""

    argv: tuple[str, ...]
    must: Answer = "any"  # whatever it is: no traceback, no hang, no burst
    quantity: str = ""  # whose true number the report must hold
    value: float = 0.0
    shell: str = ""  # instead of argv: a line of a shell, TOOL stands for the command


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One hostile input."""

    kind: str
    name: str
    make: Callable[[Path], Ask] = field(repr=False)


JOB = """recipe = "{recipe}"
images = [{images}]
exports = [{exports}]
{top}
[calibration]
pixel_um = 0.5
u_rel = 0.005
source = "stage micrometer"
certificate = "C-1"
valid_until = 2099-01-01
{more}
"""


def disks(seed: int = 0, shape: tuple[int, int] = (160, 200)) -> np.ndarray:
    """Dark disks on a bright, slightly noisy ground."""
    rng = np.random.default_rng(seed)
    pixels = np.full(shape, 200, np.uint8)
    for row, column in rng.integers(16, min(shape) - 16, (9, 2)):
        cv2.circle(pixels, (int(column), int(row)), 9, 60, -1, cv2.LINE_AA)
    return np.clip(cv2.GaussianBlur(pixels, (0, 0), 1) + rng.normal(0, 3, shape), 0, 255).astype(np.uint8)


def job(
    folder: Path,
    recipe: str = "phase_fraction",
    *,
    images: str = '"field.tif"',
    top: str = "",
    more: str = "",
    exports: str = '"json"',
) -> Path:
    path = folder / "job.toml"
    text = JOB.format(recipe=recipe, images=images, top=top, more=more, exports=exports)
    path.write_text(text, encoding="utf-8")
    return path


def field_of(folder: Path, pixels: np.ndarray | None = None, name: str = "field.tif") -> Path:
    tifffile.imwrite(folder / name, disks() if pixels is None else pixels)
    return folder / name


RUN = ("run", "job.toml", "--out", "reports", "--quiet")
CHECK = ("check", "job.toml", "--quiet")

# ------------------------------------------------------------------------------------------------------ images


def _tiff(**options: Any) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, disks(), **options)


def _reader(name: str) -> Callable[[Path], None]:
    write = reader_examples.WRITERS[name][0]
    return lambda path: write(path, disks()[None], 0.5, 0.5)


def _pillow(**options: Any) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(disks()).save(path, **options)


FORMATS: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "tiff strips": ("a.tif", _tiff(rowsperstrip=20)),
    "tiff deflate": ("a.tif", _tiff(rowsperstrip=20, compression="deflate")),
    "tiff lzw": ("a.tif", _tiff(rowsperstrip=20, compression="lzw")),
    "tiff packbits": ("a.tif", _tiff(rowsperstrip=20, compression="packbits")),
    "tiff zstd": ("a.tif", _tiff(rowsperstrip=20, compression="zstd")),
    "tiff lzma": ("a.tif", _tiff(rowsperstrip=20, compression="lzma")),
    "tiff tiles": ("a.tif", _tiff(tile=(32, 32), compression="deflate")),
    "tiff predictor": ("a.tif", _tiff(compression="deflate", predictor=True)),
    "bigtiff": ("a.tif", _tiff(bigtiff=True, rowsperstrip=40)),
    "imagej": ("a.tif", _tiff(imagej=True)),
    "ome-tiff": ("a.tif", _reader("tiff")),
    "png": ("a.png", _pillow()),
    "jpeg": ("a.jpg", _pillow(quality=95)),
    "bmp": ("a.bmp", _pillow()),
    "dicom": ("a.dcm", _reader("dicom")),
    "czi": ("a.czi", _reader("czi")),
    "lif": ("a.lif", _reader("lif")),
    "nd2": ("a.nd2", _reader("nd2")),
    "zarr": ("a.ome.zarr", _reader("ome_zarr")),
}


def boundaries(data: bytes) -> list[int]:
    """Where a part of a file begins or ends, as far as offsets in its first and last kilobytes say."""
    ends = {0, 1, 8, 16, len(data) // 3, len(data) // 2, len(data) - 4096, len(data) - 64, len(data) - 2, len(data) - 1}
    for at in (*range(0, min(1024, len(data) - 8), 2), *range(max(0, len(data) - 1024), len(data) - 8, 2)):
        for kind in ("<I", ">I", "<Q"):
            (offset,) = struct.unpack_from(kind, data, at)
            if 16 < offset < len(data):
                ends.add(offset)
    return sorted(end for end in ends if 0 <= end < len(data))


def flipped(data: bytes, random: Random, header: int = 700) -> bytes:
    """One to three bits other than they were, in the first or the last bytes, where headers lie."""
    made = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(min(header, len(made)))
        at = at if random.random() < 0.6 else len(made) - 1 - at
        made[at] ^= 1 << random.randrange(8)
    return bytes(made)


def images(random: Random, each: int) -> Iterator[Case]:
    """Every reader, cut off at the boundaries of its structure and with flipped bits."""
    for name, (file, write) in FORMATS.items():
        for number in range(each):
            seed = random.random()

            def make(
                folder: Path,
                write: Callable[[Path], None] = write,
                file: str = file,
                number: int = number,
                seed: float = seed,
            ) -> Ask:
                own, path = Random(seed), folder / file
                write(path)
                inside = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
                target = own.choice(inside)
                data = target.read_bytes()
                cut = number % 3 == 0
                target.write_bytes(data[: own.choice(boundaries(data))] if cut else flipped(data, own))
                job(folder, images=f'"{file}"')
                return Ask(argv=RUN, must="true number", quantity="area_percent.dark", value=TRUTH["disks"])

            yield Case(kind="damaged image", name=f"{name} {number}", make=make)


TRUTH = {"disks": float("nan")}  # filled by the runner from the undamaged image


def structureless(random: Random) -> Iterator[Case]:
    """Nothing to be seen: no recipe may pass a requirement of "no more than"."""
    asked = {
        "phase_fraction": ("area_percent.dark", "upper = 60.0"),
        "porosity": ("porosity_percent", "upper = 5.0"),
        "grain_size": ("grain_size_number", "lower = -5.0\nupper = 25.0"),
        "solder_voids": ("void_percent.max", "upper = 25.0"),
    }
    made: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
        "white noise": lambda rng: np.clip(rng.normal(128, 20, (200, 260)), 0, 255),
        "faint noise": lambda rng: np.clip(rng.normal(128, 1.5, (200, 260)), 0, 255),
        "lamp off": lambda rng: np.clip(rng.normal(2, 1, (200, 260)), 0, 255),
        "all white": lambda rng: np.clip(rng.normal(255, 1, (200, 260)), 0, 255),
        "defocus": lambda rng: cv2.GaussianBlur(disks(3, (200, 260)), (0, 0), 25) + rng.normal(0, 2, (200, 260)),
        "gradient": lambda rng: np.linspace(60, 200, 260)[None] + rng.normal(0, 2, (200, 260)),
    }
    for recipe, (quantity, limit) in asked.items():
        for name, draw in made.items():
            for backend in ("", 'phase = "dark"') if recipe != "grain_size" else ("",):
                seed = random.randrange(1000)

                def make(
                    folder: Path,
                    recipe: str = recipe,
                    quantity: str = quantity,
                    limit: str = limit,
                    draw: Callable[[np.random.Generator], np.ndarray] = draw,
                    seed: int = seed,
                    backend: str = backend,
                ) -> Ask:
                    rng = np.random.default_rng(seed)
                    field_of(folder, np.clip(draw(rng), 0, 255).astype(np.uint8), "field_1.tif")
                    field_of(folder, np.clip(draw(rng), 0, 255).astype(np.uint8), "field_2.tif")
                    more = f'[[requirements]]\nquantity = "{quantity}"\n{limit}\nrule = "simple"\nsource = "drawing"\n'
                    if backend:
                        more = f'[backend]\nname = "threshold"\n{backend}\n' + more
                    job(folder, recipe, images='"field_*.tif"', more=more)
                    return Ask(argv=RUN, must="no pass")

                yield Case(kind="no structure", name=f"{recipe}: {name} {backend}", make=make)


# -------------------------------------------------------------------------------------------------------- jobs


def _job_text(text: bytes) -> Callable[[Path], Ask]:
    def make(folder: Path) -> Ask:
        field_of(folder)
        (folder / "job.toml").write_bytes(text)
        return Ask(argv=RUN, must="refused")

    return make


def jobs(random: Random) -> Iterator[Case]:
    """Job files that are none, too deep, too large, or ask for absurd things."""
    start = b'recipe = "porosity"\nimages = ["field.tif"]\n'
    texts: dict[str, bytes] = {
        "empty": b"",
        "zeros": b"\0" * 2000,
        "latin-1": start + "# Größe".encode("latin-1"),
        "utf-16": (start.decode()).encode("utf-16"),
        "deep arrays": start + b"[settings]\nclasses = " + b"[" * 5000 + b"]" * 5000,
        "deep tables": start + b"settings = " + b"{a=" * 3000 + b"1" + b"}" * 3000,
        "deep key": start + b".".join([b"a"] * 20000) + b" = 1",
        "deep head": start + b"[" + b".".join([b"a"] * 20000) + b"]\nb=1",
        "medium deep": start + b"[header." + b".".join([b"a"] * 90) + b"]\nb=1",
        "many keys": start + b"".join(b"k%d = 1\n" % i for i in range(100_000)),
        "many digits": start + b"page = " + b"9" * 20_000,
        "many hex digits": start + b"page = 0x" + b"f" * 20_000,
        "large int": start + b"page = 99999999999999999999999",
        "long text": start + b'[header]\ntitle = "' + b"x" * 3_000_000 + b'"\nfoo = 1',
        "too long": start + b"# " + b"x" * 20_000_000,
        "date as recipe": b'recipe = 2024-01-01\nimages = ["field.tif"]',
        "number as images": b'recipe = "porosity"\nimages = 5',
        "nul in image": b'recipe = "porosity"\nimages = ["fi\\u0000eld.tif"]',
        "long image": b'recipe = "porosity"\nimages = ["' + b"a" * 5000 + b'.tif"]',
        "long pattern": b'recipe = "porosity"\nimages = ["' + b"*a" * 3000 + b'.tif"]',
        "whole disk": b'recipe = "porosity"\nimages = ["/**/*.tif"]',
        "whole disk up": b'recipe = "porosity"\nimages = ["' + b"../" * 30 + b'**/field*.tif"]',
        "stars": b'recipe = "porosity"\nimages = ["' + b"**/" * 40 + b'*.tif"]',
        "home": b'recipe = "porosity"\nimages = ["~/**/*.tif"]',
        "device": b'recipe = "porosity"\nimages = ["/dev/zero"]',
        "proc": b'recipe = "porosity"\nimages = ["/proc/self/mem"]',
        "recipe path": b'recipe = "../../../etc/passwd"\nimages = ["field.tif"]',
        "recipe dunder": b'recipe = "__init__"\nimages = ["field.tif"]',
        "standard device": b'recipe = "porosity"\nstandard = "/dev/zero.toml"\nimages = ["field.tif"]',
        "template device": b'recipe = "porosity"\ntemplate = "/dev"\nimages = ["field.tif"]',
        "exports none": b'recipe = "porosity"\nimages = ["field.tif"]\nexports = ["../json"]',
        "huge page": start + b"page = 4000000000\n",
        "scene float": start + b"scene = 1.5\n",
        "edit cap": start + b"edit_cap = nan\n",
        "edit cap inf": start + b"edit_cap = inf\n",
        "region inf": start + b"[region]\nfooter_px = 9223372036854775807\n",
        "region negative": start + b"[region]\nfooter_px = -4\n",
        "rectangle": start + b"[region]\nrectangle = [0, 0, 100000000000, 100000000000]\n",
        "polygon nan": start + b"[region]\npolygon = [[nan, 0.0], [0.0, 50.0], [50.0, 50.0]]\n",
        "polygon far": start + b"[region]\npolygon = [[-1e300, 0.0], [0.0, 1e300], [50.0, 50.0]]\n",
        "lot": start + b'[lot]\nid = "A"\nsize = -4\n[lot.plan]\nstandard = "x"\nn = -1\nac = 5\nre = 2\n',
    }
    for name, text in texts.items():
        yield Case(kind="job", name=name, make=_job_text(text))
    for number in range(20):
        data = bytes(random.randrange(256) for _ in range(random.randrange(1, 300)))
        yield Case(kind="job", name=f"bytes {number}", make=_job_text(data))
    for index, value in enumerate(("nan", "inf", "-inf")):
        for key in ("lower", "upper"):

            def limit(folder: Path, key: str = key, value: str = value) -> Ask:
                field_of(folder)
                more = f'[[requirements]]\nquantity = "porosity_percent"\n{key} = {value}\nsource = "drawing"\n'
                job(folder, "porosity", more=more)
                return Ask(argv=RUN, must="refused")

            yield Case(kind="job", name=f"limit {key} {index}", make=limit)


ODD_NUMBERS = ("nan", "inf", "-1", "-1.0", "0", "0.0", "1e308", "1e9", "1000000000", "9223372036854775807")


def settings(random: Random, share: float) -> Iterator[Case]:
    """Every numeric key of recipes, backends, calibration, region and image quality with every odd number."""
    for where, backend in _numeric_keys():
        recipe, table, key, lists = where
        for value in ODD_NUMBERS:
            if random.random() > share and value not in ("nan", "-1"):
                continue

            def make(
                folder: Path,
                recipe: str = recipe,
                table: str = table,
                key: str = key,
                value: str = value,
                lists: bool = lists,
                backend: str = backend,
            ) -> Ask:
                field_of(folder)
                said = f"{key} = [{value}]" if lists else f"{key} = {value}"
                if table == "calibration":
                    text = JOB.format(recipe=recipe, images='"field.tif"', exports='"json"', top="", more="")
                    lines = [line for line in text.splitlines() if not line.startswith(f"{key} ")]
                    lines.insert(lines.index("[calibration]") + 1, said)
                    (folder / "job.toml").write_text("\n".join(lines) + "\n")
                elif table == "":
                    job(folder, recipe, top=said)
                else:
                    job(
                        folder, recipe, more=f"[{table}]\n" + (f'name = "{backend}"\n' if backend else "") + said + "\n"
                    )
                return Ask(argv=RUN, must="refused" if value in ("nan", "inf") else "any")

            yield Case(kind="settings", name=f"{recipe} {backend} {table}.{key} = {value}", make=make)


def _numeric_keys() -> Iterator[tuple[tuple[str, str, str, bool], str]]:
    def numeric(kind: Any) -> Iterator[tuple[str, bool]]:
        for item in fields(kind):
            text = str(item.type)
            if "float" in text or "int" in text:
                yield item.name, "tuple" in text

    for recipe in registry.names("recipe"):
        for key, lists in numeric(registry.load("recipe", recipe).Settings):
            yield (recipe, "settings", key, lists), ""
    for backend, recipe in (
        ("threshold", "porosity"),
        ("watershed", "grain_size"),
        ("joints", "solder_voids"),
        ("labels", "phase_fraction"),
    ):
        for key, lists in numeric(registry.load("backend", backend).Settings):
            yield (recipe, "backend", key, lists), backend
    for key in ("pixel_um", "pixel_y_um", "u_rel", "zoom", "binning"):
        yield ("porosity", "calibration", key, False), ""
    for key in ("focus", "noise", "contrast", "saturation"):
        yield ("porosity", f"quality.{key}", "advised", False), ""
        yield ("porosity", f"quality.{key}", "red", False), ""
    for key in ("page", "z", "time", "channel", "scene", "edit_cap"):
        yield ("porosity", "", key, False), ""


# --------------------------------------------------------------------------------------------------- templates

BLOCKS: Mapping[str, str] = {
    "loop": "{% for i in range(99999) %}{% for j in range(99999) %}{{ i }}{% endfor %}{% endfor %}",
    "empty loop": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "deep loop": "".join(f"{{% for a{i} in range(1000) %}}" for i in range(5)) + "x" + "{% endfor %}" * 5,
    "power": "{{ 9 ** 9 ** 9 }}",
    "power chain": "{{ (2 ** 999999) ** 999 }}",
    "text times": "{{ 'x' * 5000000000 }}",
    "list times": "{{ ([1] * 3000000000) | length }}",
    "shift": "{{ 1 << 99999999999 }}",
    "range": "{{ range(10000000000) | list | length }}",
    "pad": "{{ '%9999999999d' % 1 }}",
    "format": "{{ '{:>9999999999}'.format(1) }}",
    "center": "{{ 'x' | center(5000000000) }}",
    "indent": "{{ ('x\n' * 10000) | indent(1000000) }}",
    "doubling": "{% set n = namespace(x='xxxxxxxx') %}{% for i in range(64) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "list doubling": "{% set ns = namespace(x=[1]) %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "replace": "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "join": "{{ ['a' * 1000000] * 10000 | int }}",
    "long output": "{% for i in range(99999) %}{{ 'x' * 100000 }}{% endfor %}",
    "self": "{% include 'blocks/summary.html.j2' %}",
    "page in block": "{% include 'page.html.j2' %}",
    "extends itself": "{% extends 'blocks/summary.html.j2' %}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "macro twice": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "import itself": "{% import 'blocks/summary.html.j2' as x %}{{ x }}",
    "outside": "{% include '../../../../etc/passwd' %}",
    "deep brackets": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "deep ifs": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "plus chain": "{{ " + "1 + " * 20000 + "1 }}",
    "escape": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "attr filter": "{{ '' | attr('__class__') }}",
    "format escape": "{{ '{0.__class__.__mro__}'.format(report) }}",
    "format map": "{{ '{x.__class__}'.format_map({'x': report}) }}",
    "filter pm": "{{ report | pm('x', 3) }}",
    "filter number": "{{ 'abc' | number }}",
    "filter unknown": "{{ 'abc' | shiny }}",
    "filter args": "{{ 1 | round('x') }}",
    "filter sort": "{{ [1, 'a', none] | sort }}",
    "filter map": "{{ [1] | map('nothing') | list }}",
    "filter tojson": "{{ report | tojson }}",
    "filter batch": "{{ [1] | batch(99999999999) | list }}",
    "filter slice": "{{ [1] | slice(9999999999) | list }}",
    "filter wordwrap": "{{ ('x' * 100000) | wordwrap(0) }}",
    "filter indent": "{{ 'x' | indent('y') }}",
    "filter columns": "{{ 5 | numeric_columns }}",
    "filter cells": "{{ 5 | cells }}",
    "chart": "{{ chart(5) }}",
    "chart huge": "{{ chart(report.charts[0], 1e9, 1e9) if report.charts else chart(none) }}",
    "picture": "{{ picture('../../../../etc/passwd') }}",
    "picture device": "{{ picture('/dev/zero') }}",
    "picture huge": "{{ picture(report.micrographs[0].picture, -5) }}",
    "source": "{{ source('../../../../etc/passwd') }}",
    "source device": "{{ source('/dev/zero') }}",
    "parts": "{{ parts(5) }}",
    "lipsum": "{{ lipsum(n=1000000, max=1000) }}",
    "cycler": "{{ cycler() }}",
    "missing": "{{ report.nothing.at.all }}",
    "division": "{{ 1 / 0 }}",
    "index": "{{ report.results[99999] }}",
    "call": "{{ report() }}",
    "unclosed": "{% if 1 %}",
    "wild tag": "{% explode %}",
    "raise": "{{ undefined_thing }}",
    "nul": "a\0b",
    "surrogate": "{{ '\\ud800' }}",
    "script": "<script>while(true){}</script>",
    "deep html": "<div>" * 30000,
    "wide table": "<table><tr>" + "<td>x</td>" * 20000 + "</tr></table>",
    "colspan": "<table><tr><td colspan=1000000000>x</td></tr></table>",
    "rowspan": "<table><tr><td rowspan=1000000000>x</td></tr></table>",
    "image data": "<img src='data:image/png;base64,AAAA'>",
    "image file": "<img src='file:///dev/zero'>",
    "image url": "<img src='http://127.0.0.1:9/x.png'>",
    "svg use": "<svg><use href='#a' id='a'/></svg>",
    "svg huge": "<svg width='1e9' height='1e9'><rect width='1e9' height='1e9'/></svg>",
    "font": "<p style='font-size: 1e9pt'>x</p>",
    "font zero": "<p style='font-size: 0'>x</p>",
    "font negative": "<p style='font-size: -5pt'>x</p>",
    "page breaks": "<p style='break-after: page'>x</p>" * 20000,
    "height": "<div style='height: 100000000mm'>x</div>",
    "width": "<div style='width: 100000000mm'>x</div>",
    "letters": "<p>" + "x" * 3_000_000 + "</p>",
    "page size": "<style>@page { size: 1mm 1mm; margin: 0 }</style><p>x</p>",
    "page size huge": "<style>@page { size: 1e9mm 1e9mm }</style><p>x</p>",
    "page margin": "<style>@page { margin: 500mm }</style><p>x</p>",
    "import css": "<style>@import url('file:///dev/zero');</style>",
    "columns": "<div style='columns: 1000000'>x</div>",
    "grid": "<div style='display:grid;grid-template-columns:repeat(1000000,1px)'>x</div>",
    "counter": "<style>p:before{content: counter(x, lower-roman)} p{counter-increment: x 2000000000}</style><p>x</p>",
}
TEMPLATE_TOMLS: Mapping[str, bytes] = {
    "not utf-8": b'language = "\xff"',
    "sizes nan": b"[sizes]\npicture_px = nan",
    "sizes negative": b"[sizes]\npicture_px = -100\nmost_fields = -1",
    "sizes zero": b"[sizes]\npicture_px = 0\nmost_columns = 0",
    "sizes huge": b"[sizes]\npicture_px = 1000000000\nmost_columns = 1000000000",
    "blocks self": b'blocks = ["../page"]',
    "blocks many": b"blocks = [" + b'"results",' * 5000 + b"]",
    "blocks device": b'blocks = ["/dev/zero"]',
    "logo device": b'logo = "/dev/zero"',
    "logo outside": b'logo = "../../../../etc/passwd"',
    "color": b'[colors]\nink = "expression(alert(1))"',
    "font": b'[fonts]\ntext = "x; } @import url(/dev/zero)"',
    "font long": b'[fonts]\ntext = "' + b"x" * 100000 + b'"',
    "text long": b'[texts]\nfooter = "' + b"x" * 1000000 + b'"',
    "deep": b"x = " + b"[" * 4000 + b"]" * 4000,
}


def templates(_: Random) -> Iterator[Case]:
    """Templates that loop, grow, escape, or ask the page for absurd things."""

    def template(folder: Path, block: bytes, settings_: bytes = b"", name: str = "summary") -> Ask:
        field_of(folder)
        own = folder / "own"
        (own / "blocks").mkdir(parents=True)
        text = (data_folder("templates") / "inspection" / "template.toml").read_bytes()
        (own / "template.toml").write_bytes(settings_ or text)
        if block:
            (own / "blocks" / f"{name}.html.j2").write_bytes(block)
        job(folder, "porosity", top='template = "own"', exports='"json", "html", "pdf"')
        return Ask(argv=RUN)

    for name, block in BLOCKS.items():
        yield Case(kind="template", name=name, make=lambda folder, block=block: template(folder, block.encode("utf-8")))
    yield Case(kind="template", name="not utf-8", make=lambda folder: template(folder, b"\xff\xfe\xfa"))
    for name, text in TEMPLATE_TOMLS.items():
        yield Case(kind="template", name=f"toml {name}", make=lambda folder, text=text: template(folder, b"", text))

    def special(folder: Path, what: str) -> Ask:
        made = template(folder, b"x")
        block = folder / "own/blocks/summary.html.j2"
        block.unlink()
        if what == "fifo":
            os.mkfifo(block)
        elif what == "device":
            block.symlink_to("/dev/zero")
        elif what == "link":
            (folder / "elsewhere").write_text("another")
            block.symlink_to(folder / "elsewhere")
        elif what == "loop":
            block.symlink_to(block)
        else:
            block.mkdir()
        return Ask(argv=made.argv, must="refused")

    for what in ("fifo", "device", "link", "loop", "folder"):
        yield Case(kind="template", name=f"block is a {what}", make=lambda folder, what=what: special(folder, what))


# ------------------------------------------------------------------------------------------------------ models


def _stardist(folder: Path, config: Any) -> None:
    """A StarDist folder whose weights are small and whole."""
    import h5py

    folder.mkdir()
    text = config if isinstance(config, str) else json.dumps(config)
    (folder / "config.json").write_text(text)
    with h5py.File(folder / "weights_best.h5", "w") as file:
        file.create_group("down_level_0_no_0/down_level_0_no_0")["kernel:0"] = np.ones((3, 3, 1, 4), np.float32)


ODD_VALUES = (-1, 0, 5, 1.5, 10**7, 10**18, 1e300, "x", None, True, [], [0, 0], [3], [1e9, 1e9], {"a": 1}, "NaN")
CARD_LINES: Mapping[str, tuple[str, ...]] = {
    "network": (
        "depth = 1000000",
        "depth = -1",
        "depth = 2.5",
        'depth = "4"',
        "base = 1000000000",
        "base = 0",
        "base = nan",
        "classes = 100000000",
        "in_channels = 7",
        "in_channels = 0",
        "widest = -5",
        "widest = 1000000000000",
        "shiny = 3",
        "depth = [4]",
        "depth = true",
    ),
    "": (
        "normalization = [nan, 99.0]",
        "normalization = [99.0, 1.0]",
        "normalization = [-5.0, 120.0]",
        "normalization = [inf, inf]",
        "pixel_um = nan",
        "pixel_um = -1.0",
        "pixel_um = 0.0",
        "pixel_um = 1e-300",
        "structure_px = [nan, nan]",
        "structure_px = [0.0, 0.0]",
        "structure_px = [-5.0, 3.0]",
        'channels = "rgb"',
        "classes = []",
        'classes = ["a"]',
        'classes = ["a", "b", "c", "d", "e", "f", "g"]',
        'weights = "../../../../etc/passwd"',
        'weights = "/dev/zero"',
        'architecture = "stardist"',
        'architecture = "cellpose4"',
    ),
    "settings": (
        "missed_u_rel = nan",
        'missed_u_rel = "x"',
        "shift = nan",
        "shift = -4",
        "threshold = inf",
        "x = [[]]",
    ),
}
HEADERS: Mapping[str, bytes] = {
    "empty": b"",
    "short": b"\x01\x00",
    "length": struct.pack("<Q", 2**62) + b"{}",
    "length beyond": struct.pack("<Q", 5000) + b"{}",
    "no json": struct.pack("<Q", 4) + b"abcd",
    "deep json": struct.pack("<Q", 40000) + b"[" * 40000,
    "shape": b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4]}}',
    "shape overflow": b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}',
    "offsets": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4000000000000]}}',
    "offsets back": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}',
    "dtype": b'{"a":{"dtype":"X99","shape":[1],"data_offsets":[0,4]}}',
    "no tensors": b"{}",
    "negative": b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
}


def models(random: Random) -> Iterator[Case]:
    """Model folders whose numbers, tensors or files lie."""
    import hashlib

    def use(folder: Path, backend: str, recipe: str) -> Ask:
        field_of(folder)
        job(folder, recipe, more=f'[backend]\nname = "{backend}"\nmodel = "model"\n')
        return Ask(argv=RUN, must="refused")

    def stardist(folder: Path, config: Any) -> Ask:
        _stardist(folder / "model", config)
        return use(folder, "stardist", "porosity")

    for key in STARDIST:
        for value in random.sample(ODD_VALUES, 4):
            yield Case(
                kind="model",
                name=f"stardist {key} = {value!r}",
                make=lambda folder, key=key, value=value: stardist(folder, {**STARDIST, key: value}),
            )
    for name, text in {
        "config deep": "[" * 100000,
        "config list": "[]",
        "config nan": json.dumps({**STARDIST, "unet_expansion": float("nan")}),
        "config inf": json.dumps({**STARDIST, "unet_expansion": float("inf")}),
        "config empty": "{}",
        "config latin": "\udcff",
    }.items():
        yield Case(
            kind="model",
            name=f"stardist {name}",
            make=lambda folder, text=text: stardist(folder, text.encode("utf-8", "replace").decode()),
        )

    def hdf5(folder: Path, what: str) -> Ask:
        import h5py

        made = stardist(folder, STARDIST)
        path = folder / "model/weights_best.h5"
        with h5py.File(path, "a") as file:
            if what == "loop":
                file["loop"] = file["/"]
                file["down_level_0_no_0/again"] = file["/down_level_0_no_0"]
            elif what == "soft loop":
                file["a"] = h5py.SoftLink("/b")
                file["b"] = h5py.SoftLink("/a")
            elif what == "external":
                file["a"] = h5py.ExternalLink("/dev/zero", "/")
            elif what == "fill value":
                file.create_dataset("down_level_0_no_1/kernel:0", shape=(2**40,), dtype="f4", fillvalue=1.0)
            elif what == "fill chunked":
                file.create_dataset("down_level_0_no_1/kernel:0", (2**20, 2**20), "f4", chunks=(1024, 1024))
            elif what == "bomb":
                big = np.zeros(150_000_000, np.float32)
                file.create_dataset("down_level_0_no_1/kernel:0", data=big, compression="gzip", compression_opts=1)
            elif what == "dataset for group":
                file["layers"] = np.zeros(3)
            elif what == "dataset for root":
                file["model_weights"] = np.zeros(3)
            elif what == "text":
                file["down_level_0_no_1/kernel:0"] = "some text"
            elif what == "compound":
                file["down_level_0_no_1/kernel:0"] = np.zeros(3, [("a", "f4"), ("b", "i4")])
            elif what == "nan":
                file["down_level_0_no_1/kernel:0"] = np.full((3, 3, 4, 4), np.nan, np.float32)
            elif what == "deep":
                name = "down_level_0_no_1" + "/a" * 2000
                file.create_group(name)
            elif what == "many":
                for i in range(20_000):
                    file.create_group(f"layer_{i}")
            elif what == "vars":
                file.create_group("layers/a/vars")["7"] = np.zeros(3)
            elif what == "vars many":
                file.create_group("layers/a/vars").create_dataset("0", (2**40,), "f4")
        if what == "cut":
            path.write_bytes(path.read_bytes()[:1000])
        if what == "fifo":
            path.unlink()
            os.mkfifo(path)
        return made

    for what in (
        *("loop", "soft loop", "external", "fill value", "fill chunked", "bomb", "dataset for group"),
        *("dataset for root", "text", "compound", "nan", "deep", "many", "vars", "vars many", "cut", "fifo", "none"),
    ):
        yield Case(kind="model", name=f"hdf5 {what}", make=lambda folder, what=what: hdf5(folder, what))

    from inspect_tool.segmentation.networks.weights import shipped

    def card(folder: Path, shipped_name: str, table: str, line: str, backend: str, recipe: str) -> Ask:
        shutil.copytree(shipped(shipped_name), folder / "model")
        path = folder / "model/model.toml"
        lines = path.read_text().splitlines()
        key = line.split(" = ")[0]
        inside, made, done = "", [], False
        for old in lines:
            if old.startswith("["):
                if inside == table and not done and table == "":
                    made.append(line)
                    done = True
                inside = old.strip("[]")
                made.append(old)
                if inside == table and not done:
                    made.append(line)
                    done = True
                continue
            if inside == table and old.split(" = ")[0] == key:
                if table == "" and not done:
                    made.append(line)
                    done = True
                continue
            made.append(old)
        path.write_text("\n".join(made if done else [*made, f"[{table}]", line]) + "\n")
        field_of(folder)
        job(folder, recipe, more=f'[backend]\nname = "{backend}"\nmodel = "model"\n')
        return Ask(argv=RUN)

    for table, lines in CARD_LINES.items():
        for line in lines:
            for name, backend, recipe in (("pores", "unet", "porosity"), ("round_objects", "stardist", "porosity")):
                if backend == "stardist" and random.random() < 0.5:
                    continue
                yield Case(
                    kind="model",
                    name=f"{name} {table}: {line}",
                    make=lambda folder, a=(name, table, line, backend, recipe): card(folder, *a),
                )

    def safetensors(folder: Path, header: bytes) -> Ask:
        shutil.copytree(shipped("pores"), folder / "model")
        data = header if header[:1] != b"{" else struct.pack("<Q", len(header)) + header + b"\0" * 4
        (folder / "model/weights.safetensors").write_bytes(data)
        path = folder / "model/model.toml"
        old = next(line for line in path.read_text().splitlines() if line.startswith("sha256"))
        path.write_text(path.read_text().replace(old, f'sha256 = "{hashlib.sha256(data).hexdigest()}"'))
        return use(folder, "unet", "porosity")

    for name, header in HEADERS.items():
        yield Case(kind="model", name=f"safetensors {name}", make=lambda folder, h=header: safetensors(folder, h))


# ------------------------------------------------------------------------------------------------------- masks


def masks(_: Random) -> Iterator[Case]:
    """Masks that are none."""
    rng = np.random.default_rng(5)
    truth = (disks() < 120).astype(np.uint8) * 255
    drawn: dict[str, tuple[str, Any]] = {
        "photograph": ("m.tif", disks(7)),
        "photograph smooth": ("m.tif", cv2.GaussianBlur(disks(7), (0, 0), 3)),
        "photograph jpeg": ("m.jpg", disks(7)),
        "photograph color": ("m.png", np.dstack([disks(7), disks(8), disks(9)])),
        "photograph 16 bit": ("m.tif", disks(7).astype(np.uint16) * 200),
        "posterized": ("m.tif", disks(7) // 16 * 16),
        "noise": ("m.tif", rng.integers(0, 256, (160, 200), np.uint8)),
        "noise of two": ("m.tif", rng.integers(0, 2, (160, 200), np.uint8)),
        "noise of ten": ("m.tif", rng.integers(0, 10, (160, 200), np.uint8)),
        "noise 32": ("m.tif", rng.integers(0, 2**31, (160, 200)).astype(np.uint32)),
        "float": ("m.tif", rng.random((160, 200)).astype(np.float32)),
        "nan": ("m.tif", np.full((160, 200), np.nan, np.float32)),
        "one value": ("m.tif", np.zeros((160, 200), np.uint8)),
        "size": ("m.tif", truth[:-1]),
        "one pixel": ("m.tif", truth[:1, :1]),
        "number per pixel": ("m.tif", np.arange(160 * 200, dtype=np.uint32).reshape(160, 200)),
        "huge numbers": ("m.tif", truth.astype(np.uint32) * 16_000_000),
        "negative": ("m.tif", truth.astype(np.int16) - 300),
    }
    for name, (file, pixels) in drawn.items():
        for kind in ("auto", "binary", "classes", "labels", "boundaries"):
            must: Answer = "no pass" if "photograph" in name or "noise" in name else "any"

            def make(
                folder: Path, file: str = file, pixels: Any = pixels, kind: str = kind, must: Answer = must
            ) -> Ask:
                field_of(folder)
                if file.endswith(".tif"):
                    tifffile.imwrite(folder / file, pixels)
                else:
                    Image.fromarray(pixels).save(folder / file)
                more = (
                    f'[backend]\nname = "labels"\nmasks = ["{file}"]\nkind = "{kind}"\n'
                    '[[requirements]]\nquantity = "porosity_percent"\nlower = 0.0\nupper = 100.0\nrule = "simple"\n'
                    'source = "drawing"\n'
                )
                job(folder, "porosity", more=more)
                return Ask(argv=RUN, must=must)

            yield Case(kind="mask", name=f"{name} as {kind}", make=make)


# ------------------------------------------------------------------------------- files that are no files, streams

SLOTS: Mapping[str, Callable[[Path, str], tuple[str, ...]]] = {
    "job": lambda _, file: ("run", file, "--out", "reports", "--quiet"),
    "checked job": lambda _, file: ("check", file),
    "image": lambda folder, file: _named(folder, images=f'"{file}"'),
    "mask": lambda folder, file: _named(folder, more=f'[backend]\nname = "labels"\nmasks = ["{file}"]\n'),
    "standard": lambda folder, file: _named(folder, top=f'standard = "{file}"'),
    "spec": lambda folder, file: _named(folder, top=f'spec = "4711 rev B"\nspecs = "{file}"'),
    "region mask": lambda folder, file: _named(folder, more=f'[region]\nmask = "{file}"\n'),
    "supersedes": lambda folder, file: _named(folder, top=f'supersedes = "{file}"\nsupersedes_reason = "x"'),
    "counts": lambda folder, file: _named(folder, more=f'[settings]\ncounts = "{file}"\n'),
    "calibration file": lambda folder, file: _named(folder, calibration=f'file = "{file}"'),
    "template": lambda folder, file: _named(folder, top=f'template = "{file}"'),
    "joint mask": lambda folder, file: _named(
        folder, "solder_voids", more=f'[backend]\nname = "joints"\njoint_mask = "{file}"\n'
    ),
    "positions": lambda folder, file: _named(
        folder, "solder_voids", more=f'[backend]\nname = "joints"\npositions = "{file}"\n'
    ),
    "model": lambda folder, file: _named(folder, more=f'[backend]\nname = "unet"\nmodel = "{file}"\n'),
    "verify": lambda _, file: ("verify", file),
    "validate-pdf": lambda _, file: ("validate-pdf", file),
    "sign": lambda _, file: ("sign", file, "--key", file),
    "audit": lambda _, file: ("audit", file),
    "gauge": lambda _, file: ("gauge", file, "--out", "reports"),
    "compare": lambda _, file: ("compare", file, "--backends", "threshold,watershed", "--out", "reports"),
    "calibrate": lambda _, file: ("calibrate", file, "--division-um", "10"),
    "golden": lambda _, file: ("golden", "check", file),
    "train": lambda _, file: (
        *("train", "-r", "porosity", "--images", file, "--masks", file, "--out", "m", "--steps", "1"),
    ),
    "score": lambda _, file: ("score", "-r", "porosity", "--truth", file, "--predicted", file),
    "selftest criteria": lambda _, file: ("selftest", "--criteria", file, "--quick", "-r", "porosity"),
    "edit": lambda _, file: ("edit", "job.toml", "field.tif", file, "--reason", "x"),
}


def _named(
    folder: Path, recipe: str = "phase_fraction", *, calibration: str = "", images: str = '"field.tif"', **parts: str
) -> tuple[str, ...]:
    path = job(folder, recipe, images=images, **parts)
    if calibration:
        head, _, tail = path.read_text().partition("[calibration]\n")
        path.write_text(f"{head}[calibration]\n{calibration}\n" + tail.partition("2099-01-01\n")[2])
    return RUN


def specials(_: Random) -> Iterator[Case]:
    """A pipe, a device, a loop of links, a folder, an odd name, garbage: in every place that names a file."""

    def put(path: Path, what: str) -> None:
        match what:
            case "fifo":
                os.mkfifo(path)
            case "zero":
                path.symlink_to("/dev/zero")
            case "loop":
                path.symlink_to(path)
            case "folder":
                path.mkdir()
            case "empty":
                path.write_bytes(b"")
            case "garbage":
                path.write_bytes(bytes(Random(4).randrange(256) for _ in range(3000)))
            case "deep json":
                path.write_bytes(b"[" * 200_000)
            case "sparse":
                with path.open("wb") as file:
                    file.truncate(20 << 30)
            case "socket":
                import socket

                with socket.socket(socket.AF_UNIX) as made:
                    here = Path.cwd()
                    os.chdir(path.parent)
                    made.bind(path.name)
                    os.chdir(here)

    suffix = {
        **dict.fromkeys(("job", "checked job", "standard", "compare", "selftest criteria"), ".toml"),
        **dict.fromkeys(("verify", "validate-pdf", "sign"), ".pdf"),
        **dict.fromkeys(("gauge", "counts", "positions"), ".csv"),
        **dict.fromkeys(("template", "model", "golden", "audit", "spec", "calibration file"), ""),
    }
    for slot, argv in SLOTS.items():
        for what in ("fifo", "zero", "loop", "folder", "empty", "garbage", "deep json", "sparse", "socket", "missing"):

            def make(folder: Path, slot: str = slot, argv: Any = argv, what: str = what) -> Ask:
                field_of(folder)
                job(folder)
                file = f"odd{suffix.get(slot, '.tif')}"
                put(folder / file, what)
                # an empty folder of acceptance criteria, templates or models says nothing, and is refused too
                return Ask(argv=argv(folder, file), must="refused")

            yield Case(kind="no file", name=f"{slot}: {what}", make=make)

    def named(folder: Path, name: bytes, argv: tuple[str, ...] = RUN) -> Ask:
        field_of(folder)
        (folder / "field.tif").rename(folder / os.fsdecode(name))
        job(folder, images='"*.tif"', exports='"json", "csv", "html"')
        return Ask(argv=argv)

    for name in (
        b"\xff\xfe.tif",
        b"a\nb.tif",
        b"a\x1b[31m.tif",
        b"<script>.tif",
        b"-rf.tif",
        b"a" * 250 + b".tif",
        b" .tif",
    ):
        yield Case(
            kind="no file", name=f"image named {name[:12]!r}", make=lambda folder, name=name: named(folder, name)
        )

    def listed(folder: Path) -> Ask:
        for i in range(3):
            field_of(folder, disks(i), f"f{i}.tif")
        (folder / "f9.tif").symlink_to("gone.tif")
        os.mkfifo(folder / "f8.tif")
        job(folder, images='"f*.tif"')
        return Ask(argv=RUN)

    yield Case(kind="no file", name="pattern that meets odd files", make=listed)

    def vanishing(folder: Path) -> Ask:
        for i in range(3):
            field_of(folder, disks(i), f"f{i}.tif")
        job(folder, images='"f*.tif"')
        line = "(sleep 1.2; rm -f f2.tif) & TOOL run job.toml --out reports --quiet"
        return Ask(argv=(), shell=line)

    yield Case(kind="no file", name="image that vanishes", make=vanishing)


def trails(random: Random) -> Iterator[Case]:
    """Audit trails that are damaged or hostile."""

    def made(folder: Path, argv: tuple[str, ...], change: Callable[[Path], None], must: Answer) -> Ask:
        from inspect_tool.evidence.audit import Event, append

        field_of(folder)
        job(folder)
        append(folder / "reports", *(Event(event="repair", subject=f"s{i}", new={"i": i}) for i in range(4)))
        change(folder / "reports")
        return Ask(argv=argv, must=must)

    def write(name: str, data: bytes) -> Callable[[Path], None]:
        return lambda folder: (folder / name).write_bytes(data) and None

    def fifo(name: str) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            (folder / name).unlink()
            os.mkfifo(folder / name)

        return change

    def link(name: str, to: str) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            (folder / name).unlink()
            (folder / name).symlink_to(to)

        return change

    def flip(seed: float) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            path = folder / "audit.jsonl"
            path.write_bytes(flipped(path.read_bytes(), Random(seed)))

        return change

    def infinity(folder: Path) -> None:
        path = folder / "audit.jsonl"
        path.write_bytes(path.read_bytes().replace(b'{"i":2}', b'{"i":Infinity}'))

    changes: dict[str, Callable[[Path], None]] = {
        "log is a pipe": fifo("audit.jsonl"),
        "head is a pipe": fifo("audit.head"),
        "log is a device": link("audit.jsonl", "/dev/zero"),
        "head is a device": link("audit.head", "/dev/zero"),
        "log loops": link("audit.jsonl", "audit.jsonl"),
        "infinity": infinity,
        "head infinity": write("audit.head", b'{"entries": Infinity, "sha256": "x"}'),
        "head nan": write("audit.head", b'{"entries": NaN, "sha256": "x"}'),
        "head deep": write("audit.head", b"[" * 100_000),
        "head digits": write("audit.head", b'{"entries": ' + b"9" * 10_000 + b"}"),
        "deep line": write("audit.jsonl", b"[" * 100_000 + b"\n"),
        "long line": write("audit.jsonl", b"x" * 30_000_000),
        "digits": write("audit.jsonl", b'{"number":' + b"9" * 10_000 + b"}\n"),
        "zeros": write("audit.jsonl", b"\0" * 5000),
        **{f"flipped {i}": flip(random.random()) for i in range(6)},
    }
    for name, change in changes.items():
        for argv in (RUN, ("audit", "reports"), ("audit", "reports", "--verify")):
            yield Case(
                kind="audit trail",
                name=f"{argv[0]} {argv[-1]}: {name}",
                make=lambda folder, argv=argv, change=change: made(
                    folder, argv, change, "refused" if argv[0] == "run" else "any"
                ),
            )


def streams(_: Random) -> Iterator[Case]:
    """Standard output and error that are closed, full, or a pipe that nobody reads."""
    commands = {
        "run": "TOOL run job.toml --out reports",
        "run json": "TOOL run job.toml --out reports --json",
        "check": "TOOL check job.toml",
        "list": "TOOL list backends",
        "help": "TOOL --help",
        "wrong": "TOOL check nowhere.toml",
    }
    ends = {
        "full": "> /dev/full",
        "closed": ">&-",
        "pipe": "| true; exit ${PIPESTATUS[0]}",
        "error full": "2> /dev/full",
        "error closed": "2>&-",
        "input closed": "<&-",
        "all closed": "<&- >&- 2>&-",
    }

    def make(folder: Path, line: str) -> Ask:
        field_of(folder)
        job(folder)
        return Ask(argv=(), shell=line)

    for command, line in commands.items():
        for end, redirect in ends.items():
            yield Case(
                kind="stream",
                name=f"{command}, {end}",
                make=lambda folder, line=f"{line} {redirect}": make(folder, line),
            )


def commands(_: Random) -> Iterator[Case]:
    """Options of the other commands with odd numbers, and tables that are none."""
    pair = ("--images", "field.tif", "--masks", "mask.tif", "--out", "m")
    train = ("train", "-r", "porosity", *pair, "--steps", "2")  # one that may begin is soon at its end
    lines: dict[str, tuple[str, ...]] = {
        **{
            f"train {option} {value}": (*train, option, value)
            for option in ("--pixel-um", "--rate", "--steps", "--batch", "--size", "--seed", "--footer-px")
            for value in ("nan", "inf", "-1", "0", "99999999999999999999")
            if not (option in ("--steps", "--batch", "--seed") and value.startswith("999"))
        },
        "train huge batch": (*train, "--batch", "1000000000", "--steps", "1"),
        "train huge size": (*train, "--size", "1000000000", "--steps", "1"),
        "train no masks": ("train", "-r", "porosity", "--images", "field.tif", "--masks", "gone.tif", "--out", "m"),
        "train no model": (*train, "--model", "gone"),
        "train device": (*train, "--device", "warp"),
        "train validation": (*train, "--validation", "gone.tif"),
        "train onto file": ("train", "-r", "porosity", *pair[:4], "--out", "field.tif"),
        "score threshold": (
            *("score", "-r", "porosity", "-b", "threshold", "--images", "field.tif", "--truth", "mask.tif"),
            *("--out", "scores"),
        ),
        "score nan": (
            *("score", "-r", "porosity", "-b", "threshold", "--images", "field.tif", "--truth", "mask.tif"),
            "--pixel-um",
            "nan",
        ),
        "score tolerance": (
            *("score", "-r", "porosity", "--predicted", "mask.tif", "--truth", "mask.tif"),
            "--tolerance-px",
            "1e12",
        ),
        "score tolerance nan": (
            *("score", "-r", "porosity", "--predicted", "mask.tif", "--truth", "mask.tif"),
            "--tolerance-px",
            "nan",
        ),
        "score onto file": (
            *("score", "-r", "porosity", "--predicted", "mask.tif", "--truth", "mask.tif"),
            "--out",
            "field.tif",
        ),
        "compare nan": (
            *("compare", "job.toml", "--backends", "threshold,threshold:sauvola_k=nan;method=sauvola"),
            "--out",
            "reports",
        ),
        "compare digits": (
            *("compare", "job.toml", "--backends", "threshold,threshold:window_px=" + "9" * 6000),
            "--out",
            "reports",
        ),
        "compare deep": (
            *("compare", "job.toml", "--backends", "threshold,threshold:levels=" + "[" * 3000),
            "--out",
            "reports",
        ),
        "compare one": ("compare", "job.toml", "--backends", "threshold", "--out", "reports"),
        "compare twice": ("compare", "job.toml", "--backends", "threshold,threshold", "--out", "reports"),
        "gauge tolerance": ("gauge", "table.csv", "--tolerance", "nan", "--out", "reports"),
        "gauge negative": ("gauge", "table.csv", "--tolerance", "-5", "--out", "reports"),
        "gauge infinite": ("gauge", "infinite.csv", "--tolerance", "5", "--out", "reports"),
        "calibrate nan": ("calibrate", "field.tif", "--division-um", "nan"),
        "calibrate zero": ("calibrate", "field.tif", "--division-um", "0"),
        "calibrate huge": ("calibrate", "field.tif", "--division-um", "1e308"),
        "selftest nan": ("selftest", "--pixel-um", "nan", "--quick", "-r", "porosity", "--out", "s"),
        "selftest set": ("selftest", "--set", "levels=[nan]", "--quick", "-r", "porosity", "-b", "threshold"),
        "audit since": ("audit", "reports", "--since", "99999-01-01"),
        "verify nothing": ("verify", "reports"),
        "list odd": ("list", "../../etc"),
        "init odd": ("init", "../../x"),
        "workers": ("run", "job.toml", "--workers", "100000000", "--out", "reports", "--quiet"),
        "out is no text": ("run", "job.toml", "--out", os.fsdecode(b"a\xff"), "--quiet"),
        "job is no text": ("run", os.fsdecode(b"a\xff.toml"), "--out", "reports", "--quiet"),
        "out is a file": ("run", "job.toml", "--out", "field.tif", "--quiet"),
        "out is a device": ("run", "job.toml", "--out", "/dev/null", "--quiet"),
        "out long": ("run", "job.toml", "--out", "x" * 300, "--quiet"),
        "out nul": ("run", "job.toml", "--out", "a\0b", "--quiet"),
    }

    def make(folder: Path, argv: tuple[str, ...]) -> Ask:
        field_of(folder)
        tifffile.imwrite(folder / "mask.tif", (disks() < 120).astype(np.uint8) * 255)
        (folder / "table.csv").write_text(
            "part,appraiser,trial,value\n"
            + "".join(f"p{p},{a},{t},{10 + p + 0.1 * t}\n" for p in range(5) for a in "ab" for t in (1, 2))
        )
        (folder / "infinite.csv").write_text("part,appraiser,trial,value\np,a,1,inf\np,a,2,nan\nq,a,1,1\nq,a,2,2\n")
        shutil.copyfile(job(folder), folder / os.fsdecode(b"a\xff.toml"))
        return Ask(argv=argv, must="refused" if any("nan" in word for word in argv) else "any")

    for name, argv in lines.items():
        yield Case(kind="command", name=name, make=lambda folder, argv=argv: make(folder, argv))


def reports(random: Random, each: int) -> Iterator[Case]:
    """Reports, damaged: ``verify`` says so in lines."""

    def make(folder: Path, seed: float, number: int) -> Ask:
        own = Random(seed)
        for name, content in _measured().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        path = folder / "reports/job/report.json"
        before = json.loads(path.read_bytes())
        data = json.loads(path.read_bytes())
        places = list(_places(data))
        holder, key = own.choice(places)
        holder[key] = own.choice(
            [float("nan"), float("inf"), -1, 10**30, "", "x" * 100_000, None, [], {}, [[[]]], True, "../../etc/passwd"]
        )
        text = json.dumps(data).encode()
        if number % 5 == 0:
            text = text[: own.randrange(len(text))]
        if number % 7 == 0:
            text = flipped(text, own, len(text))
        path.write_bytes(text)
        return Ask(argv=("verify", "reports/job"), must="any" if _as_json(text) == before else "no pass")

    for number in range(each):
        seed = random.random()
        yield Case(kind="report", name=f"report {number}", make=lambda folder, s=seed, n=number: make(folder, s, n))


@cache
def _measured() -> dict[str, bytes]:
    """Files of a small job that was measured, by their names."""
    from inspect_tool.inspection import job_run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        field_of(folder)
        job_run.run(job(folder, exports='"json", "csv", "html"'), folder / "reports", trail=False)
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _as_json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


def corpus(seed: int, size: float = 1.0) -> list[Case]:
    """Every case of a seed; ``size`` scales the random ones."""
    random = Random(seed)
    return [
        *images(random, max(1, round(15 * size))),
        *structureless(random),
        *jobs(random),
        *settings(random, min(1.0, 0.35 * size)),
        *templates(random),
        *models(random),
        *masks(random),
        *specials(random),
        *trails(random),
        *streams(random),
        *commands(random),
        *reports(random, max(1, round(25 * size))),
    ]
