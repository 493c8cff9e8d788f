"""Sign a report: PAdES with a visible block, by one or two persons, with a time stamp where a server is given.

The signature is appended (an incremental update), so that the report and an earlier signature stay as they are,
byte for byte, and the file stays PDF/A-3. A seal is a signature by the key of the laboratory that names the person who
released the report. ``docs/signing.md`` is the page for users.
"""

import getpass
import hashlib
import os
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit, recovery
from inspect_tool.files import read_bytes
from inspect_tool.verify import pdf_check
from inspect_tool.verify.pdf_compare import ROOM, signature_box

MOST = 2
"""Persons who can sign one report."""
SEALED = ", under the seal of "
"""What stands in a role between that of the person and the name of the laboratory whose key it is."""
TIMEOUT_S = 20  # for the time-stamping server [s]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was done."""

    path: Path
    report: str  # identification, or the name of the file
    number: int  # of the signature in the file
    entry: audit.Entry  # of the audit trail
    folder: Path  # of that trail


def load_key(path: Path, passphrase: str) -> Any:
    """Load key and certificates of a PKCS#12 file (``.p12``, ``.pfx``) as a signer of pyHanko.

    Raises
    ------
    SettingsError
        Wrong passphrase, no key, or a certificate that must not sign; the message never holds the passphrase.
    """
    pdf_check.imported("pyhanko")
    from asn1crypto import pkcs12 as der
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import pkcs12
    from pyhanko.sign.signers import SimpleSigner

    try:
        data = read_bytes(path)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    try:
        der.Pfx.load(data, strict=True).native  # noqa: B018 - parsed when asked
    except (ValueError, TypeError):
        msg = f"{path}: not a PKCS#12 file (.p12, .pfx)"
        raise SettingsError(msg) from None
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(data, passphrase.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        msg = f"{path}: cannot be opened; the passphrase is wrong, or the file is damaged"
        raise SettingsError(msg) from None
    if key is None or certificate is None:
        msg = f"{path}: holds no key with its certificate; export both"
        raise SettingsError(msg)
    check_certificate(certificate, str(path))
    return SimpleSigner.load_pkcs12_data(data, other_certs=[], passphrase=passphrase.encode() or None)


def passphrase(variable: str, file: Path | None, key: Path) -> str:
    """Passphrase of a key from an environment variable, the first line of a file, or typed at a terminal."""
    if variable and file is not None:
        msg = "give --passphrase-env or --passphrase-file, not both"
        raise SettingsError(msg)
    if variable:
        if variable not in os.environ:
            msg = f"--passphrase-env: there is no environment variable {variable}"
            raise SettingsError(msg)
        return os.environ[variable]
    if file is not None:
        try:
            return read_bytes(file).decode("utf-8-sig").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{file}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
            raise SettingsError(msg) from None
    if not sys.stdin.isatty():
        msg = f"{key}: its passphrase is needed: give --passphrase-env or --passphrase-file, or start at a terminal"
        raise SettingsError(msg)
    return getpass.getpass(f"Passphrase of {key}: ")


def check_certificate(certificate: Any, where: str) -> None:
    """Refuse a certificate (of ``cryptography``) that is not valid now or is not for signing."""
    from cryptography import x509

    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    moment = datetime.now(UTC)
    if moment < begins:
        msg = f"{where}: the certificate is valid from {begins:%Y-%m-%d %H:%M} UTC on, which is not yet"
        raise SettingsError(msg)
    if moment > ends:
        msg = f"{where}: the certificate expired on {ends:%Y-%m-%d}; get a new one"
        raise SettingsError(msg)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    except ValueError:
        msg = f"{where}: the certificate has extensions that cannot be read"
        raise SettingsError(msg) from None
    if not (usage.digital_signature or usage.content_commitment):
        msg = f"{where}: the certificate is not for signing (its key usage has no digitalSignature, nonRepudiation)"
        raise SettingsError(msg)


def sign(
    report: Path,
    signer: Any,
    *,
    name: str,
    role: str,
    meaning: str = "released",
    reason: str = "",
    timestamp: str = "",
    out: Path | None = None,
    project: Path | None = None,
    font: Path | None = None,
    seal: str = "",
    released: Mapping[str, object] | None = None,
) -> Signed:
    """Sign a report and record it in the audit trail.

    Parameters
    ----------
    report : Path
        PDF that ``run`` wrote, unsigned or signed by one other person.
    signer : pyhanko.sign.Signer
        From ``load_key``, or any other of pyHanko (a token by PKCS#11).
    name, role, meaning, reason : str
        What the visible block says.
    timestamp : str
        URL of an RFC 3161 server; empty: no time stamp.
    out : Path, optional
        File to write; default: the report itself, which only grows.
    project : Path, optional
        Folder of the audit trail; default: that of the report.
    font : Path, optional
        Font with the letters of the names; default: one for Latin, Greek and Cyrillic.
    seal : str
        Name of the laboratory whose key it is; the person is then named and has signed with no key of his or her own.
    released : mapping, optional
        The release that the seal belongs to; the entry in the audit trail keeps it.

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then.
    """
    words = {"name": name, "role": role + SEALED + seal if seal else role, "meaning": meaning, "reason": reason}
    words = {key: " ".join(value.split()) for key, value in words.items()}
    for key in ("name", "role", "meaning"):
        if not words[key]:
            msg = f"--{key}: is missing; the signature block states it"
            raise SettingsError(msg)
    data = pdf_check.read_pdf(report)
    number = _next_number(report, data, signer, "" if seal else words["name"])
    target = out or report
    if out is not None and out.exists() and not (report.exists() and out.samefile(report)):
        msg = f"{out}: is there already and is not replaced; choose another name with --out"
        raise OutputError(msg)
    folder = project or audit.project_folder(target)
    before = audit.ready(folder)
    made = _signed(report, data, signer, words, number, before, _server(timestamp), font)
    subject = pdf_check.report_id(data) or report.name
    facts = {
        "file": _relative(target, folder),
        "sha256": hashlib.sha256(made).hexdigest(),
        **{key: words[key] for key in ("name", "role", "meaning")},
        "certificate": signer.signing_cert.subject.human_friendly,
        "certificate_sha256": signer.signing_cert.sha256.hex(),
        "timestamp": _without_login(timestamp),
        "signatures": number,
        **({} if released is None else {"released": released}),
    }
    event = audit.Event(
        event="sign",
        subject=subject,
        reason=words["reason"],
        old={"sha256": hashlib.sha256(data).hexdigest(), "signatures": number - 1},
        new=facts,
        user=words["name"] if seal else "",
    )
    with _held(folder, report) as log, recovery.signed_file(target, made, folder) as partial:
        if not report.is_file() or report.read_bytes() != data:
            msg = f"{report}: was replaced or signed by another process meanwhile; nothing was signed: look at it again"
            raise OutputError(msg)
        (entry,) = audit.add(log, event)[-1:]
        recovery.put(partial, target)
    return Signed(path=target, report=subject, number=number, entry=entry, folder=folder)


@contextmanager
def _held(folder: Path, report: Path) -> Iterator[audit.Held]:
    """Hold the audit trail, and that of the run where it is another: no run replaces the report meanwhile."""
    home = audit.project_folder(report)
    with ExitStack() as held:
        if home != folder.resolve() and (home / audit.LOG).exists():
            held.enter_context(audit.held(home))
        yield held.enter_context(audit.held(folder))


def _next_number(report: Path, data: bytes, signer: Any, name: str) -> int:
    """Number of the new signature; refuses a file that is no sound report, or that this person has signed.

    Whom a seal names has not signed with a key of his or her own, and may still do so; ``name`` of a seal: empty.
    """
    wrong = pdf_check.structure(data, str(report))
    if wrong:
        msg = f"{report}: not PDF/A-3: {wrong[0]}; sign the report.pdf that a run wrote"
        raise ReadError(msg)
    found = pdf_check.signatures(data, None, str(report))
    for item in found:
        if item.problems:
            msg = f"{report}: signature {item.number} ({item.name}) {item.problems[0]}; nothing is signed on top of it"
            raise ReadError(msg)
        certificate = signer.signing_cert
        same_key = (
            item.fingerprint == certificate.sha256.hex() or item.certificate == certificate.subject.human_friendly
        )
        if same_key or (item.name.casefold() == name.casefold() and SEALED not in item.statement):
            msg = (
                f"{report}: {item.name} has signed it already (signature {item.number}); the second is another person's"
            )
            raise SettingsError(msg)
    if len(found) >= MOST:
        msg = f"{report}: is signed by {MOST} persons already; a further signature has no place"
        raise SettingsError(msg)
    return len(found) + 1


def _signed(
    report: Path,
    data: bytes,
    signer: Any,
    words: dict[str, str],
    number: int,
    before: str,
    server: Any,
    font: Path | None,
) -> bytes:
    """The file with one more signature, checked again as a stranger would."""
    from pyhanko.pdf_utils.generic import pdf_string
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
    from pyhanko.sign.timestamps import TimestampRequestError

    from inspect_tool.verify.signature_block import Appending, Block, Words, check_letters, fonts, known_letters

    certificate = signer.signing_cert
    entry, last = before.split()
    owner = f"certificate of {_common_name(certificate.subject)}, issued by {_common_name(certificate.issuer)}"
    trail = f"audit trail: entry {entry}, sha256 {last[:16]}…"
    meaning = words["meaning"][:1].upper() + words["meaning"][1:]
    plain, bold = fonts(font, "".join((meaning, *words.values(), owner, trail, "signed 0123456789-: UTC · ?")))
    check_letters(plain, words)
    block = Block(
        border_width=0,
        font=plain,
        bold=bold,
        time=datetime.now(UTC),
        words=Words(
            meaning=meaning,
            name=words["name"],
            role=words["role"],
            reason=words["reason"],
            certificate=known_letters(plain, owner),
            trail=known_letters(plain, trail),
        ),
    )
    said = "; ".join(f"{key}: {words[key]}" for key in ("meaning", "name", "role", "reason") if words[key])
    field = f"Signature{number}"
    try:
        writer = Appending(BytesIO(data))
        page, box = _place(writer, number)
        append_signature_field(
            writer,
            SigFieldSpec(sig_field_name=field, on_page=page, box=box, readable_field_name=f"Signature {number}"),
        )
        fields = (item.get_object() for item in writer.root["/AcroForm"]["/Fields"])
        widget = next(item for item in fields if item["/T"] == field)
        widget["/Contents"] = pdf_string(f"{said}; audit trail {before}")
        metadata = PdfSignatureMetadata(
            field_name=field,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            name=words["name"],
            reason=": ".join(filter(None, (words["meaning"], words["reason"]))),
        )
        made = BytesIO()
        PdfSigner(metadata, signer, timestamper=server, stamp_style=block).sign_pdf(
            writer, existing_fields_only=True, output=made
        )
    except (TimestampRequestError, OSError, TimeoutError) as error:
        url = _without_login(server.url) if server is not None else ""
        msg = f"{url}: the time-stamping server cannot be used: {_short(error)}; nothing was signed"
        raise OutputError(msg) from None
    except (SigningError, PdfError, ValueError) as error:
        msg = f"{report}: cannot be signed: {_short(error)}"
        raise OutputError(msg) from None
    signed = made.getvalue()
    wrong = [
        *pdf_check.structure(signed, str(report)),
        *(text for item in pdf_check.signatures(signed, None, str(report)) for text in item.problems),
    ]
    if wrong or not signed.startswith(data):
        msg = (
            f"{report}: would not be sound after signing ({wrong[0] if wrong else 'not appended'}); nothing was signed"
        )
        raise OutputError(msg)
    return signed


def _place(writer: Any, number: int) -> tuple[int, tuple[int, int, int, int]]:
    """Page (0-based) and box [1/72 in] of a block: in the room that the report keeps free, or on a page of its own."""
    room = _room(writer)
    if room is None:
        if number > 1:  # the first signature brought the page
            page = int(writer.root["/Pages"]["/Count"]) - 1
            left, top = 51.0, float(writer.root["/Pages"]["/Kids"][-1]["/MediaBox"][3]) - 60.0
        else:
            page, left, top = _new_page(writer)
    else:
        page, left, top = room
    return page, signature_box(left, top, number)


def _room(writer: Any) -> tuple[int, float, float] | None:
    """Page, left and top of the destination that marks the room; None: the file has no such place."""
    names = writer.root.get("/Names", {}).get("/Dests", {}).get("/Names", [])
    for i in range(0, len(names) - 1, 2):
        if str(names[i]) == ROOM:
            page, left, top = names[i + 1].raw_get(0), float(names[i + 1][2]), float(names[i + 1][3])
            for index in range(int(writer.root["/Pages"]["/Count"])):
                if writer.find_page_for_modification(index)[0].reference == page.reference:
                    return index, left, top
    return None


def _new_page(writer: Any) -> tuple[int, float, float]:
    """Append an empty page of the size of the last one."""
    from pyhanko.pdf_utils import generic

    count = int(writer.root["/Pages"]["/Count"])
    last = writer.find_page_for_modification(count - 1)[0].get_object()
    box = [float(x) for x in last.get("/MediaBox", writer.root["/Pages"].get("/MediaBox", [0, 0, 595.28, 841.89]))]
    page = generic.DictionaryObject()  # type: ignore[no-untyped-call]
    page["/Type"] = generic.pdf_name("/Page")
    page["/MediaBox"] = generic.ArrayObject([generic.NumberObject(round(x)) for x in box])  # type: ignore[no-untyped-call]
    page["/Resources"] = generic.DictionaryObject()  # type: ignore[no-untyped-call]
    writer.insert_page(page)
    return count, 51.0, box[3] - 60.0


def _server(url: str) -> Any:
    """Client of a time-stamping server; None without a URL."""
    if not url:
        return None
    from pyhanko.sign.timestamps import HTTPTimeStamper

    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
        login = f"{parts.username or ''}:{parts.password or ''}"
    except ValueError:
        msg = "--timestamp: not the address of a server; it begins with http:// or https://"
        raise SettingsError(msg) from None
    header = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if parts.username else {}
    return HTTPTimeStamper(
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), timeout=TIMEOUT_S, headers=header
    )


def _without_login(url: str) -> str:
    """Address of a server without user and password, for logs and messages.

    >>> _without_login("https://lab:secret@tsa.example:8080/tsr")
    'https://tsa.example:8080/tsr'
    """
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")) if url else ""


def _common_name(name: Any) -> str:
    native = name.native
    return str(native.get("common_name") or native.get("organization_name") or name.human_friendly)


def _short(error: BaseException) -> str:
    """One line on an error and what caused it."""
    cause = error.__cause__
    texts = [str(error) or type(error).__name__, *([str(cause) or type(cause).__name__] if cause else [])]
    return " ".join(": ".join(texts).split())[:200]


def _relative(path: Path, folder: Path) -> str:
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
