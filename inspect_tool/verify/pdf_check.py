"""What can be checked of a PDF without its maker: structure of PDF/A-3, signatures, and what changed after them."""

import hashlib
import json
import logging
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_tool.errors import InspectError, OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import read_bytes

if TYPE_CHECKING:
    from asn1crypto.x509 import Certificate
    from pikepdf import Object, Pdf
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
    from pyhanko.sign.validation.status import PdfSignatureStatus
    from pyhanko_certvalidator import ValidationContext

for _name in ("pyhanko", "pyhanko_certvalidator", "fontTools"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)  # what it would warn of is in the answer

ANCHOR = re.compile(r"audit trail (\d+ [0-9a-f]{64})")
_ACTIONS = {
    *("/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition"),
    *("/Trans", "/GoTo3DView", "/JavaScript"),
}
"""Actions that PDF/A-3 forbids (ISO 19005-3, 6.5.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature as found. ``trusted`` None: no trust was given to compare with."""

    number: int
    name: str
    statement: str  # what the block says: meaning, name, role, reason
    claimed: str  # time by the clock of the signer's computer; UTC, ISO 8601
    timestamp: str  # time by a time-stamping authority; empty: none
    authority: str  # name of that authority
    certificate: str  # subject
    issuer: str
    fingerprint: str  # SHA-256 of the certificate
    anchor: str  # last entry of the audit trail when it was signed, see ``audit.Trail.last``
    trusted: bool | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found in one PDF. ``problems`` is empty when nothing speaks against it."""

    signatures: tuple[Signature, ...]
    structure: str  # by what the structure was checked, in words
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def validate(path: Path, trust: Sequence[Path] = ()) -> Findings:
    """Check the signatures and the structure of a PDF, and compare it with the audit trail it belongs to.

    Parameters
    ----------
    path : Path
        PDF file.
    trust : sequence of Path
        Certificates (PEM or DER) that signatures and time stamps must come from.

    Raises
    ------
    ReadError
        The file cannot be read, is encrypted or no PDF.
    """
    data = read_pdf(path)
    roots = [root for file in trust for root in certificates(file)]
    found = signatures(data, roots if trust else None, str(path))
    problems = [f"signature {item.number} ({item.name}): {text}" for item in found for text in item.problems]
    notes = []
    tool = shutil.which("verapdf")
    if tool:
        by, wrong = f"veraPDF ({tool}), flavor 3b", _verapdf(tool, path)
    else:
        by = "checks of our own (no full validation of PDF/A: veraPDF is not on PATH)"
        wrong = structure(data, str(path))
    problems += wrong
    notes += [f"for screen readers (PDF/UA): {text}" for text in tags(data, str(path))]
    if not found:
        notes.append("the file has no signature")
    elif not trust:
        notes.append("whether the certificates can be trusted was not checked: give the root with --trust")
    told, more = _against_trail(path, data, found)
    return Findings(signatures=found, structure=by, problems=(*problems, *told), notes=(*notes, *more))


def lines(found: Findings) -> tuple[str, ...]:
    """Print findings, the verdict last."""
    told = []
    for item in found.signatures:
        sound = "intact" if not item.problems else "NOT VALID"
        trust = {
            True: "anchored in the given trust",
            False: "NOT anchored in the given trust",
            None: "trust not checked",
        }
        when = f"time stamp {item.timestamp} by {item.authority}" if item.timestamp else "no time stamp"
        told += [
            f"signature {item.number}: {item.name}: {sound}, {trust[item.trusted]}",
            f"  {item.statement or 'without a statement'}",
            f"  certificate of {item.certificate}, issued by {item.issuer}, SHA-256 {item.fingerprint}",
            f"  signed {item.claimed} by the clock of the signer; {when}",
        ]
    told += [f"structure of PDF/A-3: {found.structure}"]
    told += [f"note: {text}" for text in found.notes]
    told += [f"PROBLEM: {text}" for text in found.problems]
    signed = f"{len(found.signatures)} valid signature{'' if len(found.signatures) == 1 else 's'}"
    told += [] if found.problems else [f"no problem found; {signed if found.signatures else 'NOT SIGNED'}"]
    return tuple("".join(sign if sign.isprintable() else "?" for sign in line) for line in told)


def read_pdf(path: Path) -> bytes:
    """Read a file that begins like a PDF."""
    try:
        data = read_bytes(path)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise ReadError(msg) from None
    if not data.startswith(b"%PDF-"):
        msg = f"{path}: not a PDF"
        raise ReadError(msg)
    return data


# --------------------------------------------------------------------------------------------------- structure


def structure(data: bytes, where: str) -> tuple[str, ...]:
    """What in the structure of a PDF is against PDF/A-3, as far as it is checked here; empty: nothing.

    Metadata and output intent, encryption, fonts, actions and scripts, forms, annotations, attached files, images,
    filters. Not checked: colors, transparency, contents of fonts and pages.
    """
    pikepdf = imported("pikepdf")
    try:
        with pikepdf.open(BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                return ("is encrypted",)
            found = [*_document(pdf), *(text for value in pdf.objects for text in _of_object(pdf, value))]
            return tuple(dict.fromkeys(found))
    except pikepdf.PasswordError:
        msg = f"{where}: is encrypted; a report that is to be signed or checked is open to read"
        raise ReadError(msg) from None
    except (pikepdf.PdfError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        text = " ".join(str(error).split())[:120]
        msg = f"{where}: damaged: {text or type(error).__name__}; take the file as the run wrote it"
        raise ReadError(msg) from None


def tags(data: bytes, where: str) -> tuple[str, ...]:
    """What a screen reader misses in the tags of a PDF (ISO 14289-1), as far as it is checked here; empty: nothing.

    Tags and language at all, header cells of tables with a scope and an ID that can be found (7.5).
    """
    pikepdf = imported("pikepdf")
    try:
        with pikepdf.open(BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            return tuple(_of_tags(pdf))
    except (pikepdf.PdfError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        text = " ".join(str(error).split())[:120]
        msg = f"{where}: damaged: {text or type(error).__name__}; take the file as the run wrote it"
        raise ReadError(msg) from None


def _of_tags(pdf: "Pdf") -> Iterator[str]:
    import pikepdf

    tree = pdf.Root.get("/StructTreeRoot")
    if tree is None or not _table(pdf.Root, "/MarkInfo").get("/Marked", False):
        yield "the document has no tags"
        return
    if "/Lang" not in pdf.Root:
        yield "the language of the document is not stated"
    elements = [one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/StructElem"]
    heads = [one for one in elements if one.get("/S") == "/TH"]
    without = sum("/Scope" not in _table(one, "/A") for one in heads)
    if without:
        yield f"{without} header cells of tables have no scope"
    if any("/ID" in one for one in heads) and "/IDTree" not in tree:
        yield "the IDs of header cells are not listed (IDTree)"


def _table(holder: "Object", key: str) -> "Object":
    """A dictionary that an object holds; an empty one where it holds none."""
    import pikepdf

    found = holder.get(key)
    return pikepdf.Dictionary() if found is None else found


def _document(pdf: "Pdf") -> Iterator[str]:
    root = pdf.Root
    if "/ID" not in pdf.trailer:
        yield "the trailer has no file identifier"
    metadata = root.get("/Metadata")
    text = metadata.read_bytes().decode("utf-8", "replace") if metadata is not None else ""
    part = re.search(r"pdfaid:part(?:>|=[\"'])\s*(\d)", text)
    level = re.search(r"pdfaid:conformance(?:>|=[\"'])\s*(\w)", text)
    if part is None or level is None:
        yield "the metadata does not say PDF/A"
    elif part[1] != "3" or level[1].upper() not in "ABU":
        yield f"the metadata says PDF/A-{part[1]}{level[1].lower()}, not PDF/A-3"
    yield from _same_in_both(pdf, text)
    intents = [item for item in root.get("/OutputIntents", []) if item.get("/S") == "/GTS_PDFA1"]
    if len(intents) != 1 or "/DestOutputProfile" not in intents[0]:
        yield "there is no output intent with a color profile"
    names = _table(root, "/Names")
    if "/JavaScript" in names:
        yield "holds JavaScript"
    if not str(root.get("/Version", "/1.7")).startswith("/1."):
        yield f"says PDF {str(root.Version)[1:]}, and PDF/A-3 is PDF 1.7"
    for key in ("/AA", "/NeedsRendering", "/Requirements"):
        if key in root:
            yield f"the catalog has {key}"
    if "/Perms" in root and any(key not in ("/DocMDP", "/UR3") for key in root.Perms):
        yield "the catalog has unknown permissions"
    form = _table(root, "/AcroForm")
    if "/XFA" in form:
        yield "holds an XFA form"
    if form.get("/NeedAppearances", False):
        yield "leaves the appearance of its form to the viewer"
    attached = {item.objgen for item in root.get("/AF", [])}
    for name, file in sorted(_attached(pdf)):
        if file.objgen not in attached:
            yield f"attachment {name} is not associated with the document (AF)"
        if "/AFRelationship" not in file:
            yield f"attachment {name} has no relationship"
        if "/F" not in file or "/UF" not in file:
            yield f"attachment {name} has no file name"
        if "/Subtype" not in file.EF.F:
            yield f"attachment {name} has no MIME type"


def _attached(pdf: "Pdf") -> list[tuple[str, "Object"]]:
    from pikepdf import NameTree

    tree = _table(pdf.Root, "/Names").get("/EmbeddedFiles")
    return [] if tree is None else [(str(name), file) for name, file in NameTree(tree).items()]


def _same_in_both(pdf: "Pdf", xmp: str) -> Iterator[str]:
    """Texts of the document information must stand in the XMP metadata too (ISO 19005-3, 6.6.3)."""
    from html import unescape

    for key in ("/Title", "/Author", "/Subject", "/Keywords", "/Creator", "/Producer"):
        value = str(pdf.docinfo.get(key, ""))
        if value and value not in unescape(xmp):
            yield f"{key[1:]} in the document information is not that of the metadata"
    for key, tag in (("/CreationDate", "CreateDate"), ("/ModDate", "ModifyDate")):
        digits = re.sub(r"\D", "", str(pdf.docinfo.get(key, "")))[:14]
        stated = re.search(rf"xmp:{tag}(?:>|=[\"'])([^<\"']*)", xmp)
        if digits and (stated is None or re.sub(r"\D", "", stated[1])[:14] != digits):
            yield f"{key[1:]} in the document information is not that of the metadata"


def _of_object(pdf: "Pdf", value: "Object") -> Iterator[str]:  # noqa: ARG001 - called for every object
    import pikepdf

    for item in _dictionaries(value, 0):
        if isinstance(item, pikepdf.Stream):
            filters = item.get("/Filter", pikepdf.Array())
            if any(one == "/LZWDecode" for one in (filters if isinstance(filters, pikepdf.Array) else [filters])):
                yield "holds LZW compression"
            if "/F" in item and item.get("/Type") != "/EmbeddedFile":
                yield "a stream lies in another file"
        kind, subtype = item.get("/Type"), item.get("/Subtype")
        if kind == "/Font":
            yield from _font(item)
        if item.get("/S") in _ACTIONS or "/JS" in item:
            yield f"holds an action that PDF/A forbids ({str(item.get('/S', '/JS'))[1:]})"
        if "/AA" in item and (kind in ("/Page", "/Annot") or "/FT" in item):
            yield "a page or field starts actions by itself"
        if kind == "/Annot" or ("/Rect" in item and subtype is not None):
            yield from _annotation(item)
        if subtype == "/Image" and item.get("/Interpolate", False):
            yield "an image asks to be interpolated"
        if subtype == "/PS" or item.get("/Subtype2") == "/PS":
            yield "holds PostScript"


def _dictionaries(value: "Object", depth: int) -> Iterator["Object"]:
    """An object and the direct objects inside it that are dictionaries; indirect ones are met on their own."""
    import pikepdf

    if depth > 40:
        return
    if isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
        yield value
        inside = [item for _, item in value.items()]
    elif isinstance(value, pikepdf.Array):
        inside = list(value)
    else:
        return
    for item in inside:
        if isinstance(item, pikepdf.Object) and not item.is_indirect:
            yield from _dictionaries(item, depth + 1)


def _font(font: "Object") -> Iterator[str]:
    name = str(font.get("/BaseFont", "/?"))[1:]
    if font.get("/Subtype") in ("/Type0", "/Type3"):
        return  # the descendants of the one are met on their own, the other holds its glyphs
    descriptor = _table(font, "/FontDescriptor")
    if not any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")):
        yield f"font {name} is not embedded"


def _annotation(item: "Object") -> Iterator[str]:
    kind = str(item.get("/Subtype", "/?"))[1:]
    if kind == "Popup":
        return
    flags = int(item.get("/F", 0))
    if not flags & 4 or flags & (1 | 2 | 32):
        yield f"an annotation ({kind}) is hidden or not printed"
    left, bottom, right, top = (float(x) for x in item.Rect)
    if kind != "Link" and left != right and bottom != top and "/N" not in _table(item, "/AP"):
        yield f"an annotation ({kind}) has no appearance"


def _verapdf(tool: str, path: Path) -> tuple[str, ...]:
    try:
        done = subprocess.run(  # noqa: S603 - the validator that the user installed, on one file
            [tool, "--flavour", "3b", "--format", "text", str(path.resolve())],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=600,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"{tool}: does not run: {error}"
        raise OutputError(msg) from None
    lines = done.stdout.split("\n")
    if any(line.startswith("PASS ") for line in lines):
        return ()
    told = next((line for line in lines if line.startswith("FAIL ")), (done.stderr or done.stdout).strip()[:200])
    return (f"veraPDF: {told or f'ends with status {done.returncode}'}",)


# -------------------------------------------------------------------------------------------------- signatures


def signatures(data: bytes, roots: "list[Certificate] | None", where: str) -> tuple[Signature, ...]:
    """Find and check every signature of a PDF, the oldest first.

    Parameters
    ----------
    data : bytes
        The file.
    roots : list of asn1crypto certificates, or None
        What to trust; None: trust is not judged.
    where : str
        Name of the file, for messages.
    """
    imported("pyhanko")
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        reader = PdfFileReader(BytesIO(data))
        if reader.encrypted:
            msg = f"{where}: is encrypted; a report that is to be signed or checked is open to read"
            raise ReadError(msg)
        embedded = reader.embedded_regular_signatures
        return tuple(_signature(item, i, len(embedded), roots, data) for i, item in enumerate(embedded, 1))
    except InspectError:
        raise
    except Exception as error:  # of what is damaged, pyHanko lets through whatever its parts raise
        text = " ".join(str(error).split())[:120]
        msg = f"{where}: damaged: {text or type(error).__name__}; take the file as it was signed"
        raise ReadError(msg) from None


def _signature(
    embedded: "EmbeddedPdfSignature", number: int, count: int, roots: "list[Certificate] | None", data: bytes
) -> Signature:
    from pyhanko.sign.validation import SignatureCoverageLevel

    problems = []
    stamp = None
    status = _status(embedded, roots or [], None)
    if status.timestamp_validity is not None:
        stamp = status.timestamp_validity
        if roots is not None and stamp.valid and stamp.intact and stamp.trusted:
            # the certificate counts at the time that the authority states; it may have ended since
            status = _status(embedded, roots, stamp.timestamp)
    if not (status.intact and status.valid):
        problems.append("does not fit the file: bytes were changed after signing")
    if stamp is not None and not (stamp.intact and stamp.valid):
        problems.append("its time stamp does not fit it")
    level = status.coverage
    last = number == count
    if last and level != SignatureCoverageLevel.ENTIRE_FILE:
        problems.append("does not cover the whole file: something was added after it")
    elif level is None or level < SignatureCoverageLevel.ENTIRE_REVISION:
        problems.append("does not cover all that stood before it")
    if not last and not _only_signed_again(data, embedded):
        problems.append("more than another signature was added after it")
    problems += _outside_of_it(embedded, data)
    trusted = None
    if roots is not None:
        trusted = bool(status.trusted) and (stamp is None or bool(stamp.trusted))
        if not status.trusted:
            problems.append(f"its certificate is not anchored in the given trust{_why(status)}")
        elif not trusted:
            problems.append("the certificate of its time stamp is not anchored in the given trust")
    entry, field = embedded.sig_object, embedded.sig_field
    certificate = embedded.signer_cert
    statement = str(field.get("/Contents", "") or "")
    anchor = ANCHOR.search(statement)
    return Signature(
        number=number,
        name=str(entry.get("/Name", "") or certificate.subject.human_friendly),
        statement=statement[: anchor.start()].rstrip("; ") if anchor else statement,
        claimed=_utc(embedded.self_reported_timestamp),
        timestamp=_utc(stamp.timestamp) if stamp is not None else "",
        authority=stamp.signing_cert.subject.human_friendly if stamp is not None else "",
        certificate=certificate.subject.human_friendly,
        issuer=certificate.issuer.human_friendly,
        fingerprint=certificate.sha256.hex(),
        anchor=anchor[1] if anchor else "",
        trusted=trusted,
        problems=tuple(problems),
    )


def _status(
    embedded: "EmbeddedPdfSignature", roots: "list[Certificate]", moment: datetime | None
) -> "PdfSignatureStatus":
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext

    def context() -> "ValidationContext":
        return ValidationContext(trust_roots=roots, moment=moment, allow_fetching=False)

    return validate_pdf_signature(
        embedded,
        signer_validation_context=context(),
        ts_validation_context=ValidationContext(trust_roots=roots, allow_fetching=False),
        key_usage_settings=KeyUsageConstraints(
            key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
        ),
        skip_diff=True,  # its comparison of revisions takes minutes for a report; see _only_signed_again
    )


def _only_signed_again(data: bytes, embedded: "EmbeddedPdfSignature") -> bool:
    """Tell whether all that came after a signature is another one: no object that it covers was changed, but the
    list of fields and the annotations of a page, which grew."""
    import pikepdf

    covered = data[: sum(int(x) for x in list(embedded.sig_object["/ByteRange"])[2:])]
    try:
        with pikepdf.open(BytesIO(covered)) as before, pikepdf.open(BytesIO(data)) as after:
            form = before.Root.get("/AcroForm")
            lists = {item.objgen for page in before.pages if (item := page.get("/Annots")) is not None}
            lists |= {form.Fields.objgen} if form is not None else set()
            return all(
                _continues(old, after.get_object(old.objgen), old.objgen == before.Root.objgen, old.objgen in lists)
                for old in before.objects
            )
    except pikepdf.PdfError:
        return False


def _continues(old: "Object", new: "Object", root: bool, listed: bool) -> bool:
    """Tell whether an object is as it was, or longer where signing makes it so."""
    import pikepdf

    if isinstance(old, pikepdf.Stream) and isinstance(new, pikepdf.Stream):
        same = _written(old.stream_dict) == _written(new.stream_dict)
        return same and bool(old.read_raw_bytes() == new.read_raw_bytes())
    if isinstance(old, pikepdf.Dictionary) and isinstance(new, pikepdf.Dictionary):
        return _grew(old, new, root)
    if listed and isinstance(old, pikepdf.Array) and isinstance(new, pikepdf.Array):
        return _longer(old, new)
    return bool(old.unparse(resolved=True) == new.unparse(resolved=True))


def _grew(old: "Object", new: "Object", root: bool) -> bool:
    """Tell whether two dictionaries are alike but for lists of fields and annotations, which may be longer."""
    growing = {"/Annots"} if old.get("/Type") == "/Page" else set()
    growing |= {"/AcroForm"} if root else set()
    growing |= {"/Fields", "/SigFlags"} if "/Fields" in old else set()
    for key in set(old.keys()) | set(new.keys()):
        before, after = old.get(key), new.get(key)
        if before is not None and after is not None and _written(before) == _written(after):
            continue
        if key not in growing:
            return False
        if key == "/AcroForm" and before is not None:
            if after is None or before.is_indirect or not _grew(before, after, False):
                return False
        elif key in ("/Annots", "/Fields") and (after is None or not _longer(before, after)):
            return False
    return True


def _longer(old: "Object | None", new: "Object") -> bool:
    """Tell whether a list goes on with fields of signatures only."""
    first, then = ([] if old is None else list(old)), list(new)
    same = [_written(item) for item in first] == [_written(item) for item in then[: len(first)]]
    return same and all(item.get("/FT") == "/Sig" for item in then[len(first) :])


def _written(value: object) -> bytes | str:
    """A value as it stands in a file: what it refers to by number stays a number."""
    return value.unparse() if hasattr(value, "unparse") else repr(value)


def _why(status: "PdfSignatureStatus") -> str:
    told = status.trust_problem_indic
    return f" ({told.name.lower().replace('_', ' ')})" if told is not None and hasattr(told, "name") else ""


def _outside_of_it(embedded: "EmbeddedPdfSignature", data: bytes) -> Iterator[str]:
    """Bytes that no signature covers are those of the signature itself: they must be as they are written."""
    start, length, after, _ = (int(x) for x in embedded.sig_object["/ByteRange"])
    hole = data[start + length : after]
    digits = hole[1:-1]
    if not (
        hole.startswith(b"<") and hole.endswith(b">") and re.fullmatch(rb"(?:[0-9A-F]{2})*|(?:[0-9a-f]{2})*", digits)
    ):
        yield "is not written as it was signed"
        return
    written = bytes.fromhex(digits.decode())
    size = _der_length(written)
    if written[size:].strip(b"\0"):
        yield "is followed by bytes that do not belong to it"
    if not _same_digest(embedded):
        yield "is not written as it was signed"
    if not _consistent(embedded):
        yield "carries a certificate that was changed"


def _same_digest(embedded: "EmbeddedPdfSignature") -> bool:
    """Tell whether the head of the message, which nothing signs, says what its signed part says."""
    head = embedded.signed_data
    stated = embedded.signer_info["digest_algorithm"]
    name = stated["algorithm"].dump()
    plain = {bytes([0x30, len(name) + len(more)]) + name + more for more in (b"", b"\x05\x00")}
    return head["version"].native in ("v1", "v3") and all(item.dump() in plain for item in head["digest_algorithms"])


def _der_length(message: bytes) -> int:
    """Bytes of a DER value with its header."""
    first = message[1]
    if first < 0x80:
        return 2 + first
    count = first & 0x7F
    return 2 + count + int.from_bytes(message[2 : 2 + count])


def _consistent(embedded: "EmbeddedPdfSignature") -> bool:
    """Tell whether each certificate that is carried along is signed by the one that it names, where that is there."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        own = x509.load_der_x509_certificate(embedded.signer_cert.dump())
        others = [x509.load_der_x509_certificate(item.dump()) for item in embedded.other_embedded_certs]
    except ValueError:
        return False
    for certificate in (own, *others):
        for issuer in others:
            if issuer.subject != certificate.issuer:
                continue
            try:
                certificate.verify_directly_issued_by(issuer)
            except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
                return False
    return True


def _utc(moment: datetime | None) -> str:
    from datetime import UTC

    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def certificates(path: Path) -> "list[Certificate]":
    """Certificates of a PEM or DER file."""
    imported("pyhanko")
    from asn1crypto import pem, x509

    try:
        data = read_bytes(path)
        blocks = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
        found = [x509.Certificate.load(der, strict=True) for der in blocks]
        for certificate in found:
            certificate.subject.human_friendly  # noqa: B018 - parsed when asked
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    except (ValueError, TypeError):
        msg = f"{path}: not a certificate; give the root as PEM or DER"
        raise SettingsError(msg) from None
    return found


# ------------------------------------------------------------------------------------------- against the trail


def _against_trail(path: Path, data: bytes, found: Sequence[Signature]) -> tuple[list[str], list[str]]:
    """Compare a file with what the audit trail of its folder says: problems and notes."""
    folder = audit.project_folder(path)
    if not (folder / audit.LOG).exists():
        return [], []
    where = folder / audit.LOG
    trail = audit.read(folder)
    problems = [f"{where}: {text}" for text in trail.problems]
    digest = hashlib.sha256(data).hexdigest()
    name = path.resolve().relative_to(folder.resolve()).as_posix()
    ours, same = 0, False
    for entry in trail.entries:
        files = entry.new if isinstance(entry.new, dict) else {}
        if entry.event == "sign" and files.get("file") == name:
            ours = entry.number
            same = files.get("sha256") == digest
        elif entry.event == "run" and f"{files.get('job')}/report.pdf" == name:
            ours = entry.number
            same = dict(files.get("files") or {}).get("report.pdf") == digest
    if not ours:
        notes = [f"{where} does not know the file {name}"]
    elif same:
        notes = [f"the file is, byte for byte, the one of entry {ours} of {where}"]
    else:
        problems.append(f"is not, byte for byte, the file that entry {ours} of {where} recorded")
        notes = []
    problems += [
        f"signature {item.number} ({item.name}) was made after entry {item.anchor[:16]}..., which {where} does not hold"
        for item in found
        if item.anchor and not audit.holds(trail, item.anchor)
    ]
    return problems, notes


def report_id(data: bytes) -> str:
    """Identification in the ``report.json`` that a PDF carries; empty: it carries none."""
    pikepdf = imported("pikepdf")
    try:
        with pikepdf.open(BytesIO(data), suppress_warnings=True) as pdf:
            for name, file in _attached(pdf):
                if name == "report.json":
                    return str(json.loads(file.EF.F.read_bytes())["id"])
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""
    return ""


def imported(name: str) -> Any:
    """Import a library of the extra `sign`, or say how to install it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        msg = f"{name} is not installed; it comes with the extra `sign`: pip install 'inspect_tool[sign]'"
        raise OutputError(msg) from None
