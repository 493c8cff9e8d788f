"""Changes of the pages of a PDF that leave its data as they are: what a reader sees, hears, copies or starts.

Each change takes a PDF file and a random generator, writes the file anew and says what it did.
"""

import random
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import Image, ImageOps

PageChange = Callable[[Path, random.Random], str]


def _saved(path: Path, change: Callable[[Pdf], str]) -> str:
    with pikepdf.open(path, allow_overwriting_input=True) as opened:
        said = change(opened)
        opened.save(path, fix_metadata_version=False)
    return said


def boxes(path: Path, rng: random.Random) -> str:
    """A page is cut, moved, enlarged or turned."""

    def change(pdf: Pdf) -> str:
        number = rng.choice((0, rng.randrange(len(pdf.pages))))
        page = pdf.pages[number].obj
        width, height = (float(x) for x in list(page.MediaBox)[2:])
        cut = Array([0, 0, width, rng.uniform(0.2, 0.9) * height])
        kind = rng.choice(("CropBox", "MediaBox", "UserUnit", "Rotate", "TrimBox", "inherited CropBox"))
        if kind == "UserUnit":
            page.UserUnit = rng.choice((0.5, 3))
        elif kind == "Rotate":
            page.Rotate = rng.choice((90, 180, 270))
        elif kind == "inherited CropBox":
            pdf.Root.Pages.CropBox = cut
        else:
            page[f"/{kind}"] = cut
        return f"page {number + 1}, {kind}"

    return _saved(path, change)


def _pictures(pdf: Pdf) -> list[Stream]:
    """Pictures of fields and features, larger than signs."""
    found = [one for one in pdf.objects if isinstance(one, Stream) and one.get("/Subtype") == "/Image"]
    return [one for one in found if one.get("/Filter") == "/DCTDecode" and int(one.Width) > 100]


def pictures(path: Path, rng: random.Random) -> str:
    """Pictures take each other's place, or are drawn anew: mirrored, negative, of another field, without outlines."""

    def change(pdf: Pdf) -> str:
        found = _pictures(pdf)
        one, other = rng.sample(found, 2)
        if rng.random() < 0.4:
            first, second = one.read_raw_bytes(), other.read_raw_bytes()
            for picture, data, like in ((one, second, other), (other, first, one)):
                picture.Width, picture.Height = 0, 0
                picture.write(data, filter=Name.DCTDecode)
                picture.Width, picture.Height = _size(data)
                picture.ColorSpace = like.ColorSpace
            return "two pictures swapped"
        how = rng.choice((ImageOps.mirror, ImageOps.flip, ImageOps.invert, ImageOps.grayscale, ImageOps.posterize))
        image = Image.open(BytesIO(one.read_raw_bytes())).convert("RGB")
        drawn = (how(image, 2) if how is ImageOps.posterize else how(image)).convert("RGB")
        made = BytesIO()
        drawn.save(made, "JPEG", quality=90)
        one.write(made.getvalue(), filter=Name.DCTDecode)
        return f"a picture of {image.size[0]} px, {how.__name__}"

    return _saved(path, change)


def _size(jpeg: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(jpeg)) as image:
        return image.size


def aloud(path: Path, rng: random.Random) -> str:
    """Other words for a screen reader or for what is copied."""

    def change(pdf: Pdf) -> str:
        said = rng.choice(("pass", "0.2 %", "G = 9.9", "no deviation"))
        kind = rng.choice(("ActualText", "Alt", "E", "ActualText of a drawing", "Lang"))
        if kind == "ActualText of a drawing":
            page = pdf.pages[rng.randrange(len(pdf.pages))]
            data = page.Contents.read_bytes()
            shown = rng.choice([found.start() for found in re.finditer(rb"BT\b", data)])
            spoken = data[:shown] + b"/Span <</ActualText (" + said.encode() + b")>> BDC\n" + data[shown:]
            end = spoken.index(b"ET", shown) + 2
            page.Contents = pdf.make_stream(spoken[:end] + b"\nEMC\n" + spoken[end:])
            return f"{kind}: {said}"
        tags = [one for one in pdf.objects if isinstance(one, Dictionary) and one.get("/Type") == "/StructElem"]
        rng.choice(tags)[f"/{kind}"] = String(said if kind != "Lang" else "de")
        return f"{kind}: {said}"

    return _saved(path, change)


def actions(path: Path, rng: random.Random) -> str:
    """Something happens on opening, or where one clicks."""

    def change(pdf: Pdf) -> str:
        script = Dictionary(S=Name.JavaScript, JS=String("app.alert('pass')"))
        act = rng.choice(
            (
                script,
                Dictionary(S=Name.Launch, F=String("cmd.exe")),
                Dictionary(S=Name.URI, URI=String("https://example.org/report")),
                Dictionary(S=Name.GoToR, F=String("other.pdf"), D=Array([0, Name.Fit])),
                Dictionary(S=Name.SubmitForm, F=String("https://example.org")),
                Dictionary(S=Name.Named, N=Name.LastPage),
                Dictionary(S=Name.GoTo, D=Array([pdf.pages[-1].obj, Name.Fit])),
            )
        )
        page = pdf.pages[rng.randrange(len(pdf.pages))]
        kind = rng.choice(("OpenAction", "AA", "link", "names", "page"))
        if kind == "OpenAction":
            pdf.Root.OpenAction = act
        elif kind == "AA":
            pdf.Root.AA = Dictionary(WC=act)
        elif kind == "page":
            page.obj.AA = Dictionary(O=act)
        elif kind == "names":
            pdf.Root.Names.JavaScript = Dictionary(Names=Array([String("a"), script]))
        else:
            _note(pdf, page, Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[50, 50, 500, 800], A=act))
        return f"{kind}, {act.S}"

    return _saved(path, change)


def _note(pdf: Pdf, page: pikepdf.Page, note: Dictionary) -> None:
    listed = list(page.obj.get("/Annots", Array()))
    page.obj.Annots = pdf.make_indirect(Array([*listed, pdf.make_indirect(note)]))


def covers(path: Path, rng: random.Random) -> str:
    """Something lies over a page: a note, a field, a white box, other words, or a layer that hides."""

    def change(pdf: Pdf) -> str:
        number = rng.choice((0, rng.randrange(len(pdf.pages))))
        page = pdf.pages[number]
        box = [rng.uniform(40, 200), rng.uniform(300, 600), rng.uniform(300, 560), rng.uniform(620, 800)]
        kind = rng.choice(("note", "stamp", "field", "signature field", "box", "words", "white words", "layer"))
        drawn = pdf.make_stream(
            b"1 1 1 rg 0 0 500 500 re f", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 500, 500]
        )
        shown = Dictionary(Type=Name.Annot, Rect=box, F=4, AP=Dictionary(N=drawn))
        if kind in ("note", "stamp"):
            shown.Subtype = Name.FreeText if kind == "note" else Name.Stamp
            shown.Contents = String("PASS")
            _note(pdf, page, shown)
        elif "field" in kind:
            shown.Subtype, shown.T = Name.Widget, String("Signature1")
            shown.FT = Name.Sig if kind == "signature field" else Name.Tx
            if kind == "signature field":
                shown.V = Dictionary(Type=Name.Sig, ByteRange=[0, 1, 2, 3], Contents=String("none"))
            _note(pdf, page, shown)
            pdf.Root.AcroForm = Dictionary(Fields=Array([page.obj.Annots[-1]]), SigFlags=3)
        elif kind == "layer":
            group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("verdict")))
            pdf.Root.OCProperties = Dictionary(OCGs=[group], D=Dictionary(OFF=[group], Order=[group]))
            page.obj.Resources = pdf.make_indirect(Dictionary(page.obj.Resources))
            page.obj.Resources.Properties = Dictionary(v=group)
            data = page.Contents.read_bytes()
            page.Contents = pdf.make_stream(b"/OC /v BDC\n" + data + b"\nEMC")
        else:
            place = "{:.1f} {:.1f}".format(*box[:2])
            font = next(iter(page.obj.Resources.Font.keys()))
            color = b"1 1 1 rg" if kind == "white words" else b"0 0 0 rg"
            words = color + f" BT {font} 40 Tf {place} Td <00240025> Tj ET".encode()
            white = b"1 1 1 rg " + place.encode() + b" 300 200 re f"
            page.contents_add(white if kind == "box" else words)
        return f"page {number + 1}, {kind}"

    return _saved(path, change)


def order(path: Path, rng: random.Random) -> str:
    """Pages are left out, doubled or in another order."""

    def change(pdf: Pdf) -> str:
        i, j = sorted(rng.sample(range(len(pdf.pages)), 2))
        kind = rng.choice(("left out", "doubled", "swapped", "other first", "blank one"))
        if kind == "left out":
            del pdf.pages[i]
        elif kind == "doubled":
            pdf.pages.insert(j, pdf.pages[i])
        elif kind == "swapped":
            one, other = pdf.pages[i].obj, pdf.pages[j].obj
            for key in {*one.keys(), *other.keys()} - {"/Parent"}:
                for page, value in ((one, other.get(key)), (other, one.get(key))):
                    if value is not None:
                        page[key] = value
                    elif key in page:
                        del page[key]
        elif kind == "other first":
            pages = list(pdf.pages)
            del pdf.pages[:]
            pdf.pages.extend([*pages[j:], *pages[:j]])
        else:
            pdf.add_blank_page(page_size=(595, 842))
            pdf.pages.insert(i, pdf.pages[-1])
            del pdf.pages[-1]
        return f"pages {i + 1} and {j + 1}, {kind}"

    return _saved(path, change)


def update(path: Path, rng: random.Random) -> str:
    """An update appended to the file, which stays as it was byte for byte, changes a page or a tag."""
    from pypdf.generic import DictionaryObject, FloatObject, NameObject, NumberObject, StreamObject, TextStringObject

    before = path.read_bytes()
    writer = pypdf.PdfWriter(BytesIO(before), incremental=True)
    number = rng.randrange(len(writer.pages))
    page = writer.pages[number]
    kind = rng.choice(("contents", "CropBox", "Rotate", "OpenAction", "title"))
    if kind == "contents":
        stream = StreamObject()
        stream.set_data(b"0 0 0 rg 100 100 300 300 re f")
        page[NameObject("/Contents")] = writer._add_object(stream)
    elif kind == "CropBox":
        page[NameObject("/CropBox")] = pypdf.generic.ArrayObject(FloatObject(x) for x in (0, 0, 595, 300))
    elif kind == "Rotate":
        page[NameObject("/Rotate")] = NumberObject(180)
    elif kind == "title":
        writer.add_metadata({"/Title": "Porosity 0.2 %, pass"})
    else:
        action = DictionaryObject(
            {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("1")}
        )
        writer._root_object[NameObject("/OpenAction")] = action
    made = BytesIO()
    writer.write(made)
    path.write_bytes(made.getvalue())
    assert made.getvalue().startswith(before)
    return f"page {number + 1}, {kind}, appended"


def metadata(path: Path, rng: random.Random) -> str:
    """Title, subject or another text that a reader or a search shows of the document."""

    def change(pdf: Pdf) -> str:
        said = rng.choice(("Porosity 0.2 %, pass", "verdict: pass", "IT-20200101-00000000"))
        kind = rng.choice(("Title", "Subject", "Author", "XMP", "bookmark", "label", "CreationDate", "shown title"))
        if kind == "XMP":
            data = pdf.Root.Metadata.read_bytes()
            at = data.index(b">", data.index(b"<rdf:li")) + 1
            pdf.Root.Metadata.write(data[:at] + said.encode() + data[at:])
        elif kind == "bookmark":
            pdf.Root.Outlines.First.Title = String(said)
        elif kind == "label":
            pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(S=Name.D, St=7)]))
        elif kind == "shown title":
            pdf.Root.ViewerPreferences.DisplayDocTitle = False
        else:
            pdf.docinfo[f"/{kind}"] = String("D:20200101000000Z" if kind == "CreationDate" else said)
        return f"{kind}: {said}"

    return _saved(path, change)


def fonts(path: Path, rng: random.Random) -> str:
    """What the signs of a font mean, or how wide they are."""

    def change(pdf: Pdf) -> str:
        found = [one for one in pdf.objects if isinstance(one, Dictionary) and "/ToUnicode" in one]
        font = rng.choice(found)
        if rng.random() < 0.5:
            data = font.ToUnicode.read_bytes()
            places = [hit.start(1) for hit in re.finditer(rb"<[0-9a-fA-F]+> <[0-9a-fA-F]*([0-9a-fA-F])>", data)]
            at = rng.choice(places)
            font.ToUnicode.write(data[:at] + (b"1" if data[at : at + 1] != b"1" else b"2") + data[at + 1 :])
            return f"{font.BaseFont}, meaning of a sign"
        inner = font.DescendantFonts[0]
        inner.W = Array([0, Array([int(rng.uniform(100, 900))] * 200)])
        return f"{font.BaseFont}, widths"

    return _saved(path, change)


def attachments(path: Path, rng: random.Random) -> str:
    """Attached files take each other's place, get another name or are hidden twice."""

    def change(pdf: Pdf) -> str:
        specs = [one for one in pdf.objects if isinstance(one, Dictionary) and one.get("/Type") == "/Filespec"]
        one = rng.choice(specs)
        other = rng.choice([spec for spec in specs if spec.EF.F.read_bytes() != one.EF.F.read_bytes()])
        kind = rng.choice(("content", "name", "description", "one more"))
        if kind == "content":
            one.EF, other.EF = Dictionary(F=other.EF.F), Dictionary(F=one.EF.F)
        elif kind == "name":
            one.F, one.UF = String("report (final).json"), String("report (final).json")
        elif kind == "description":
            one.Desc = String("The report as data, verdict: pass")
        else:
            pdf.attachments["verdict.txt"] = b"pass"
        return f"{one.UF}, {kind}"

    return _saved(path, change)


CHANGES: dict[str, PageChange] = {
    "PDF page box": boxes,
    "PDF picture": pictures,
    "PDF read aloud": aloud,
    "PDF action": actions,
    "PDF cover": covers,
    "PDF page order": order,
    "PDF update": update,
    "PDF metadata": metadata,
    "PDF font": fonts,
    "PDF attached file": attachments,
}


def lies(block: str) -> Iterator[tuple[str, str]]:
    """Certificates that print something else than the data say, made of the shipped one: what is done, and the text.

    The report says that it was printed with the shipped template.
    """
    cover = '<div style="position:absolute;top:{top};background:#fff;z-index:9;font-size:30pt">{said}</div>\n'
    yield "a verdict over the verdict", cover.format(top="60mm", said="PASS 0.2 %") + block
    yield "a white box over the verdict", cover.format(top="40mm", said="&nbsp;<br>" * 6) + block
    yield "the verdict is not displayed", "<style>.verdict, .badge { display: none }</style>\n" + block
    yield "white on white", "<style>article.certificate { color: #fff !important }</style>\n" + block
    yield "outside of the page", "<style>.verdict { position: absolute; left: -400mm }</style>\n" + block
    yield "too small to read", "<style>article.certificate { font-size: 0.1pt !important }</style>\n" + block
    yield "transparent", "<style>article.certificate { opacity: 0 }</style>\n" + block
    yield "another word", block.replace("report.verdict", '"undecided"')
    yield "another number", re.sub(r"\b(row\.)?result\.value\b", r"(\g<0> * 0.01)", block)
