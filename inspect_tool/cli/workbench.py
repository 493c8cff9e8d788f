"""The workbench: inspections on a screen."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from inspect_tool.cli.common import Quiet, Stopped


def workbench(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the lab; it is made where it is missing.")],
    single_user: Annotated[
        bool, typer.Option("--single-user", help="No accounts: who sits there may do everything. Reports state it.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8765,
    host: Annotated[
        str, typer.Option("--host", help="Listen there too; other computers need --certificate.")
    ] = "127.0.0.1",
    name: Annotated[str, typer.Option("--name", help="Host name in the address that others use.")] = "",
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="PEM", help="TLS certificate chain, with its key or without."),
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option("--certificate-key", metavar="PEM", help="Key of the certificate.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="P12", help="Key of the laboratory; it seals what was released.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Inspections at the same time.")] = 1,
    browse: Annotated[bool, typer.Option("--browse/--no-browse", help="Open the browser.")] = True,
    quiet: Quiet = False,
) -> None:
    """Open the workbench: inbox, inspections, corrections, review and the lab's memory, as pages in the browser."""
    from inspect_tool.errors import SettingsError
    from inspect_tool.lab import database

    try:
        from inspect_tool.web import serve
    except ImportError as error:
        msg = f"the workbench needs {error.name}; install it with: pip install 'inspect_tool[workbench]'"
        raise SettingsError(msg) from None
    lab = database.init(folder)
    place = serve.Place(host=host, port=port, name=name, certificate=certificate, certificate_key=certificate_key)
    bench = serve.bench_of(lab, place, single_user=single_user, key=key, workers=workers)
    with suppress(Stopped):  # that is how it ends
        serve.serve(bench, place, tell=(lambda _: None) if quiet else print, browse=browse)
