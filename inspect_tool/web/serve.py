"""Start the workbench: check where it may be reached, listen, and open the browser."""

import socket
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_tool.errors import SettingsError
from inspect_tool.lab import users
from inspect_tool.lab.database import Lab, connected
from inspect_tool.web.bench import HERE, READING, Bench

if TYPE_CHECKING:
    from uvicorn import Config

_READING = 2  # images that were given are read at the same time: each may take much memory
LOOPBACK = (HERE, "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the workbench listens."""

    host: str = HERE
    port: int
    name: str = ""  # host name under which others reach it; empty: ``host``
    certificate: Path | None = None  # TLS: certificate chain and key, PEM
    certificate_key: Path | None = None  # its key where that is a file of its own


def bench_of(lab: Lab, place: Place, *, single_user: bool = False, key: Path | None = None, workers: int = 1) -> Bench:
    """Check that a workbench may be reached as it is asked for, and give it.

    Raises
    ------
    SettingsError
        Others could reach it without TLS, or without accounts.
    """
    is_local = place.host in LOOPBACK
    if not is_local and place.certificate is None:
        msg = (
            f"--host {place.host}: other computers could reach the workbench, and read along: give --certificate "
            "FILE.pem (and --certificate-key), or leave --host out"
        )
        raise SettingsError(msg)
    with connected(lab, read_only=True) as connection:
        has_accounts = users.exist(connection)
    if single_user and (has_accounts or not is_local):
        why = "the lab has accounts" if has_accounts else "other computers could reach the workbench"
        msg = f"--single-user: {why}; leave it out, and enter by name and password"
        raise SettingsError(msg)
    if not is_local and not has_accounts:
        msg = (
            f"--host {place.host}: nobody has an account yet, and whoever came first would manage the lab: start it "
            "without --host, make the first account, then start it anew"
        )
        raise SettingsError(msg)
    for file in (place.certificate, place.certificate_key, key):
        if file is not None and not file.is_file():
            msg = f"{file}: there is no such file"
            raise SettingsError(msg)
    scheme = "https" if place.certificate else "http"
    names = (HERE, "localhost") if is_local and not place.name else (place.name or place.host,)
    usual = place.port == (443 if place.certificate else 80)
    origins = tuple(f"{scheme}://{name.lower()}{'' if usual else f':{place.port}'}" for name in names)
    kept = {READING: threading.BoundedSemaphore(_READING)}
    return Bench(lab=lab, origins=origins, is_open=single_user, key=key, workers=workers, kept=kept)


def serve(bench: Bench, place: Place, *, tell: Callable[[str], None], browse: bool = True) -> None:
    """Listen until the program is stopped.

    Raises
    ------
    SettingsError
        The port is taken, or the certificate cannot be used.
    """
    import uvicorn

    config = configured(bench, place)
    listener = _listening(place)
    address = bench.origins[0]
    tell(f"{address}   Ctrl+C ends it")
    if browse:
        webbrowser.open(address)
    uvicorn.Server(config).run(sockets=[listener])


def configured(bench: Bench, place: Place) -> "Config":
    """How the server of a workbench is set up.

    Raises
    ------
    SettingsError
        The certificate cannot be used.
    """
    import ssl

    from uvicorn import Config

    from inspect_tool.web.app import application
    from inspect_tool.web.patience import PatientProtocol

    config = Config(
        application(bench),
        port=place.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=PatientProtocol,
        ws="none",
        timeout_graceful_shutdown=5,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.certificate_key,
    )
    try:
        config.load()
    except (ssl.SSLError, OSError) as error:
        msg = f"{place.certificate}: cannot be used for TLS: {error.strerror or error}; it must be PEM, with its key"
        raise SettingsError(msg) from None
    return config


def _listening(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((place.host, place.port))
    except OSError as error:
        listener.close()
        msg = f"port {place.port} of {place.host}: {error.strerror}; another workbench may run there: choose --port"
        raise SettingsError(msg) from None
    return listener
