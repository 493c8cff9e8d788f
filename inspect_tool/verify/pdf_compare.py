"""Two PDFs object by object: what one shows, says aloud, carries or does that the other does not.

Every object that can be reached from the catalog and the document information is compared: boxes, rotation, drawings,
pictures, fonts, texts for copies and for reading aloud, links, actions, attached files, metadata. Two documents that
are alike in this way look alike in every viewer. The blocks of signatures are held against what signing makes.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader
    from pypdf.generic import DictionaryObject, StreamObject

BLOCK_PT = (236.0, 61.0)
"""Width and height of the block of a signature [1/72 in]; two stand side by side on A4 and on letter."""
BLOCK_GAP_PT = 16.0
ROOM = "signatures"
"""Name of the place in a report that is kept free for the blocks."""

_MEANING = {
    "/AA": "starts actions by itself",
    "/OpenAction": "an action on opening",
    "/A": "an action",
    "/JS": "a script",
    "/JavaScript": "scripts",
    "/ActualText": "another text for reading aloud and copying",
    "/Alt": "a text for reading aloud",
    "/E": "a text for reading aloud",
    "/CropBox": "a part of the page is hidden",
    "/Rotate": "the page is turned",
    "/UserUnit": "the page is enlarged",
    "/OCProperties": "layers that can be hidden",
    "/OC": "a layer that can be hidden",
    "/AcroForm": "form fields",
    "/Annots": "annotations",
}
_PACKING = {"/Length", "/Filter", "/DecodeParms", "/DL"}  # how a stream is stored, not what it holds
_FORBIDDEN = {
    *("/Launch", "/JavaScript", "/GoToR", "/GoToE", "/SubmitForm", "/ResetForm", "/ImportData", "/Hide", "/Named"),
    *("/Rendition", "/Sound", "/Movie", "/SetOCGState", "/Trans", "/GoTo3DView", "/Thread", "/RichMediaExecute"),
}
_DRAWN = re.compile(r"/ActualText\s*(\((?:\\.|[^\\()])*\)|<[0-9A-Fa-f\s]*>)")
_SPACES = re.compile(rb"<\?xpacket.*?\?>|\s+", re.DOTALL)
_PICTURE = re.compile(rb"/i[0-9a-f]{32}\w*(?=\s+Do\b)")
_NAME = re.compile(r"/i[0-9a-f]{32}\w*")  # of a picture: made of its content


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """The same place in both documents."""

    place: str
    key: str
    shown: Any
    wanted: Any


def differences(shown: "PdfReader", wanted: "PdfReader", *, pictures: bool = True) -> Iterator[str]:
    """Name what differs between two documents, blocks of signatures aside.

    Parameters
    ----------
    shown, wanted : pypdf.PdfReader
        The document, and what it must be.
    pictures : bool
        Compare pictures by their content; else only by their size.
    """
    root, other = shown.trailer["/Root"], wanted.trailer["/Root"]
    pages, others = list(shown.pages), list(wanted.pages)
    added = pages[len(others) :]
    if len(pages) < len(others) or not all(map(_is_for_signatures, added)) or len(added) > 1:
        yield f"it has {len(pages)} pages, must have {len(others)}"
        return
    pairs = [
        _Pair(place=f"page {i}", key="", shown=a, wanted=b)
        for i, (a, b) in enumerate(zip(pages, others, strict=False), 1)
    ]
    numbers = {page.indirect_reference.idnum: i for i, page in enumerate(pages, 1) if page.indirect_reference}
    seen = {(a.shown.indirect_reference.idnum, a.wanted.indirect_reference.idnum) for a in pairs}
    todo = [
        _Pair(place="document", key="", shown=root, wanted=other),
        _Pair(
            place="document information",
            key="",
            shown=_resolved(shown.trailer.get("/Info")),
            wanted=_resolved(wanted.trailer.get("/Info")),
        ),
        *reversed(pairs),
    ]
    blocks = _blocks(shown)
    while todo:
        pair = todo.pop()
        ids = tuple(getattr(one, "idnum", None) for one in (pair.shown, pair.wanted))
        if None not in ids:
            if ids in seen:
                continue
            seen.add(ids)  # type: ignore[arg-type]
        yield from _compared(pair, todo, numbers, blocks, pictures)
    yield from _wrong_blocks(shown, wanted, blocks)


def foreign(document: "PdfReader", *, links: bool) -> Iterator[str]:
    """Name what in a document is not of the kind that reports are made of, whatever template printed them.

    Parameters
    ----------
    document : pypdf.PdfReader
    links : bool
        Links to addresses are allowed.
    """
    root = _root(document)
    known = {"/EmbeddedFiles", "/Dests"}
    for key in ("/AA", "/OpenAction", "/OCProperties", "/Collection", "/Threads", "/URI", "/NeedsRendering"):
        if key in root:
            yield f"document: has {key}{_meaning(key)}"
    for key in (_resolved(root.get("/Names")) or {}).keys() - known:
        yield f"document: has names of the kind {key}{_meaning(key)}"
    blocks = _blocks(document)
    for number, page in enumerate(document.pages, 1):
        yield from _odd_page(page, number, blocks)
    said: set[str] = set()
    for one in dictionaries(document):
        kind = one.get("/S")
        if (kind in _FORBIDDEN and one.get("/Type") != "/StructElem") or (kind == "/URI" and not links):
            said.add(f"an action of the kind {kind}")
        said |= {f"{key}{_meaning(key)}" for key in ("/JS", "/ActualText", "/E") if key in one}
        if "/OC" in one:
            said.add(f"/OC{_meaning('/OC')}")
        if one.get("/Type") == "/StructElem":
            continue
        if _speaks(one) and not any(one is block for block in _appearances(blocks)):
            said.add(f"/ActualText in a drawing{_meaning('/ActualText')}")
    yield from (f"document: holds {text}" for text in sorted(said))
    yield from _wrong_blocks(document, document, blocks)


def pictures(document: "PdfReader | None") -> dict[str, bytes]:
    """JPEG pictures of a document, as they are stored, by their SHA-256; none of a document that cannot be read."""
    from hashlib import sha256

    if document is None:
        return {}

    try:
        found = [
            one._data
            for one in dictionaries(document)
            if _is_stream(one) and one.get("/Filter") in ("/DCTDecode", ["/DCTDecode"])
        ]
    except Exception:  # a broken document fails in any way inside the reader; comparing it names the fault
        return {}
    return {sha256(data).hexdigest(): data for data in found}


def said_beside(document: "PdfReader") -> list[str]:
    """Texts of a document that no page shows: its information, bookmarks, and what is read aloud."""
    information = _resolved(document.trailer.get("/Info")) or {}
    found = [str(value) for value in information.values()]
    return found + [
        str(one[key]) for one in dictionaries(document) for key in ("/Alt", "/ActualText", "/Title") if key in one
    ]


def signature_box(left: float, top: float, number: int) -> tuple[int, int, int, int]:
    """Place of the block of a signature (1, 2) below the upper left corner of the room for them [1/72 in].

    >>> signature_box(51.0, 272.0, 2)
    (303, 211, 539, 272)
    """
    width, height = BLOCK_PT
    left += (number - 1) * (width + BLOCK_GAP_PT)
    return round(left), round(top - height), round(left + width), round(top)


# --------------------------------------------------------------------------------------------- object by object


def _compared(
    pair: _Pair, todo: list[_Pair], numbers: Mapping[int, int], blocks: Mapping[int, "DictionaryObject"], pictures: bool
) -> Iterator[str]:
    """Compare two values; what they hold is put on the list of what is to be compared."""
    a, b = _resolved(pair.shown), _resolved(pair.wanted)
    if _is_dictionary(a) and _is_dictionary(b):
        yield from _members(pair.place, a, b, todo, numbers, blocks, pictures)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield f"{pair.place}: {pair.key} has {len(a)} entries, must have {len(b)}"
            return
        todo += [
            _Pair(place=pair.place, key=pair.key, shown=one, wanted=other)
            for one, other in zip(reversed(a), reversed(b), strict=True)
        ]
    elif not _same(a, b):
        yield f"{pair.place}: {pair.key} is {_short(a)}, must be {_short(b)}{_meaning(pair.key)}"


def _members(
    place: str,
    a: "DictionaryObject",
    b: "DictionaryObject",
    todo: list[_Pair],
    numbers: Mapping[int, int],
    blocks: Mapping[int, "DictionaryObject"],
    pictures: bool,
) -> Iterator[str]:
    """Compare two dictionaries, and the content of streams."""
    place = _place(place, a, numbers)
    page, root = a.get("/Type") == "/Page", a.get("/Type") == "/Catalog"
    picture = a.get("/Subtype") == b.get("/Subtype") == "/Image"
    streams = _is_stream(a) and _is_stream(b)
    left_out = {"/Parent"} if page else {"/Pages"} if root else set()  # pages are compared one by one
    left_out |= _PACKING if streams else set()
    for key in dict.fromkeys((*b, *a)):
        if key in left_out or _unfilled(a, key) is _unfilled(b, key) is None:
            continue
        if not pictures and _NAME.fullmatch(key):
            continue
        if root and key == "/AcroForm" and key not in b and blocks:
            continue  # see _wrong_blocks
        if page and key == "/Annots":
            yield from _annotations(place, a, b, todo, blocks)
        elif _unfilled(b, key) is None:
            yield f"{place}: has {key}{_meaning(key)}"
        elif _unfilled(a, key) is None:
            yield f"{place}: lacks {key}"
        else:
            todo.append(_Pair(place=place, key=key, shown=a.raw_get(key), wanted=b.raw_get(key)))
    if _is_stream(a) and _is_stream(b) and (pictures or not picture) and not _same_content(a, b, pictures):
        told = f", with /ActualText{_meaning('/ActualText')}" if _speaks(a) and not _speaks(b) else ""
        yield f"{place}: {_kind(a)} is another one than the data give{told}"
    elif _is_stream(a) != _is_stream(b):
        yield f"{place}: holds something of another kind"


def _place(place: str, one: "DictionaryObject", numbers: Mapping[int, int]) -> str:
    """Where an object stands, in words: what has a page or a name of its own says so."""
    if one.get("/Type") == "/StructElem":
        on = numbers.get(getattr(one.raw_get("/Pg"), "idnum", 0)) if "/Pg" in one else None
        return (f"page {on}: " if on else "") + f"tag {str(one.get('/S'))[1:]}"
    if one.get("/Type") == "/Filespec":
        return f"attachment {one.get('/UF', one.get('/F', '?'))}"
    if one.get("/Type") == "/Font":
        return f"font {str(one.get('/BaseFont', '/?'))[1:]}"
    return place


def _annotations(
    place: str,
    a: "DictionaryObject",
    b: "DictionaryObject",
    todo: list[_Pair],
    blocks: Mapping[int, "DictionaryObject"],
) -> Iterator[str]:
    """Annotations of a page, blocks of signatures aside."""
    found = [one for one in _resolved(a.get("/Annots")) or () if getattr(one, "idnum", None) not in blocks]
    wanted = list(_resolved(b.get("/Annots")) or ())
    if len(found) == len(wanted):
        todo += [
            _Pair(place=place, key="/Annots", shown=one, wanted=two) for one, two in zip(found, wanted, strict=True)
        ]
        return
    kinds = dict.fromkeys(str((_resolved(one) or {}).get("/Subtype", "?")) for one in found)
    over = f"{len(found)} annotations ({', '.join(kinds)})" if found else "no annotations"
    yield f"{place}: carries {over} that may cover what is printed, must carry {len(wanted)}"


def _same_content(a: "StreamObject", b: "StreamObject", pictures: bool) -> bool:
    """Whether two streams hold the same; pictures as they are stored, metadata whatever the spaces between them."""
    if a._data == b._data and a.get("/Filter") == b.get("/Filter"):
        return True
    if a.get("/Subtype") == "/Image":
        return False
    one, other = a.get_data(), b.get_data()
    if b.get("/Type") == "/Metadata":
        one, other = (_SPACES.sub(b"", data) for data in (one, other))
    elif not pictures:
        one, other = (_PICTURE.sub(b"/picture", data) for data in (one, other))
    return bool(one == other)


def _speaks(one: "DictionaryObject") -> bool:
    """Whether a drawing says something else than it shows."""
    kind = one.get("/Subtype")
    drawing = kind in (None, "/Form") and one.get("/Type") in (None, "/XObject")
    return drawing and _is_stream(one) and b"/ActualText" in one.get_data()


def _kind(one: "DictionaryObject") -> str:
    if one.get("/Subtype") == "/Image":
        return "a picture"
    if one.get("/Type") == "/EmbeddedFile":
        return "its content"
    if any(key in one for key in ("/Length1", "/Length2", "/Length3")):
        return "a font program"
    if one.get("/Type") == "/Metadata":
        return "the metadata"
    return "what is drawn"


def _same(a: object, b: object) -> bool:
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return type(a) is type(b) and bool(a == b)
    return abs(a - b) <= 1e-6 * max(1.0, abs(b))


def _resolved(value: object) -> Any:
    """A value itself where a reference stands for it; nothing for null."""
    found = value.get_object() if hasattr(value, "get_object") else value
    return None if type(found).__name__ == "NullObject" else found


def _unfilled(holder: "DictionaryObject", key: str) -> Any:
    return _resolved(holder.get(key))


def _root(document: "PdfReader") -> "DictionaryObject":
    root: DictionaryObject = _resolved(document.trailer["/Root"])
    return root


def _is_dictionary(value: object) -> "TypeGuard[DictionaryObject]":
    return isinstance(value, dict)


def _is_stream(value: object) -> "TypeGuard[StreamObject]":
    return hasattr(value, "get_data")


def _short(value: object) -> str:
    if isinstance(value, dict | list):
        return "a dictionary" if isinstance(value, dict) else f"a list of {len(value)}"
    said = f"'{value}'" if isinstance(value, str) else str(value)
    return said if len(said) <= 60 else said[:57] + "..."


def _meaning(key: str) -> str:
    return f" ({_MEANING[key]})" if key in _MEANING else ""


# -------------------------------------------------------------------------------------------- foreign structure


def dictionaries(document: "PdfReader") -> Iterator["DictionaryObject"]:
    """Every dictionary and stream that can be reached."""
    seen: set[int] = set()
    todo: list[object] = [document.trailer["/Root"], document.trailer.get("/Info")]
    while todo:
        value = todo.pop()
        number = getattr(value, "idnum", None)
        if number is not None:
            if number in seen:
                continue
            seen.add(number)
        value = _resolved(value)
        if _is_dictionary(value):
            yield value
            todo += [value.raw_get(key) for key in value]
        elif isinstance(value, list):
            todo += value


def _odd_page(page: "PageObject", number: int, blocks: Mapping[int, "DictionaryObject"]) -> Iterator[str]:
    """What makes a page look otherwise than it is drawn."""
    whole = [float(x) for x in page.mediabox]
    for key in ("/CropBox", "/TrimBox", "/BleedBox", "/ArtBox"):
        if key in page and any(abs(float(x) - y) > 0.01 for x, y in zip(_unfilled(page, key), whole, strict=False)):
            yield f"page {number}: has a {key} smaller than the page{_meaning(key)}"
    if int(page.get("/Rotate", 0)) % 360:
        yield f"page {number}: has /Rotate {page['/Rotate']}{_meaning('/Rotate')}"
    if float(page.get("/UserUnit", 1)) != 1.0:
        yield f"page {number}: has /UserUnit {page['/UserUnit']}{_meaning('/UserUnit')}"
    if "/AA" in page:
        yield f"page {number}: has /AA{_meaning('/AA')}"
    over = [
        str((_resolved(one) or {}).get("/Subtype", "?"))
        for one in _resolved(page.get("/Annots")) or ()
        if getattr(one, "idnum", None) not in blocks and (_resolved(one) or {}).get("/Subtype") != "/Link"
    ]
    if over:
        yield (
            f"page {number}: carries {len(over)} annotations ({', '.join(dict.fromkeys(over))}) "
            "that may cover what is printed"
        )


# ----------------------------------------------------------------------------------------- blocks of signatures


def signatures(document: "PdfReader | None") -> int:
    """Count the signatures of a document; of none there are none."""
    return 0 if document is None else len(_blocks(document))


def _blocks(document: "PdfReader") -> dict[int, "DictionaryObject"]:
    """Fields of signatures that are filled, by the number of their object."""
    form = _unfilled(_root(document), "/AcroForm") or {}
    found: dict[int, DictionaryObject] = {}
    for one in _resolved(form.get("/Fields")) or ():
        field = _resolved(one)
        if _is_dictionary(field) and field.get("/FT") == "/Sig" and "/ByteRange" in (_unfilled(field, "/V") or {}):
            found[getattr(one, "idnum", 0)] = field
    return found


def _appearances(blocks: Mapping[int, "DictionaryObject"]) -> list[object]:
    return [_resolved((_resolved(field.get("/AP")) or {}).get("/N")) for field in blocks.values()]


def _is_for_signatures(page: "PageObject") -> bool:
    """Whether a page is an empty one that signing appends where a report keeps no room."""
    contents = page.get_contents()
    return contents is None or not contents.get_data().strip()


def _wrong_blocks(shown: "PdfReader", wanted: "PdfReader", blocks: Mapping[int, "DictionaryObject"]) -> Iterator[str]:
    """What in the form of a document is not a block that signing makes, at its place and with its words."""
    form = _unfilled(_root(shown), "/AcroForm")
    if form is None:
        return
    if len(_resolved(form.get("/Fields")) or ()) != len(blocks) or form.keys() - {"/Fields", "/SigFlags"}:
        yield "document: has form fields that are no signatures"
    places = _places(shown, wanted, len(blocks))
    for number, (field, place) in enumerate(zip_longest(blocks.values(), places), 1):
        if field is None:
            continue
        where = f"block of signature {number}"
        known = {"/FT", "/T", "/TU", "/Type", "/Subtype", "/F", "/Rect", "/P", "/AP", "/Contents", "/V"}
        for key in field.keys() - known:
            yield f"{where}: has {key}{_meaning(key)}"
        if place is None or not _same_box(field, place):
            yield f"{where}: does not stand in the room that is kept for it"
        yield from (f"{where}: {text}" for text in _wrong_words(field, shown))


def _places(shown: "PdfReader", wanted: "PdfReader", count: int) -> list[tuple[int, tuple[int, int, int, int]]]:
    """Object number of the page, and box, of every block."""
    pages = list(shown.pages)
    names = _unfilled(_root(wanted), "/Names") or {}
    listed = list(_resolved((_resolved(names.get("/Dests")) or {}).get("/Names")) or ())
    for name, target in zip(listed[::2], listed[1::2], strict=False):
        if str(name) == ROOM:
            page, _, left, top = _resolved(target)[:4]
            index = [one.indirect_reference for one in wanted.pages].index(page)
            break
    else:
        page, left, top = pages[-1].indirect_reference, 51.0, float(pages[-1].mediabox[3]) - 60.0
        index = len(pages) - 1
    number = getattr(pages[index].indirect_reference, "idnum", 0)
    return [(number, signature_box(float(left), float(top), i)) for i in range(1, count + 1)]


def _same_box(field: "DictionaryObject", place: tuple[int, tuple[int, int, int, int]]) -> bool:
    page = field.raw_get("/P") if "/P" in field else None
    box = [float(x) for x in _resolved(field.get("/Rect")) or ()]
    return getattr(page, "idnum", None) == place[0] and box == [float(x) for x in place[1]]


def _wrong_words(field: "DictionaryObject", document: "PdfReader") -> Iterator[str]:
    """What a block shows against what its field states."""
    states = _resolved(field.get("/AP")) or {}
    drawn = _resolved(states.get("/N"))
    if not hasattr(drawn, "get_data") or states.keys() != {"/N"}:
        yield "has no appearance of its own"
        return
    resources = _resolved(drawn.get("/Resources")) or {}
    if resources.keys() - {"/Font"} or drawn.keys() - {"/Type", "/Subtype", "/BBox", "/Resources", *_PACKING}:
        yield "shows more than words"
        return
    said = document.pages[0].extract_xform_text(drawn)
    aloud = "".join(_text(found) for found in _DRAWN.findall(drawn.get_data().decode("latin-1")))
    stated = re.fullmatch(
        r"meaning: (?P<meaning>.*?); name: (?P<name>.*?); role: (?P<role>.*?)(?:; reason: (?P<reason>.*))?"
        r"; audit trail (?P<entry>\d+) (?P<hash>[0-9a-f]{64})",
        str(field.get("/Contents", "")),
        re.DOTALL,
    )
    if stated is None:
        yield "its field does not say what it shows"
        return
    words = {key: re.escape(_joined(value or "")) for key, value in stated.groupdict().items()}
    reason = f"·{words['reason']}" if words["reason"] else ""
    wanted = (
        f"{words['meaning']}{words['name']}{words['role']}signed[-0-9:]{{15}}UTC{reason}"
        f"certificateof.*,issuedby.*audittrail:entry{words['entry']},sha256{stated['hash'][:16]}…"
    )
    for text, how in ((said, "shows"), (aloud, "says aloud")):
        if not re.fullmatch(wanted, _joined(text), re.DOTALL | re.IGNORECASE):
            yield f"{how} '{' '.join(text.split())[:80]}', which is not what its field states"


def _text(literal: str) -> str:
    """A text object of a drawing, decoded."""
    from io import BytesIO

    from pypdf.generic import read_hex_string_from_stream, read_string_from_stream

    read: Callable[[Any], Any] = read_hex_string_from_stream if literal[0] == "<" else read_string_from_stream
    return str(read(BytesIO(literal.encode("latin-1"))))


def _joined(text: str) -> str:
    """A text without spaces, its accents composed: where a line is broken does not matter."""
    return "".join(unicodedata.normalize("NFC", text).split())
