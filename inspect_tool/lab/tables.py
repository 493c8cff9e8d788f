"""The tables of a lab, as values of SQLAlchemy Core; the same on SQLite and on PostgreSQL.

The tables of ``INDEX`` hold what report files say and are made again from them. A change of a table is a new file in
``migrations/versions``; a test compares the two.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    func,
)

AT_ONCE = 500
"""Values of one kind that a statement asks for: databases bind a bounded number."""


class Instant(TypeDecorator[datetime]):
    """A moment: aware of its time zone in Python, kept as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into UTC, which SQLite keeps without saying so."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a moment without a time zone could be any"
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give a moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _text(name: str, *, index: bool = False, key: bool = False) -> Column[str]:
    """A text that is empty where nothing is stated."""
    return Column(name, Text, primary_key=key, nullable=False, default="", index=index)


def _sha256(name: str, *, nullable: bool = False, key: bool = False, index: bool = False) -> Column[str]:
    return Column(name, String(64), primary_key=key, nullable=nullable, index=index)


def _of_report(*, key: bool = False) -> Column[int]:
    return Column("report", ForeignKey("report.id", ondelete="CASCADE"), primary_key=key, nullable=False)


lab = Table(
    "lab",
    METADATA,
    Column("key", String(32), primary_key=True),  # that of lab.toml: whose database this is
    _text("name"),
    Column("made", Instant, nullable=False),
)

fingerprint = Table(
    "fingerprint",  # what a result depends on besides the specimen
    METADATA,
    _id(),
    Column("sha256", String(64), nullable=False, unique=True),  # of the other columns
    _text("recipe_settings"),  # SHA-256 of the recipe, its settings and the edition
    _text("backend"),  # name and SHA-256 of its settings
    _text("weights"),  # SHA-256 of the weights; empty: the backend has none
    _text("software"),  # name and version
    _text("scale"),  # certificate or source, and pixel size
    _text("instrument"),
    _text("operator"),
)

part = Table("part", METADATA, _id(), Column("name", Text, nullable=False, unique=True))

spec = Table(
    "spec",  # a file of acceptance criteria
    METADATA,
    _id(),
    Column("part", ForeignKey("part.id"), nullable=False),
    _text("revision"),
    _text("file"),
    _sha256("sha256"),
    UniqueConstraint("part", "revision", "sha256"),
)

report = Table(
    "report",
    METADATA,
    _id(),
    Column("uid", String(64), nullable=False, unique=True),  # SHA-256 of report.json
    _text("name"),  # of its folder or PDF
    _text("recipe"),
    _text("title"),
    _text("number"),  # the report's own id
    _text("place", index=True),  # folder or PDF: relative to the lab's folder where it lies in it, else absolute
    Column("started", Instant, nullable=False, index=True),
    Column("day", Date, nullable=False, index=True),  # of the work: as the header states it, else that of the start
    Column("added", Instant, nullable=False),
    _text("laboratory"),
    _text("customer"),
    _text("order_"),
    _text("part"),
    _text("heat"),
    _text("lot", index=True),
    _text("operator"),
    _text("instrument"),
    _text("sample_id"),
    _text("material"),
    _text("verdict"),  # pass, fail, undecided or no requirement
    Column("conforming", Boolean),  # every check of the method passed; NULL: it has none
    _text("standard"),  # id and edition
    _text("language"),
    _sha256("supersedes", nullable=True, index=True),  # uid of the report that this one replaces
    _sha256("superseded_by", nullable=True),  # uid of the report that replaces this one
    Column("fingerprint", ForeignKey("fingerprint.id"), nullable=False, index=True),
    Column("spec", ForeignKey("spec.id")),
    Index("ix_report_recipe_day", "recipe", "day"),
)

_SOUGHT = ("number", "customer", "order_", "part", "heat", "lot")
SPELLINGS = tuple(Index(f"ix_report_lower_{name}", func.lower(report.c[name])) for name in _SOUGHT)
"""What a search asks for in small letters or capitals."""

specimen = Table("specimen", METADATA, _of_report(key=True), _text("specimen", key=True))

result = Table(
    "result",
    METADATA,
    _of_report(key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # in report.json, from 0; then what has none
    _text("specimen"),
    _text("quantity"),
    Column("value", Double),  # NULL: a requirement asks for it, and it was not found
    _text("unit"),
    Column("u", Double),
    Column("expanded_u", Double),
    Column("low", Double),
    Column("high", Double),
    Column("coverage", Double),
    Column("n", Integer),
    Column("main", Boolean, nullable=False),  # shown on page 1
    _text("verdict"),  # the gravest of the requirements on it; empty: none asks for it
    Column("lower", Double),  # limits asked, the strictest, in the unit of the result; NULL: none
    Column("upper", Double),
    _text("clause"),
    Index("ix_result_quantity_report", "quantity", "report"),
)

micrograph = Table(
    "micrograph",
    METADATA,
    _of_report(key=True),
    Column("field", Integer, primary_key=True, autoincrement=False),  # position in the report, from 0
    _text("specimen"),
    _text("file"),
    _sha256("sha256", index=True),  # of an object where it is kept
)

object_ = Table(
    "object",  # a file of the folder objects
    METADATA,
    _sha256("sha256", key=True),
    Column("size", BigInteger, nullable=False),  # [byte]
    _text("kind"),  # image, mask, report or pdf
    Column("added", Instant, nullable=False),
)

lot = Table(
    "lot",  # as reports state it: one of which they state different numbers has several rows
    METADATA,
    _id(),
    Column("identifier", Text, nullable=False),
    Column("size", Integer, nullable=False),
    _text("standard"),  # of the sampling plan
    Column("n", Integer, nullable=False),  # sample size [specimens]
    Column("ac", Integer, nullable=False),  # as many nonconforming specimens at most
    Column("re", Integer, nullable=False),  # as many at least
    _text("source"),
    UniqueConstraint("identifier", "size", "standard", "n", "ac", "re", "source", name="uq_lot"),
)

lot_report = Table(
    "lot_report",
    METADATA,
    Column("lot", ForeignKey("lot.id", ondelete="CASCADE"), primary_key=True),
    _of_report(key=True),
)

instrument = Table("instrument", METADATA, _id(), Column("name", Text, nullable=False, unique=True))

calibration = Table(
    "calibration",
    METADATA,
    _id(),
    Column("instrument", ForeignKey("instrument.id")),
    _text("certificate"),
    _text("source"),
    Column("valid_until", Date),
    Column("pixel_um", Double),
    UniqueConstraint("instrument", "certificate", "source", "valid_until", "pixel_um"),
)

work = Table(
    "work",  # the queue
    METADATA,
    _id(),
    Column("key", String(64), nullable=False, unique=True),  # SHA-256 of what makes the job itself
    _text("job"),
    _text("out"),
    _text("name"),
    Column("state", Text, nullable=False, default="todo"),  # doing, done, failed or canceled
    Column("tries", Integer, nullable=False, default=0),
    _text("owner"),
    Column("until", Instant),  # end of the lease
    Column("heartbeat", Instant),
    _text("error"),
    _sha256("report_uid", nullable=True),
    Column("priority", Integer, nullable=False, default=0),
    Column("added", Instant, nullable=False),
    Column("started", Instant),
    Column("ended", Instant),
    Index("ix_work_state_priority_id", "state", "priority", "id"),
)

arrival = Table(
    "arrival",  # a file that a watched folder got
    METADATA,
    _id(),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # [byte]
    Column("mtime_ns", BigInteger, nullable=False),
    _sha256("sha256", nullable=True, index=True),
    Column("seen", Instant, nullable=False),
    Column("state", Text, nullable=False),  # waiting, taken, duplicate or refused
    _text("job"),
    _text("note"),
    UniqueConstraint("path", "size", "mtime_ns"),
)

baseline = Table(
    "baseline",  # frozen limits of a trend
    METADATA,
    _id(),
    _text("quantity"),
    _text("filter"),
    Column("version", Integer, nullable=False),
    Column("from_", Date),
    Column("to", Date),
    Column("n", Integer, nullable=False),  # values that they are made of
    Column("center", Double, nullable=False),
    Column("sigma", Double, nullable=False),
    Column("made", Instant, nullable=False),
    _text("by"),
    _text("reason"),
    UniqueConstraint("quantity", "filter", "version"),
)

account = Table(
    "account",  # a person who may enter the workbench
    METADATA,
    _id(),
    Column("name", Text, nullable=False, unique=True),  # to enter with, in small letters
    _text("full_name"),  # as it stands in reports and under signatures
    _text("password"),  # its Argon2 hash; never the password
    _text("roles"),  # operator, analyst, reviewer, manager, auditor; a blank between two
    Column("active", Boolean, nullable=False, default=True),
    Column("made", Instant, nullable=False),
    Column("changed", Instant, nullable=False),  # the password
    Column("temporary", Boolean, nullable=False, default=False),  # another person knows it: to be changed at entry
    Column("failures", Integer, nullable=False, default=0),  # wrong passwords since the last right one
    Column("locked_until", Instant),
)

session = Table(
    "session",  # an account that has entered
    METADATA,
    _sha256("token", key=True),  # of what the browser keeps
    Column("account", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("made", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
)

api_token = Table(
    "api_token",  # by which a program enters as an account
    METADATA,
    _id(),
    _sha256("token"),
    Column("account", ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    _text("name"),
    Column("made", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("seen", Instant),
    UniqueConstraint("token"),
)

intake = Table(
    "intake",  # an image that was given to the workbench
    METADATA,
    _id(),
    _text("name"),  # as its owner calls it
    Column("place", Text, nullable=False, unique=True),  # relative to the lab's folder
    _sha256("sha256", index=True),
    Column("size", BigInteger, nullable=False),  # [byte]
    _text("by"),
    Column("added", Instant, nullable=False),
    Column("state", Text, nullable=False),  # new, used, refused or removed
    _text("scale"),  # green, amber or red
    _text("note"),  # the reason of the color, or of the refusal
    Column("pixel_um", Double),
    Column("rows", Integer),
    Column("columns", Integer),
)

inspection = Table(
    "inspection",  # a job that the workbench made
    METADATA,
    _id(),
    Column("name", Text, nullable=False, unique=True),  # of its folder, and of its report
    _text("title"),
    _text("recipe"),
    _text("job", index=True),  # its file, relative to the lab's folder
    _text("by"),  # full name
    Column("account", ForeignKey("account.id")),  # NULL: single-user mode
    Column("added", Instant, nullable=False),
    Column("work", ForeignKey("work.id")),  # in the queue; NULL: not sent to it yet
)

draft = Table(
    "draft",  # corrections of a field that are not in the ledger yet
    METADATA,
    _id(),
    _text("job"),  # its file, relative to the lab's folder
    _sha256("image"),
    Column("account", ForeignKey("account.id", ondelete="CASCADE")),  # NULL: single-user mode
    _sha256("base"),  # of the labels that it starts from
    _text("operations"),  # JSON, in their order
    Column("position", Integer, nullable=False, default=0),  # as many of them are done; the others were undone
    Column("changed", Instant, nullable=False),
    Index("ix_draft_job_image", "job", "image"),
)

review = Table(
    "review",  # of a report by a second person
    METADATA,
    _id(),
    _sha256("report", index=True),  # its uid
    Column("state", Text, nullable=False),  # waiting, returned or released
    _text("asked_by"),
    Column("asker", ForeignKey("account.id")),
    Column("asked", Instant, nullable=False),
    _text("reviewed_by"),
    Column("reviewer", ForeignKey("account.id")),
    Column("decided", Instant),
    _text("meaning"),  # of the signature: what the person stands for
    _text("reason"),
    _text("certificate"),  # subject of the key that sealed the PDF
    _sha256("pdf", nullable=True),  # of the sealed PDF
    _sha256("trail", nullable=True),  # of the entry in the audit trail
)

remark = Table(
    "remark",  # what is said of a report in its review
    METADATA,
    _id(),
    Column("review", ForeignKey("review.id", ondelete="CASCADE"), nullable=False, index=True),
    _text("by"),
    Column("account", ForeignKey("account.id")),
    Column("said", Instant, nullable=False),
    _text("text"),
)

INDEX = (lot_report, lot, calibration, instrument, micrograph, result, specimen, report, spec, part, fingerprint)
"""What is made again from the files of reports, in an order in which it can be emptied."""
