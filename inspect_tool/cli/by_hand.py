"""What a person does to a job: edit, referee."""

from pathlib import Path
from typing import Annotated

import typer

from inspect_tool.cli.common import Out, Quiet, WithDefault, Workers, group, showing_progress
from inspect_tool.errors import SettingsError

Reason = Annotated[str, typer.Option(help="Why, in a few words.")]
By = Annotated[str, typer.Option(help="Name of the person who does it.")]


def edit(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    field: Annotated[int | None, typer.Option(min=1, help="Number of the field within its specimen.")] = None,
    image: Annotated[str, typer.Option(help="Name of the image, where the number does not tell.")] = "",
    mask: Annotated[Path | None, typer.Option(help="Corrected mask, from any editor.")] = None,
    reason: Reason = "",
    by: By = "",
    export: Annotated[
        Path | None, typer.Option(help="Write what is measured now, to correct it, and record nothing (.png, .ora).")
    ] = None,
    kind: Annotated[
        str, typer.Option("--as", help="Of --export: labels (numbers), overlay (color picture to paint on) or layers.")
    ] = "auto",
    out: Out = Path("reports"),
    quiet: Quiet = False,
) -> None:
    """Record a corrected segmentation of one field in the ledger of edits that lies beside the job.

    The next run measures it and reports who changed what, why, and every main result before and after.
    """
    from inspect_tool.evidence import edits
    from inspect_tool.inspection import correct

    if (export is None) == (mask is None):
        msg = "edit: give --mask with the corrected mask, or --export with a file to write the present one to"
        raise SettingsError(msg)
    if export is not None:
        brushes = correct.export(job, export, field=field, image=image, kind=kind)
        if not quiet:
            print("\n".join(f"paint with {brush}" for brush in brushes))
            print(f"{export}: correct it in any editor, then: inspect-tool edit {job} ... --mask {export}")
        return
    assert mask is not None
    tell = None if quiet else print
    made = correct.correct(job, mask, reason=reason, by=by, field=field, image=image, out=out, tell=tell)
    if not quiet:
        objects = f"{made.objects_added} added, {made.objects_removed} removed, {made.objects_changed} changed"
        print(f"{edits.folder_of(job) / edits.text_name(made)}: {made.image}: {made.changed_px} px; objects: {objects}")


def edit_undo(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", help="Of the edit; default: the last that is in force.")
    ] = None,
    reason: Reason = "",
    by: By = "",
    out: Out = Path("reports"),
    quiet: Quiet = False,
) -> None:
    """Take an edit back by a new entry of the ledger; later edits of other pixels stay."""
    from inspect_tool.evidence import edits
    from inspect_tool.inspection import correct

    made = correct.undo(job, number, reason=reason, by=by, out=out)
    if not quiet:
        print(f"{edits.folder_of(job) / edits.text_name(made)}: {made.image}: takes edit {made.undoes} back")


def edit_withdraw(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    first: Annotated[int, typer.Option("--from", min=1, help="Number of the first edit that is given up.")] = 1,
    reason: Reason = "",
    by: By = "",
    out: Out = Path("reports"),
    quiet: Quiet = False,
) -> None:
    """Give up edits whose ledger is damaged or lost: the files are moved aside, and the audit trail says why."""
    from inspect_tool.inspection import correct

    moved = correct.withdraw(job, first, reason=reason, by=by, out=out)
    if not quiet:
        where = f"{Path(moved[0]).parent}" if moved else "nothing was left of them"
        print(f"{job}: edits from {first} on are given up ({where}); recorded in the audit trail of {out}")


def referee(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Page to write (.html); it opens offline.")] = None,
    answers: Annotated[Path | None, typer.Option(help="Answers that the page saved: check and record them.")] = None,
    points: Annotated[
        int | None, typer.Option(help="Points, or test lines, of every specimen; default: 150 points, 60 lines.")
    ] = None,
    nonce: Annotated[str, typer.Option(help="Text that makes it another sample; default: a random one.")] = "",
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Give up the last sample (page or answers are lost), or a damaged ledger.")
    ] = False,
    reason: Reason = "",
    by: By = "",
    reports: Annotated[Path, typer.Option(help="Folder of the reports; its audit trail is told.")] = Path("reports"),
    workers: Workers = 1,
    quiet: Quiet = False,
) -> None:
    """Let a person correct the results of a job: draw random points or lines, blind, on a page; record the answers."""
    from inspect_tool.inspection import hand_check
    from inspect_tool.referee import ledger
    from inspect_tool.report import text

    if [out is not None, answers is not None, give_up].count(True) != 1:
        msg = (
            "referee: give --out with the page to write, --answers with the file that the page saved, or --give-up "
            "with --reason and --by"
        )
        raise SettingsError(msg)
    if give_up:
        made = hand_check.give_up(job, reason=reason, by=by, reports=reports)
        gone = made.given_up
        if not quiet and gone is not None:
            ids = ", ".join(sample[:12] for sample in gone.samples) or "none is known by its id"
            print(f"{ledger.folder_of(job) / ledger.name_of(made)}: given up, {gone.answers} answers known: {ids}")
            print(f"another sample may be drawn: inspect-tool referee {job} --out PAGE.html")
        return
    earlier = {entry.sample for entry in ledger.read(ledger.folder_of(job))}
    with showing_progress(job.stem, quiet) as progress:
        if answers is None:
            assert out is not None
            drawn = hand_check.draw(
                job, out, points=points, nonce=nonce, reports=reports, workers=workers, progress=progress
            )
        else:
            made, standing = hand_check.record(job, answers, reports=reports, workers=workers, progress=progress)
    if quiet:
        return
    if answers is None:
        print(f"{out}: sample {drawn.id[:12]}, {drawn.points} for every specimen, nonce {drawn.nonce}")
        if drawn in earlier:
            print("it was drawn before: this is its page again (--nonce draws another, --give-up gives this one up)")
        print(f"answer it in a browser, then: inspect-tool referee {job} --answers FILE")
        return
    found = standing.correction
    entry = ledger.folder_of(job) / ledger.name_of(made)
    print(f"{entry}: {found.points} of {found.planned} {found.what} by {found.person}")
    for old, new in standing.results:
        values = f"{text.value_text(old.value, new.expanded_u)} -> {text.pm(new.value, new.expanded_u, new.unit)}"
        print(f"specimen {new.specimen}, {new.quantity}: {values}")
    for one in standing.conformities:
        print(f"specimen {one.specimen}, {one.quantity}: {one.decision} ({one.reason})")
    if standing.more:
        print(
            f"about {standing.more} more {found.what} until the verdict is decided; one may stop at the end of a stage"
        )
    print(f'name it in the job: [referee] file = "{answers.name}"')


edit_app = group("edit", "Correct a segmentation by hand; take a correction back, or give it up.", WithDefault)
edit_app.command("record")(edit)
edit_app.command("undo")(edit_undo)
edit_app.command("withdraw")(edit_withdraw)
