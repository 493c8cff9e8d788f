"""What a third party asks: audit, key, print, sign, validate-pdf, verify."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from inspect_tool.verify.findings import Verification
from inspect_tool.cli.common import EXIT_FAIL, EXIT_PASS, NAMED, Json, Quiet, group, recover_first, showing_progress


def audit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder given to --out of run.")] = Path("reports"),
    verify: Annotated[bool, typer.Option("--verify", help="Print only whether the trail is whole.")] = False,
    event: Annotated[list[str] | None, typer.Option("--event", help="Only entries of this kind, e.g. run.")] = None,
    since: Annotated[str, typer.Option(help="Only entries from this day or time on (UTC).")] = "",
    user: Annotated[str, typer.Option(help="Only entries of this person.")] = "",
    as_json: Json = False,
) -> None:
    """Print the audit trail of a project folder, and verify that it is whole.

    Exit status: 0 whole, 3 the chain is broken (each line says where), 2 it cannot be read.
    """
    import json

    from inspect_tool.evidence import audit as auditing
    from inspect_tool.evidence.recovery import recover
    from inspect_tool.files import plain

    recover(folder.parent if folder.name == auditing.LOG else folder)
    trail = auditing.verify(folder)
    shown = () if verify else auditing.select(trail.entries, events=event or (), since=since, by=user)
    if as_json:
        facts = {"whole": not trail.problems, "last": trail.last, "problems": trail.problems, "notes": trail.notes}
        facts |= {"uncompared": trail.uncompared}
        print(json.dumps(facts | {"entries": plain(shown)}, ensure_ascii=False, indent=1))
    else:
        for entry in shown:
            print("\n".join(auditing.lines(entry)))
        for note in trail.notes:
            print(f"note: {note}")
        for text in trail.uncompared:
            print(f"not compared: {text}")
        for problem in trail.problems:
            print(f"BROKEN: {problem}")
        if not trail.problems:
            print(f"whole; number and SHA-256 of the last entry: {trail.last}")
    raise typer.Exit(EXIT_FAIL if trail.problems else EXIT_PASS)


def sign(
    report: Annotated[Path, typer.Argument(metavar="REPORT.pdf", help="Report that a run wrote.")],
    key: Annotated[Path, typer.Option("--key", "-k", help="Key and certificate: PKCS#12 file (.p12, .pfx).")],
    name: Annotated[str, typer.Option(help="Name of the person who signs.")],
    role: Annotated[str, typer.Option(help="In which role.")],
    meaning: Annotated[str, typer.Option(help="What the signature means.")] = "released",
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    passphrase_env: Annotated[str, typer.Option(help="Environment variable that holds the passphrase.")] = "",
    passphrase_file: Annotated[Path | None, typer.Option(help="File whose first line is the passphrase.")] = None,
    timestamp: Annotated[str, typer.Option(help="URL of a time-stamping server (RFC 3161).")] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; default: the report itself.")] = None,
    project: Annotated[Path | None, typer.Option(help="Folder of the audit trail; default: that of the run.")] = None,
    font: Annotated[Path | None, typer.Option(help="Font (.ttf, .otf) that has the letters of the names.")] = None,
    quiet: Quiet = False,
) -> None:
    """Sign a report with a visible block; a second person signs the same file once more."""
    from inspect_tool.verify import signing

    recover_first(report)
    signer = signing.load_key(key, signing.passphrase(passphrase_env, passphrase_file, key))
    done = signing.sign(
        report,
        signer,
        name=name,
        role=role,
        meaning=meaning,
        reason=reason,
        timestamp=timestamp,
        out=out,
        project=project,
        font=font,
    )
    if not quiet:
        print(f"{done.path}: {done.report}: signature {done.number} of at most {signing.MOST}, by {name}")
        print(f"recorded as entry {done.entry.number} of the audit trail of {done.folder}")


def key_new(
    name: Annotated[str, typer.Option(help="Name of the person who will sign.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.p12", help="File to write, under a free name.")],
    organization: Annotated[
        str, typer.Option("--organization", "--organisation", help="Of the person; printed in the certificate.")
    ] = "",
    days: Annotated[int, typer.Option(help="For so long the certificate is valid.")] = 365,
    passphrase_env: Annotated[str, typer.Option(help="Environment variable that holds the passphrase.")] = "",
    passphrase_file: Annotated[Path | None, typer.Option(help="File whose first line is the passphrase.")] = None,
) -> None:
    """Make a key with a self-signed certificate, for trying `sign`; its passphrase is asked for twice."""
    import getpass

    from inspect_tool.folders import check_new_file
    from inspect_tool.verify import signing, trial_key

    check_new_file(out)
    if passphrase_env or passphrase_file is not None or not sys.stdin.isatty():
        passphrase = signing.passphrase(passphrase_env, passphrase_file, out)
    else:
        passphrase = trial_key.passphrase_typed(getpass.getpass, out)
    fingerprint = trial_key.make(name, organization, days, passphrase, out)
    print(f"{out}: key of {name}, valid for {days} days, certificate SHA-256 {fingerprint}")
    print("For trying: it is signed by itself. It proves that a report was not changed since, not who signed it.")
    print(
        "A real one comes from a certificate authority or a trust service, which checked who you are (docs/signing.md)."
    )


def validate_pdf(
    file: Annotated[Path, typer.Argument(metavar="FILE.pdf", help="PDF to check.")],
    trust: Annotated[
        list[Path] | None, typer.Option("--trust", help="Certificate to trust (PEM or DER); may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the signatures and the structure of a PDF, and compare it with its audit trail.

    Exit status: 0 nothing speaks against it, 3 something does (each line says what), 2 it cannot be read.
    """
    import json

    from inspect_tool.files import plain
    from inspect_tool.verify import pdf_check

    recover_first(file)
    found = pdf_check.validate(file, trust or ())
    if as_json:
        print(json.dumps(plain(found), ensure_ascii=False, indent=1))
    else:
        print("\n".join(pdf_check.lines(found)))
    raise typer.Exit(EXIT_FAIL if found.problems else EXIT_PASS)


def verify(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="The PDF, report.json, or the folder of a report.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images: compare their hashes and segment them again.")
    ] = None,
    template: Annotated[Path | None, typer.Option(help="Folder of your own template, where there is one.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Verify a report: recompute its numbers from the masks it carries and compare everything it says.

    Exit status: 0 verified, 3 something differs (each difference is named), 2 it cannot be read or recomputed.
    """
    import json

    from inspect_tool.files import plain
    from inspect_tool.verify.verify import verify as verified

    recover_first(report)
    with showing_progress(report.name, quiet or as_json) as tell:
        found = verified(report, images=images, template=template, progress=tell)
    if as_json:
        print(json.dumps(plain(found), ensure_ascii=False, indent=1))
    elif not quiet or not found.verified:
        _print_verification(found)
    raise typer.Exit(EXIT_PASS if found.verified else EXIT_FAIL)


def print_(
    report: Annotated[
        Path,
        typer.Argument(
            metavar="REPORT", help="The PDF, report.json or folder of a report; the JSON file or folder of a study."
        ),
    ],
    language: Annotated[str, typer.Option(help="Of the words, e.g. de; default: that of the report.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write; default: beside the report.")
    ] = None,
    template: Annotated[Path | None, typer.Option(help="Folder of your own template, where there is one.")] = None,
    quiet: Quiet = False,
) -> None:
    """Print the pages of a report or a study anew, e.g. in another language; nothing is measured, its files stay."""
    from inspect_tool.studies.reprint import print_anew

    recover_first(report)
    done = print_anew(report, language=language, out=out, template=template)
    if not quiet:
        for file in done.files:
            print(f"{file}: print of report {done.report} in language {done.language}")
        if len(done.files) == 1:
            print("no HTML page: the PDF does not hold its pictures; give the report folder")


_SHOWN = 12  # differences of one part that are printed


def _print_verification(found: "Verification") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from inspect_tool.languages import Text, Value, said

    def say(key: str, **values: Value) -> str:
        return said(Text(key, **values), found.language)

    def name(room: str, word: str) -> str:
        return say(f"console.{room}{word.lower().replace(' ', '_')}")

    table = Table(title=None, header_style="bold", pad_edge=False)
    for column in ("part", "state", "looked_at"):
        table.add_column(name("", column))
    shown: dict[tuple[str, str], int] = {}
    for item in found.findings:
        number = shown[item.part, item.state] = shown.get((item.part, item.state), 0) + 1
        if number <= _SHOWN:
            table.add_row(name("part_", item.part), name("", item.state), escape(item.text))
    for (part, state), number in shown.items():
        if number > _SHOWN:
            table.add_row(name("part_", part), name("", state), say("console.more_differences", n=number - _SHOWN))
    verdict = Text("console.verified" if found.verified else "console.does_not_verify")
    if found.verified and found.unseen:
        verdict = Text("console.pages_not_seen", why=found.unseen)
    if found.verified and found.as_stated:
        left = len(found.as_stated) - NAMED
        more = Text("console.and_more", n=left) if left > 0 else ""
        verdict = Text("console.as_stated", verdict=verdict, names=found.as_stated[:NAMED], more=more)
    console = Console(width=None if sys.stdout.isatty() else 140)
    line = say("console.of_report", report=found.report, verdict=verdict)
    console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(table)


key_app = group("key", "Keys to sign with.")
key_app.command("new")(key_new)
