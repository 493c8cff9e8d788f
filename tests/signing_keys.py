"""A certificate chain of the tests' own (root, intermediate, persons) and a time-stamping server on this machine."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
PASSPHRASE = "correct horse"


@dataclass(frozen=True)
class Owner:
    """A certificate with its key."""

    key: object
    certificate: x509.Certificate


def subject(name):
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def usage(**on):
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: on.get(name, False) for name in names.split()})


def owner(name, issuer=None, *, authority=False, begins=-1, ends=30, stamps=False, signs=True, kind="rsa"):
    """Make a key and a certificate, valid from and to so many days from now; its own issuer where none is given."""
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .issuer_name(issuer.certificate.subject if issuer else subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * DAY)
        .not_valid_after(now + ends * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if authority:
        built = built.add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
    elif signs:
        built = built.add_extension(usage(digital_signature=True, content_commitment=not stamps), critical=True)
    else:
        built = built.add_extension(usage(key_encipherment=True), critical=True)
    if stamps:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return Owner(key=key, certificate=built.sign(issuer.key if issuer else key, hashes.SHA256()))


class Chain:
    """Root, intermediate, and PKCS#12 files of persons in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = owner("Test root", authority=True, ends=3650)
        self.middle = owner("Test intermediate", self.root, authority=True, ends=1000)
        self.trust = folder / "root.pem"
        self.trust.write_bytes(self.root.certificate.public_bytes(serialization.Encoding.PEM))

    def person(self, name, passphrase=PASSPHRASE, **more) -> Path:
        made = owner(name, self.middle, **more)
        path = self.folder / f"{name}.p12"
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                name.encode(),
                made.key,
                made.certificate,
                [self.middle.certificate],
                serialization.BestAvailableEncryption(passphrase.encode()),
            )
        )
        return path


class StampServer:
    """An RFC 3161 server on 127.0.0.1: HTTP around pyHanko's test authority; ``seen`` holds what was asked."""

    def __init__(self, authority: Owner, others=(), answer=None):
        from asn1crypto import keys, tsp
        from asn1crypto import x509 as asn1
        from pyhanko.sign.timestamps import DummyTimeStamper

        def plain(certificate):
            return asn1.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))

        der = authority.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stamper = DummyTimeStamper(
            plain(authority.certificate), keys.PrivateKeyInfo.load(der), [plain(item) for item in others]
        )
        self.seen = seen = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                seen.append((self.path, dict(self.headers), body))
                made = (
                    answer if answer is not None else stamper.request_tsa_response(tsp.TimeStampReq.load(body)).dump()
                )
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(made)))
                self.end_headers()
                self.wfile.write(made)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tsr"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
