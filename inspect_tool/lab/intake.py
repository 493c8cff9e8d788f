"""Images that were given to the workbench: taken whole or not at all, looked at, listed, used, removed.

A file lies in ``inbox/`` as ``<id>-<safe name>`` and never under the path that its owner had for it; what is derived
from it lies in the folders beside it. With the text that a microscope wrote of an image, which names it, it lies as
``<id>/<safe name>``; so does an image that is a folder. The folder holds what the table ``intake`` lists, and a file of
the same content once.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, TypeAlias, get_args

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import checked, read_toml, write_whole
from inspect_tool.lab import intake_folder, intake_reading
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.file_names import free_name, safe_name, shown_name, suffix_of
from inspect_tool.lab.intake_reading import Seen
from inspect_tool.lab.tables import intake
from inspect_tool.scale import laboratory_files
from inspect_tool.scale.standing import Color

State: TypeAlias = Literal["new", "used", "refused", "removed"]
STATES: tuple[State, ...] = get_args(State)

FOLDER, FILE = "inbox", "inbox.toml"
MOST_MB = 4096
"""Largest limit of a file that ``inbox.toml`` may set. [MB]"""

LONGEST_TEXT = 65536
"""Of a text that a microscope writes beside an image: what is longer is something else. [byte]"""

_BLOCK = 1 << 20
_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.partial.*")
_DAY_S = 86400.0
_LOCK = 0x1B0C  # of PostgreSQL, while a file is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``inbox.toml`` in the lab's folder may say; without it, this."""

    most_mb: int = 2048  # of a file [MB]
    keep_free_mb: int = 1024  # of the disk: a file that would leave less is not taken [MB]
    watch: tuple[str, ...] = ()  # folders of this computer or of shares whose files are taken
    rest_s: float = 10.0  # so long a file of a watched folder has not changed before it is taken [s]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An image that was given to the workbench."""

    id: int
    name: str  # as its owner calls it, what cannot be printed escaped
    place: str  # relative to the lab's folder
    sha256: str
    size: int  # [byte]
    by: str
    added: datetime
    state: State
    scale: Color | None  # None: refused
    note: str  # the reason of the color, or of the refusal
    pixel_um: float | None  # [um/px]
    rows: int | None
    columns: int | None


def settings_of(lab: Lab) -> Settings:
    """Read the limits of the inbox and the folders that are watched for it.

    Raises
    ------
    SettingsError
    """
    path = lab.folder / FILE
    if not path.exists():
        return Settings()
    found: Settings = checked(Settings, read_toml(path), str(path))
    if not 0 < found.most_mb <= MOST_MB:
        msg = f"{path}: most_mb = {found.most_mb}; a file may have 1 to {MOST_MB} MB"
        raise SettingsError(msg)
    if found.keep_free_mb < 0 or not 0 < found.rest_s <= _DAY_S:
        msg = f"{path}: keep_free_mb must not be below 0, rest_s must be above 0 and at most {_DAY_S:.0f}"
        raise SettingsError(msg)
    return found


# ------------------------------------------------------------------------------------------------------------- taking


def give(
    lab: Lab,
    stream: BinaryIO,
    name: str,
    by: str,
    *,
    text: bytes | None = None,
    calibration: str = "",
    reading: AbstractContextManager[object] | None = None,
) -> tuple[Given, bool]:
    """Take a file: written under a temporary name and hashed, looked at in a process of its own, then given its name.

    Parameters
    ----------
    lab : Lab
    stream : binary file
        Its content, from where it stands.
    name : str
        As its owner calls it; may be a path below a folder that was given.
    by : str
        Full name of who gives it.
    text : bytes, optional
        What the microscope wrote beside it, which may state its scale.
    calibration : str
        Name of a file of ``calibrations/``: of the instrument that took the image.
    reading : context manager, optional
        Entered while the file is read as an image, so that not too many are at once.

    Returns
    -------
    Given
        One that cannot be read is refused: it is listed with the reason, and its bytes are not kept.
    bool
        False: a file of this content is there already, and is given instead.

    Raises
    ------
    OutputError
        The file is larger than allowed, or would fill the disk; nothing of it is kept.
    """
    settings, folder = settings_of(lab), _made(lab)
    instrument = (_instrument_file(lab, calibration),) if calibration else ()
    shown = shown_name(name)
    is_apart = text is not None or intake_folder.is_packed(name)
    begun = folder / f".{secrets.token_hex(8)}.partial{'' if is_apart else suffix_of(name)}"
    partial = begun / safe_name(name) if is_apart else begun
    try:
        if is_apart:
            begun.mkdir()
        if text is not None:
            text_of(partial).write_bytes(text)
        digest, size = _written(stream, partial, shown, settings)
        with connected(lab, read_only=True) as connection:
            same = _same(connection, digest)
        if same is not None:
            return same, False
        seen: Seen | None = None
        note = ""
        try:
            with reading or nullcontext():
                if intake_folder.is_packed(name):
                    packed, partial = partial, partial.with_suffix("")
                    intake_folder.unpacked(packed, partial, shown, settings.most_mb << 20)
                    packed.unlink()
                seen = intake_reading.looked(partial, shown, instrument)
        except ReadError as error:
            note = str(error).removeprefix(f"{shown}: ")
        return _entered(lab, partial, shown, name, by, digest, size, seen, note, instrument)
    except OSError as error:
        raise _unwritten(shown, error) from None
    finally:
        _cleared(begun)


def text_of(path: Path) -> Path:
    """Where the text of a microscope lies beside an image."""
    return path.with_suffix(".txt")


def _cleared(place: Path) -> None:
    """Remove a file, or a folder of an image with its text, where it is there."""
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _written(stream: BinaryIO, place: Path, name: str, settings: Settings) -> tuple[str, int]:
    """Copy a stream into a new file that is on the disk for sure; gives its SHA-256 and its size [byte]."""
    digest, size, most = hashlib.sha256(), 0, settings.most_mb << 20
    with place.open("xb") as file:
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > most:
                msg = f"{name}: has more than {settings.most_mb} MB, which is what {FILE} allows"
                raise OutputError(msg)
            if shutil.disk_usage(place.parent).free < len(block) + (settings.keep_free_mb << 20):
                raise OSError(errno.ENOSPC, f"less than {settings.keep_free_mb} MB would be left free")
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def _entered(
    lab: Lab,
    partial: Path,
    shown: str,
    name: str,
    by: str,
    digest: str,
    size: int,
    seen: Seen | None,
    note: str,
    calibrations: tuple[Path, ...],
) -> tuple[Given, bool]:
    values: dict[str, object] = {
        "name": shown,
        "place": f"{FOLDER}/{partial.name}",
        "sha256": digest,
        "size": size,
        "by": by,
        "added": now(),
        "state": "refused" if seen is None else "new",
        "note": note,
    }
    if seen is not None:
        values |= {"rows": seen.rows, "columns": seen.columns, **_scale(seen)}
    with connected(lab) as connection:
        if lab.url:  # two who give the same file at once: SQLite lets one of them write, PostgreSQL must be told
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        same = _same(connection, digest)
        if same is not None:
            return same, False
        connection.execute(delete(intake).where(intake.c.sha256 == digest, intake.c.state == "refused"))
        number = connection.scalar(insert(intake).values(values).returning(intake.c.id))
        is_alone = partial.parent == lab.folder / FOLDER
        place = f"{FOLDER}/{number}-{safe_name(name)}" if is_alone else f"{FOLDER}/{number}/{partial.name}"
        connection.execute(update(intake).where(intake.c.id == number).values(place=place))
        if seen is not None:  # last: a row without its file would be worse than a file without its row
            _kept(lab, int(number or 0), seen, calibrations)
            begun, home = (partial, lab.folder / place) if is_alone else (partial.parent, (lab.folder / place).parent)
            begun.replace(home)
        return one(connection, int(number or 0)), True


def _kept(lab: Lab, number: int, seen: Seen, calibrations: tuple[Path, ...]) -> None:
    """Keep what belongs to an image beside it."""
    write_whole(thumbnail_file(lab, number), seen.thumbnail)
    for source in calibrations:
        write_whole(_calibration_file(lab, number, "instrument"), source.read_bytes())


def _scale(seen: Seen) -> dict[str, object]:
    return {"scale": seen.scale.color, "note": seen.scale.reason, "pixel_um": seen.scale.pixel_um}


def _unwritten(name: str, error: OSError) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"{name}: the disk of the lab is full ({error.strerror}); nothing of it was kept: make room")
    return OutputError(f"{name}: cannot be written into the inbox: {error.strerror or error}")


def tidy(lab: Lab, moment: datetime) -> None:
    """Remove what a server that was stopped a day ago or more had begun to take."""
    for path in (lab.folder / FOLDER).glob(".*.partial*"):
        with suppress(OSError):
            if _PARTIAL.fullmatch(path.name) and moment.timestamp() - path.stat().st_mtime > _DAY_S:
                _cleared(path)


# ----------------------------------------------------------------------------------------------------- what is listed


def listed(
    connection: Connection,
    states: Collection[State] = ("new", "used", "refused"),
    *,
    most: int | None = None,
    skip: int = 0,
) -> tuple[Given, ...]:
    """Images in some states, the newest first; at most so many, after those that are skipped."""
    found = select(intake).where(intake.c.state.in_(states)).order_by(intake.c.added.desc(), intake.c.id.desc())
    return tuple(_given(row) for row in connection.execute(found.limit(most).offset(skip)))


def counts(connection: Connection) -> dict[State, int]:
    """How many images there are in each state."""
    found = connection.execute(select(intake.c.state, func.count()).group_by(intake.c.state)).all()
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in found}


def one(connection: Connection, number: int) -> Given:
    """The image of a number.

    Raises
    ------
    SettingsError
        There is none.
    """
    row = connection.execute(select(intake).where(intake.c.id == number)).one_or_none()
    if row is None:
        msg = f"image {number}: there is none in the inbox"
        raise SettingsError(msg)
    return _given(row)


def is_known(connection: Connection, digest: str) -> bool:
    """Whether a file of this content was ever given, removed and refused ones too."""
    return connection.execute(select(intake.c.id).where(intake.c.sha256 == digest).limit(1)).first() is not None


def file_of(lab: Lab, given: Given) -> Path:
    """Where an image lies.

    Raises
    ------
    SettingsError
        It was refused or removed: nothing of it is kept.
    """
    if given.state not in ("new", "used"):
        msg = f"{given.name}: was {given.state}; nothing of it is kept"
        raise SettingsError(msg)
    return lab.folder / given.place


def thumbnail_file(lab: Lab, number: int) -> Path:
    """Small picture of an image (JPEG)."""
    return lab.folder / FOLDER / "thumbnails" / f"{number}.jpg"


def picture_file(lab: Lab, number: int) -> Path:
    """Where the picture of an image is kept in which ends are placed (JPEG)."""
    return lab.folder / FOLDER / "pictures" / f"{number}.jpg"


def calibrations_of(lab: Lab, number: int) -> tuple[Path, ...]:
    """Calibration files that somebody gave for one image, in the order in which they count.

    By hand comes first: whoever clicked looked at this image. Each can be named by ``[calibration] file`` of a job.
    """
    found = (_calibration_file(lab, number, kind) for kind in ("by_hand", "instrument"))
    return tuple(path for path in found if path.exists())


def instruments(lab: Lab) -> tuple[str, ...]:
    """Names of the calibration files of the lab's instruments."""
    folder = lab.folder / "calibrations"
    return tuple(path.relative_to(folder).as_posix() for path in laboratory_files.files(folder))


def _instrument_file(lab: Lab, name: str) -> Path:
    if name not in instruments(lab):
        msg = f"calibration '{name}': the lab has none of that name"
        raise SettingsError(msg)
    return lab.folder / "calibrations" / name


def _calibration_file(lab: Lab, number: int, kind: Literal["by_hand", "instrument"]) -> Path:
    return lab.folder / FOLDER / "calibrations" / f"{number}-{kind}.toml"


# ------------------------------------------------------------------------------------------------------ what is changed


def calibrated(lab: Lab, number: int, *, by_hand: bytes | None = None, instrument: str = "") -> Given:
    """Give an image a calibration: one by hand, or that of an instrument; its scale is judged anew.

    Parameters
    ----------
    by_hand : bytes, optional
        Text of a calibration file.
    instrument : str
        Name of a file of ``calibrations/``.

    Raises
    ------
    SettingsError
        There is no such image or calibration.
    ReadError
        The image cannot be read any more.
    """
    with connected(lab, read_only=True) as connection:
        given = one(connection, number)
    path = file_of(lab, given)
    if by_hand is not None:
        write_whole(_calibration_file(_with_folders(lab), number, "by_hand"), by_hand)
    if instrument:
        data = _instrument_file(lab, instrument).read_bytes()
        write_whole(_calibration_file(_with_folders(lab), number, "instrument"), data)
    seen = intake_reading.looked(path, given.name, calibrations_of(lab, number))
    with connected(lab) as connection:
        connection.execute(update(intake).where(intake.c.id == number).values(_scale(seen)))
        return one(connection, number)


@contextmanager
def using(
    lab: Lab, numbers: Sequence[int], folder: Path, again: Collection[int] = ()
) -> Iterator[tuple[Connection, tuple[Path, ...]]]:
    """Give images to an inspection, in one transaction with what the block enters.

    They have their new names before it ends and lose the old ones after it: a kill leaves no image without one.

    Parameters
    ----------
    lab : Lab
    numbers : sequence of int
    folder : Path
        Of the images of the inspection, in the lab's folder; it exists.
    again : collection of int
        Images that are meant although another inspection has them already, which keeps them.

    Yields
    ------
    connection : Connection
        Of the transaction.
    paths : tuple of Path
        Where the images are now, under their own safe names. When the block raises they are where they were.

    Raises
    ------
    SettingsError
        One is not new any more: somebody else was first.
    OutputError
        One cannot be given another place.
    """
    begun: list[Path] = []
    made: list[Path] = []
    left: list[Path] = []
    try:
        with connected(lab) as connection:
            for number in numbers:
                given = one(connection, number)
                if given.state != "new" and not (given.state == "used" and number in again):
                    msg = f"{given.name}: is {given.state}, not new; another inspection has it, or it was removed"
                    raise SettingsError(msg)
                source = lab.folder / given.place
                has_text = text_of(source).is_file()
                # a text names its image: both keep their names, in a folder of their own
                is_apart = has_text or source.is_dir()
                home = folder / str(number) if is_apart else folder
                target = home / (_own_name(given) if is_apart else free_name(folder, _own_name(given)))
                try:
                    if is_apart:
                        home.mkdir()
                    begun.append(home if is_apart else target)
                    if has_text:
                        _second_name(text_of(source), text_of(target))
                    _second_name(source, target)
                except OSError as error:
                    msg = f"{given.name}: cannot be put to {target}: {error.strerror}"
                    raise OutputError(msg) from None
                made.append(target)
                if given.state == "new":
                    left.append(source.parent if is_apart else source)
                    place = target.relative_to(lab.folder).as_posix()
                    connection.execute(update(intake).where(intake.c.id == number).values(state="used", place=place))
            yield connection, tuple(made)
    except BaseException:
        for each in begun:
            _cleared(each)
        raise
    for source in left:
        with suppress(OSError):  # a rest in the inbox that nobody lists
            _cleared(source)


def _own_name(given: Given) -> str:
    """Safe name of an image, without the number that it has in the inbox."""
    place = PurePosixPath(given.place)
    return place.name.partition("-")[2] if place.parent == PurePosixPath(FOLDER) else place.name


def _second_name(old: str | Path, new: str | Path) -> None:
    """Let a file, or all files of a folder, have a second name; on a disk that has no second names, a copy."""
    if Path(old).is_dir():
        shutil.copytree(old, new, copy_function=_second_name)
        return
    try:
        os.link(old, new)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(old, new)


def remove(lab: Lab, numbers: Collection[int]) -> int:
    """Remove images that no inspection uses, and refused ones; gives how many.

    Raises
    ------
    SettingsError
        One of them is used: nothing is removed then.
    """
    with connected(lab) as connection:
        found = [one(connection, number) for number in numbers]
        used = [given.name for given in found if given.state == "used"]
        if used:
            msg = f"{used[0]}: an inspection uses it; nothing was removed"
            raise SettingsError(msg)
        connection.execute(update(intake).where(intake.c.id.in_([each.id for each in found])).values(state="removed"))
    for given in found:  # after the rows: what stays behind is a file that nobody lists, not a row without its file
        with suppress(OSError):
            place = lab.folder / given.place
            _cleared(place if place.parent == lab.folder / FOLDER else place.parent)
            thumbnail_file(lab, given.id).unlink(missing_ok=True)
            picture_file(lab, given.id).unlink(missing_ok=True)
            for path in calibrations_of(lab, given.id):
                path.unlink(missing_ok=True)
    return len(found)


# -------------------------------------------------------------------------------------------------------------- steps


def _made(lab: Lab) -> Path:
    """The folder of the inbox; it is made where it is missing."""
    _with_folders(lab)
    return lab.folder / FOLDER


def _with_folders(lab: Lab) -> Lab:
    try:
        for name in ("thumbnails", "calibrations", "pictures"):
            (lab.folder / FOLDER / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{lab.folder / FOLDER}: cannot be made: {error.strerror}"
        raise OutputError(msg) from None
    return lab


def _same(connection: Connection, digest: str) -> Given | None:
    """An image of this content that is there."""
    found = select(intake).where(intake.c.sha256 == digest, intake.c.state.in_(("new", "used")))
    row = connection.execute(found.order_by(intake.c.id)).first()
    return None if row is None else _given(row)


def _given(row: Row[Any]) -> Given:
    return Given(
        id=row.id,
        name=row.name,
        place=row.place,
        sha256=row.sha256,
        size=row.size,
        by=row.by,
        added=row.added,
        state=row.state,
        scale=row.scale or None,
        note=row.note,
        pixel_um=row.pixel_um,
        rows=row.rows,
        columns=row.columns,
    )
