"""Change reports in many ways and count what ``inspect-tool verify`` finds.

A careless change leaves the hashes as they were; a forger computes them anew ("sealed"), so that only recomputing can
find it. Pages are changed too: what a reader sees, hears, copies or starts. Run:
``python benchmarks/tamper.py [--count 240] [--seed 1] [--by-hand]``; it exits with 1 when a change is not found or an
untouched report, signed or not, alarms.
"""

import argparse
import base64
import copy
import json
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import _page_tampering
import numpy as np
from PIL import Image

from inspect_tool.errors import InspectError
from inspect_tool.files import dump_report, parse_report, sha256_bytes
from inspect_tool.folders import MARKER
from inspect_tool.images import quality
from inspect_tool.inspection import hand_check, job_run
from inspect_tool.pixels.png import decode, encode
from inspect_tool.referee import ledger
from inspect_tool.report.build import report_digest, report_id
from inspect_tool.verify import pages, verify

Change = Callable[[Path, random.Random], str]

RECOMPUTED = (
    "verdict",
    "conforming",
    "not_stated",
    "warnings",
    "statements",
    "results",
    "checks",
    "conformities",
    "fields",
    "features",
    "tables",
    "charts",
    "header",
    "standard",
)
"""Parts of a report that follow from masks, job and standards: a sealed change of any of them must be found."""

JOB = """
recipe = "phase_fraction"
images = ["*.png"]
[header]
part = "casting 12"
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
classes = ["ferrite", "austenite"]
phase = "dark"
[[requirements]]
quantity = "area_percent.ferrite"
unit = "%"
lower = 10.0
upper = 90.0
source = "drawing 12"
"""


def small_report(folder: Path, *, by_hand: bool = False) -> Path:
    """Run a job of three small fields with every view; gives its report folder.

    ``by_hand``: its number is corrected by the answers of a simulated person to a sample of points.
    """
    rng = np.random.default_rng(5)
    for i in range(3):
        gray = np.full((150, 180), 190.0)
        rows, columns = np.mgrid[:150, :180]
        for _ in range(14):
            row, column, radius = rng.uniform(0, 150), rng.uniform(0, 180), rng.uniform(8, 20)
            gray[np.hypot(rows - row, columns - column) < radius] = 60.0
        gray += rng.normal(0, 6, gray.shape)
        Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).save(folder / f"field_{i}.png")
    job = folder / "job.toml"
    job.write_text(JOB, encoding="utf-8")
    if by_hand:
        hand_check.draw(job, folder / "page.html", points=60, nonce="fixed")
        _answer(folder / "page.html", folder / "answers.json")
        hand_check.record(job, folder / "answers.json")
        job.write_text(f'{JOB}[referee]\nfile = "answers.json"\n', encoding="utf-8")
    job_run.run(job, folder / "reports")
    return folder / "reports" / "job"


def _answer(page: Path, answers: Path) -> None:
    """Name what lies under every point of a page by its gray value, and write what the page would save."""
    html = page.read_text(encoding="utf-8")
    start = html.index(">", html.index('type="application/json"')) + 1
    sample = json.loads(html[start : html.index("</script>", start)])
    crops = [np.asarray(Image.open(BytesIO(base64.b64decode(crop["png"])))) for crop in sample["crops"]]
    named = [("austenite", "ferrite")[int(crops[one["crop"]][tuple(one["at"])] < 125)] for one in sample["items"]]
    saved = {
        "schema": ledger.ANSWERS,
        "sample": sample["id"],
        "person": "Ada Example",
        "started": "2026-12-01T09:00:00Z",
        "saved": "2026-12-01T09:05:00Z",
        "finished": True,
        "answers": [
            {"n": one["n"], "value": value, "at": "", "seconds": 1.5}
            for one, value in zip(sample["items"], named, strict=True)
        ],
    }
    answers.write_text(json.dumps(saved), encoding="utf-8")


# ----------------------------------------------------------------------------------------------------- changes


def seal(folder: Path, data: dict[str, object]) -> None:
    """Write changed data with a digest and an identification that fit them, as a forger would."""
    report = parse_report(json.dumps(data).encode(), "report.json")
    made = report_digest(report)
    sealed = replace(report, digest=made, id=report_id(report, made))
    (folder / "report.json").write_text(dump_report(sealed), encoding="utf-8")
    _without_views(folder)


def _without_views(folder: Path) -> None:
    """A forger who cannot print the pages again leaves them out."""
    for name in ("report.html", "report.pdf", "features.csv", "fields.csv"):
        (folder / name).unlink(missing_ok=True)


def _data(folder: Path) -> dict[str, object]:
    data: dict[str, object] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return data


def _leaves(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, (*path, i))
    elif value is not None:
        yield path


def _changed(value: object, rng: random.Random) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice((-1, 1))
    if isinstance(value, float):
        return value * (1 + rng.choice((-1, 1)) * 10 ** rng.uniform(-5, -1)) if value else 0.01
    return f"{value}x"


def _set(data: object, path: tuple[object, ...], rng: random.Random) -> None:
    for key in path[:-1]:
        data = data[key]  # type: ignore[index]
    data[path[-1]] = _changed(data[path[-1]], rng)  # type: ignore[index]


def number_sealed(folder: Path, rng: random.Random) -> str:
    """One value of the recomputed parts, hashes made to fit.

    Checks and figures that need the image are left out: ``verify`` names each of them as taken as stated.
    """
    return _leaf_sealed(folder, rng, RECOMPUTED, of_the_image=False)


def quality_sealed(folder: Path, rng: random.Random) -> str:
    """One value of the table of the image quality or of its checks, hashes made to fit."""
    return _leaf_sealed(folder, rng, ("tables", "checks"), of_the_image=True)


def _leaf_sealed(folder: Path, rng: random.Random, parts: Sequence[str], *, of_the_image: bool) -> str:
    while True:
        data = copy.deepcopy(_data(folder))
        key = rng.choice(parts)
        leaves = [path for path in _leaves(data[key], (key,)) if _of_the_image(data, path) == of_the_image]
        if not leaves:
            continue
        path = rng.choice(leaves)
        _set(data, path, rng)
        try:
            seal(folder, data)
        except InspectError:
            continue  # the change leaves no valid report, e.g. an unknown decision rule
        return "/".join(str(part) for part in path)


def _of_the_image(data: dict[str, object], path: tuple[object, ...]) -> bool:
    """Whether a value belongs to a check that is made on the gray values alone, or to the table of their figures."""
    if path[0] == "tables":
        return bool(data["tables"][path[1]]["title"] == quality.TABLE)  # type: ignore[index]
    return path[0] == "checks" and str(data["checks"][path[1]]["clause"]).startswith("check of this software, ")  # type: ignore[index]


def number_careless(folder: Path, rng: random.Random) -> str:
    """One value anywhere in report.json but times, hashes left as they were."""
    data = _data(folder)
    leaves = [path for path in _leaves(data) if "seconds" not in path and path != ("provenance", "started")]
    path = rng.choice(leaves)
    _set(data, path, rng)
    (folder / "report.json").write_text(json.dumps(data), encoding="utf-8")
    _without_views(folder)
    return "/".join(str(part) for part in path)


def mask_sealed(folder: Path, rng: random.Random) -> str:
    """Pixels of a mask, hashes made to fit."""
    data = _data(folder)
    records = data["micrographs"]
    record = rng.choice(records)  # type: ignore[arg-type]
    masks = [one for one in record["evidence"]["masks"] if not one["alternative"]]
    mask = rng.choice(masks)
    shape = (record["height_px"], record["width_px"])
    numbers = decode((folder / mask["file"]).read_bytes(), shape)
    row, column = rng.randrange(shape[0]), rng.randrange(shape[1])
    numbers[row, column] = 0 if numbers[row, column] else 1
    png = encode(numbers)
    (folder / mask["file"]).write_bytes(png)
    mask["sha256"], mask["size"] = sha256_bytes(png), len(png)
    seal(folder, data)
    return f"{mask['file']} pixel {row}, {column}"


def job_sealed(folder: Path, rng: random.Random) -> str:
    """A limit, a setting or the scale in the job, hashes made to fit."""
    text = (folder / "job.toml").read_text(encoding="utf-8")
    number = rng.choice(list(re.finditer(r"= (\d+\.\d+)", text)))
    text = text[: number.start(1)] + str(round(float(number[1]) * 1.05, 4)) + text[number.end(1) :]
    (folder / "job.toml").write_text(text, encoding="utf-8")
    data = _data(folder)
    digest = sha256_bytes(text.encode())
    for item in data["attachments"]:  # type: ignore[attr-defined]
        if item["role"] == "job":
            item["sha256"] = digest
    data["provenance"]["job_sha256"] = digest  # type: ignore[index]
    seal(folder, data)
    return f"job.toml, {number[0]}"


def bytes_careless(folder: Path, rng: random.Random) -> str:
    """A few bytes of any file that the report names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (*_VIEWS, MARKER))
    path = rng.choice(files)
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data))
    for i in range(start, min(len(data), start + rng.randint(1, 8))):
        data[i] ^= rng.randint(1, 255)
    path.write_bytes(bytes(data))
    _drop(folder, "report.html", "report.pdf")
    return f"{path.relative_to(folder)} at byte {start}"


_VIEWS = ("report.json", "report.html", "report.pdf")


def _drop(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)


def csv_cell(folder: Path, rng: random.Random) -> str:
    """One digit of a table."""
    path = folder / rng.choice(("features.csv", "fields.csv"))
    text = path.read_text(encoding="utf-8")
    at = rng.choice([found.start() for found in re.finditer(r"\d", text)])
    path.write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :], encoding="utf-8")
    _drop(folder, "report.html", "report.pdf")
    return f"{path.name} at sign {at}"


def html_digit(folder: Path, rng: random.Random) -> str:
    """One digit that the HTML page shows."""
    path = folder / "report.html"
    text = path.read_text(encoding="utf-8")
    body = text.index("<body")
    shown = [found.start(1) for found in re.finditer(r">[^<>]*?(\d)[^<>]*?<", text) if found.start() > body]
    at = rng.choice(shown)
    path.write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :], encoding="utf-8")
    _drop(folder, "report.pdf")
    return f"report.html at sign {at}"


def pdf_drawing(folder: Path, rng: random.Random) -> str:
    """Signs or positions in the drawing of a PDF page."""
    import pikepdf

    path = folder / "report.pdf"
    with pikepdf.open(path, allow_overwriting_input=True) as opened:
        number = rng.randrange(len(opened.pages))
        page = opened.pages[number]
        data = bytearray(page.Contents.read_bytes())
        shown = [found.start(1) for found in re.finditer(rb"<[0-9a-f]*?([0-9a-f])[0-9a-f]*> ?Tj|<([0-9a-f]+)>", data)]
        shown = [at for at in shown if at >= 0] or [
            found.start(1) for found in re.finditer(rb"(\d)[\d.]* [\d.]+ T[dm]", data)
        ]
        at = rng.choice(shown)
        data[at] = ord("1") if data[at] != ord("1") else ord("2")
        page.Contents = opened.make_stream(bytes(data))
        opened.save(path)
    _drop(folder, "report.html")
    return f"report.pdf page {number + 1}, drawing at byte {at}"


def pdf_attachment(folder: Path, rng: random.Random) -> str:
    """Bytes of a file that the PDF carries."""
    import pikepdf

    path = folder / "report.pdf"
    with pikepdf.open(path, allow_overwriting_input=True) as opened:
        name = rng.choice(sorted(opened.attachments))
        data = bytearray(opened.attachments[name].get_file().read_bytes())
        at = rng.randrange(len(data))
        data[at] ^= rng.randint(1, 255)
        spec = opened.attachments[name]
        spec.obj.EF.F = opened.make_stream(bytes(data))
        opened.save(path)
    _drop(folder, "report.html")
    return f"report.pdf attachment {name} at byte {at}"


def pdf_cut(folder: Path, rng: random.Random) -> str:
    """A PDF that ends early."""
    path = folder / "report.pdf"
    data = path.read_bytes()
    keep = rng.randrange(len(data) // 2, len(data) - 2000)
    path.write_bytes(data[:keep])
    _drop(folder, "report.html")
    return f"report.pdf cut at byte {keep}"


def digest(folder: Path, rng: random.Random) -> str:
    """The digest or the identification."""
    data = _data(folder)
    key = rng.choice(("digest", "id"))
    value = str(data[key])
    at = rng.randrange(len(value))
    data[key] = value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]
    (folder / "report.json").write_text(json.dumps(data), encoding="utf-8")
    _without_views(folder)
    return f"{key} at sign {at}"


def file_gone(folder: Path, rng: random.Random) -> str:
    """A file that the report names is not there, or holds the content of another."""
    files = sorted(path for path in (folder / "evidence").iterdir())
    path = rng.choice(files)
    other = rng.choice([one for one in files if one.read_bytes() != path.read_bytes()])
    if rng.random() < 0.5:
        path.unlink()
    else:
        shutil.copyfile(other, path)
    _drop(folder, "report.html", "report.pdf")
    return f"{path.name} gone or replaced"


def _on_pages(change: _page_tampering.PageChange) -> Change:
    """A change of the pages of the PDF, the rest of the folder as it is."""

    def made(folder: Path, rng: random.Random) -> str:
        _drop(folder, "report.html")
        return change(folder / "report.pdf", rng)

    return made


def signed(folder: Path, work: Path) -> Iterator[Path]:
    """The report signed by one person and by two, with keys made for this."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import pkcs12

    from inspect_tool.verify import signing

    project = Path(shutil.copytree(folder.parent, work / "signed"))
    path = project / folder.name / "report.pdf"
    now = datetime.now(UTC)
    for number, person in enumerate(("Ada Example", "Bert Example"), 1):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, person)])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        protection = serialization.BestAvailableEncryption(b"secret")
        (work / "key.p12").write_bytes(pkcs12.serialize_key_and_certificates(None, key, certificate, None, protection))
        signing.sign(path, signing.load_key(work / "key.p12", "secret"), name=person, role="Laboratory")
        yield Path(shutil.copyfile(path, work / f"signed {number}.pdf"))


CHANGES: dict[str, tuple[Change, int]] = {  # and how many of a hundred
    "number, sealed": (number_sealed, 28),
    "image quality, sealed": (quality_sealed, 4),
    "number, careless": (number_careless, 12),
    "mask pixel, sealed": (mask_sealed, 10),
    "job, sealed": (job_sealed, 5),
    "bytes of a file": (bytes_careless, 10),
    "table cell": (csv_cell, 5),
    "HTML digit": (html_digit, 8),
    "PDF drawing": (pdf_drawing, 10),
    "PDF attachment": (pdf_attachment, 5),
    "PDF cut": (pdf_cut, 2),
    "digest": (digest, 3),
    "file gone": (file_gone, 2),
    **{name: (_on_pages(change), 6) for name, change in _page_tampering.CHANGES.items()},
}

WITH_IMAGES = ("image quality, sealed",)
"""Changes that only the images uncover."""


def plan(count: int, rng: random.Random) -> list[str]:
    """Names of ``count`` changes in the stated shares, each kind at least once."""
    names = [name for name, (_, share) in CHANGES.items() for _ in range(max(1, round(share * count / 100)))]
    rng.shuffle(names)
    return names


@contextmanager
def printed_once(folder: Path) -> Iterator[None]:
    """Compare every changed PDF with that of the untouched report instead of printing and reading it again: saves
    seconds each."""
    print_again, read = pages.printed, pages.pdf_reader
    wanted = (folder / "report.pdf").read_bytes()  # it verifies, so it is what is printed
    document = read(wanted, "report.pdf")
    pages.printed = lambda *_, **__: wanted
    pages.pdf_reader = lambda data, name: document if data is wanted else read(data, name)
    try:
        yield
    finally:
        pages.printed, pages.pdf_reader = print_again, read


def found(folder: Path, work: Path, name: str, rng: random.Random) -> tuple[str, str]:
    """Change a copy of a report and verify it: what was changed, and the first thing that was found ("": nothing)."""
    changed = work / "changed"
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(folder, changed)
    what = CHANGES[name][0](changed, rng)
    try:
        verification = verify.verify(changed, images=folder.parents[1] if name in WITH_IMAGES else None)
    except InspectError as error:
        return what, f"unreadable: {error}"
    unlike = [item.text for item in verification.findings if item.state == "differs"]
    return what, unlike[0] if unlike else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by-hand", action="store_true", help="on a report that a person's answers correct")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    missed: list[str] = []
    seen: dict[str, list[int]] = {name: [0, 0] for name in CHANGES}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        folder = small_report(work, by_hand=arguments.by_hand)
        alarms = [
            item.text
            for path in (folder, folder / "report.json", folder / "report.pdf", *signed(folder, work))
            for item in verify.verify(path).findings
            if item.state == "differs"
        ]
        with printed_once(folder):
            for name in plan(arguments.count, rng):
                what, text = found(folder, work, name, rng)
                seen[name][0] += 1
                seen[name][1] += bool(text)
                if not text:
                    missed.append(f"{name}: {what}")
    for name, (made, caught) in seen.items():
        print(f"{name:<22} {caught} of {made} found")
    print(f"{sum(caught for _, caught in seen.values())} of {sum(made for made, _ in seen.values())} found")
    for line in (*missed, *alarms):
        print(line)
    return 1 if missed or alarms else 0


if __name__ == "__main__":
    sys.exit(main())
