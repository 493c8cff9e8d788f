"""A key with a self-signed certificate, to try signing with: it says who made the file, and nobody vouches for that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inspect_tool.errors import SettingsError
from inspect_tool.folders import new_file
from inspect_tool.verify.pdf_check import imported

LONGEST_DAYS = 3650
_LONGEST = {"name": 64, "organization": 64}  # characters of a common name and of an organization, by RFC 5280
_SHORTEST_PASSPHRASE = 8


def make(name: str, organization: str, days: int, passphrase: str, out: Path) -> str:
    """Write a new RSA key and its certificate as PKCS#12, encrypted by the passphrase.

    Parameters
    ----------
    name, organization : str
        Of whom the certificate names as its owner and as its issuer; without ``organization`` it names none.
    days : int
        The certificate is valid from now on for so long.
    passphrase : str
        Of the file.
    out : Path
        The file, whose name is free and ends in ``.p12`` or ``.pfx``.

    Returns
    -------
    str
        SHA-256 of the certificate in hexadecimal, by which it is told apart.

    Raises
    ------
    SettingsError
        A name, number or passphrase cannot be used.
    OutputError
        The file is there already, or cannot be written.
    """
    _check(name, organization, days, passphrase, out)
    imported("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    named = [x509.NameAttribute(NameOID.COMMON_NAME, name.strip())]
    if organization.strip():
        named.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization.strip()))
    begin = datetime.now(UTC).replace(microsecond=0)
    usage = {"digital_signature": True, "content_commitment": True}
    others = ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(named))
        .issuer_name(x509.Name(named))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(**usage, **dict.fromkeys((*others, "encipher_only", "decipher_only"), False)), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    locked = serialization.BestAvailableEncryption(passphrase.encode())
    data = pkcs12.serialize_key_and_certificates(name.strip().encode(), key, certificate, None, locked)

    def write(place: Path) -> None:
        place.touch(mode=0o600)
        place.write_bytes(data)

    new_file(out, write)
    return certificate.fingerprint(hashes.SHA256()).hex()


def passphrase_typed(ask: Callable[[str], str], out: Path) -> str:
    """Ask for a passphrase twice, unseen; what was typed must be the same."""
    typed = ask(f"New passphrase of {out}: ")
    if ask("The same once more: ") != typed:
        msg = f"{out}: the two passphrases differ; nothing was written"
        raise SettingsError(msg)
    return typed


def _check(name: str, organization: str, days: int, passphrase: str, out: Path) -> None:
    for what, text in (("name", name), ("organization", organization)):
        if len(text.strip()) > _LONGEST[what] or not text.isprintable():
            msg = f"--{what}: has {len(text.strip())} characters; a certificate takes {_LONGEST[what]}, all printable"
            raise SettingsError(msg)
    if not name.strip():
        msg = "--name: is empty; name the person who signs"
        raise SettingsError(msg)
    if not 1 <= days <= LONGEST_DAYS:
        msg = f"--days: got {days}, must be from 1 to {LONGEST_DAYS}"
        raise SettingsError(msg)
    if out.suffix.lower() not in (".p12", ".pfx"):
        msg = f"--out: got {out}; the name of a key file ends in .p12 or .pfx"
        raise SettingsError(msg)
    if len(passphrase) < _SHORTEST_PASSPHRASE:
        msg = f"{out}: its passphrase has {len(passphrase)} characters; take {_SHORTEST_PASSPHRASE} or more"
        raise SettingsError(msg)
