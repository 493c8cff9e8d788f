"""Pages that show, say or start something else than the data: printed again, each of them differs or is said not to be
looked at on the first line. Untouched reports never alarm, signed or not."""

import json
import random
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import _page_tampering
import made_once
import pikepdf
import pypdf
import pytest
import tamper
from signing_keys import PASSPHRASE, Chain
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import dump_report, load_report, parse_report
from inspect_tool.paths import data_folder
from inspect_tool.report.build import report_digest
from inspect_tool.report.exporters import pdf
from inspect_tool.report.render import render
from inspect_tool.report.template import load_settings, template_sha256
from inspect_tool.verify import pages, pdf_check, pdf_compare, recompute, signing, verify

SHIPPED = data_folder("templates") / "inspection"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of three small fields with HTML and PDF, to be read only."""
    return made_once.made_once(tmp_path_factory, "small report", tamper.small_report) / "reports" / "job"


@pytest.fixture(scope="module")
def once(made, tmp_path_factory):
    """The report, signed by one person."""
    folder = tmp_path_factory.mktemp("signed")
    chain = Chain(folder)
    path = Path(shutil.copytree(made.parent, folder / "out")) / "job" / "report.pdf"
    ada = signing.load_key(chain.person("Ada Example"), PASSPHRASE)
    signing.sign(path, ada, name="Ádám Łukasiewicz", role="Head of laboratory", reason="all; checks: read")
    return path


@pytest.fixture(scope="module")
def twice(once, tmp_path_factory):
    """The report, signed by two persons."""
    folder = tmp_path_factory.mktemp("twice")
    path = Path(shutil.copytree(once.parents[1], folder / "out")) / "job" / "report.pdf"
    bert = signing.load_key(Chain(folder).person("Bert", kind="ec"), PASSPHRASE)
    signing.sign(path, bert, name="Бернд Пример", role="Quality", meaning="reviewed")
    return path


def unlike(found):
    return [item.text for item in found.findings if item.state == "differs"]


def document(path):
    return pypdf.PdfReader(path)


# --------------------------------------------------------------------------------------------------- untouched ones


def test_a_report_prints_to_the_same_bytes_again(made, tmp_path):
    report = load_report(made / "report.json")
    page = render(report, made, SHIPPED, "print")
    carried = pdf.attachments(report, (made / "report.json").read_bytes(), lambda file: (made / file).read_bytes())
    again = pdf.print_page(page, tmp_path / "report.pdf", SHIPPED, report.id, carried)
    assert again.read_bytes() == (made / "report.pdf").read_bytes()


@pytest.mark.parametrize("number", [1, 2])
def test_a_signed_pdf_alone_never_alarms_and_its_look_was_checked(made, once, twice, number, tmp_path):
    path = shutil.copyfile((once, twice)[number - 1], tmp_path / "signed.pdf")
    with tamper.printed_once(made):
        found = verify.verify(path)
    assert unlike(found) == []
    assert found.unseen == ""
    assert any(item.text.startswith(f"{number} signatures: they fit") for item in found.findings)


def test_a_file_that_other_software_wrote_again_without_a_change_does_not_alarm(made, tmp_path):
    path = tmp_path / "again.pdf"
    with pikepdf.open(made / "report.pdf") as opened:
        opened.save(path, linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert list(pdf_compare.differences(document(path), document(made / "report.pdf"))) == []


# ------------------------------------------------------------------------------------------------- signed, then changed


def block(opened):
    """The field of the first signature."""
    return opened.Root.AcroForm.Fields[0]


def moved(opened):
    block(opened).Rect = [40, 400, 560, 800]


def acting(opened):
    block(opened).A = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('pass')")


def speaking(opened):
    drawn = block(opened).AP.N
    drawn.write(drawn.read_bytes().replace(b"/ActualText (Released)", b"/ActualText (Rejected)"))


def picturing(opened):
    block(opened).AP.N.Resources.XObject = pikepdf.Dictionary()


def restated(opened):
    block(opened).Contents = "released by the customer"


def with_a_text_field(opened):
    opened.Root.AcroForm.Fields.append(opened.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="x")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (moved, "does not stand in the room"),
        (acting, "has /A (an action)"),
        (speaking, "says aloud 'Rejected"),
        (picturing, "shows more than words"),
        (restated, "does not say what it shows"),
        (with_a_text_field, "form fields that are no signatures"),
    ],
)
def test_a_block_of_a_signature_is_what_signing_makes_and_nothing_else(made, once, tmp_path, change, said):
    path = tmp_path / "changed.pdf"
    with pikepdf.open(once) as opened:
        change(opened)
        opened.save(path, fix_metadata_version=False)
    for found in (
        list(pdf_compare.differences(document(path), document(made / "report.pdf"))),
        list(pdf_compare.foreign(document(path), links=False)),
    ):
        assert any(said in text for text in found), found


def test_an_update_after_a_signature_that_changes_a_page_differs(made, once, tmp_path):
    path = Path(shutil.copyfile(once, tmp_path / "updated.pdf"))
    _page_tampering.update(path, random.Random(3))
    assert path.read_bytes().startswith(once.read_bytes())
    with tamper.printed_once(made):
        found = unlike(verify.verify(path))
    assert any("does not cover the whole file" in text for text in found)
    assert any(text.startswith(("page ", "document")) for text in found)


# ---------------------------------------------------------------------------------- printed with a template that lies


CERTIFICATE = (SHIPPED / "certificate.html.j2").read_text(encoding="utf-8")


def template(folder, certificate=CERTIFICATE, settings=""):
    """The shipped template with another certificate or with settings of its own."""
    folder.mkdir(parents=True)
    (folder / "template.toml").write_text(settings, encoding="utf-8")
    (folder / "certificate.html.j2").write_text(certificate, encoding="utf-8")
    return folder


def printed(made, folder, certificate):
    """The certificate of the report, made by another template, with its annex apart."""
    report = replace(load_report(made / "report.json"), annex="apart")
    own = template(folder / "own", certificate)
    page = render(report, made, own, "print", part="certificate")
    return document(pdf.print_page(page, folder / "report.pdf", own, report.id, ()))


@pytest.fixture(scope="module")
def first_page(made, tmp_path_factory):
    """The certificate as the shipped template prints it."""
    return printed(made, tmp_path_factory.mktemp("honest"), CERTIFICATE)


@pytest.mark.parametrize(("name", "block"), list(_page_tampering.lies(CERTIFICATE)))
def test_pages_that_another_template_printed_differ_from_those_of_the_stated_one(
    made, tmp_path, name, block, first_page
):
    assert block != CERTIFICATE, name
    found = list(pdf_compare.differences(printed(made, tmp_path, block), first_page))
    assert any(text.startswith("page 1: ") for text in found), found


def test_the_same_block_prints_the_same_page(made, tmp_path, first_page):
    assert list(pdf_compare.differences(printed(made, tmp_path, CERTIFICATE), first_page)) == []


# ------------------------------------------------------------------------------------------------ what cannot be seen


def sealed(made, folder, **changes):
    """The report with other provenance and all hashes made to fit, printed anew with its first and last block."""
    copy = Path(shutil.copytree(made, folder / "copy"))
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    data["provenance"] |= changes.pop("provenance", {})
    data |= changes
    tamper.seal(copy, data)
    report = load_report(copy / "report.json")
    own = template(folder / "short", settings='blocks = ["summary", "provenance"]\n')
    carried = pdf.attachments(report, dump_report(report).encode(), lambda file: (copy / file).read_bytes())
    return pdf.print_page(render(report, copy, own, "print"), copy / "report.pdf", own, report.id, carried)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"provenance": {"version": "0.0.9"}}, "made by version 0.0.9"),
        ({"provenance": {"platform": "Plan9 mips (cpython)"}}, "made on another platform or with other libraries"),
        ({"provenance": {"typesetting": "0" * 64}}, "fonts or text layout of this machine are others"),
        ({"template_sha256": "0" * 64}, "the template 'inspection' of this version is another one"),
    ],
)
def test_what_is_not_printed_again_says_so_on_the_first_line_and_names_foreign_structure(made, tmp_path, changes, said):
    path = sealed(made, tmp_path, **changes)
    done = CliRunner().invoke(app, ["verify", str(path)])
    assert done.exit_code == 0, done.stdout
    first = done.stdout.splitlines()[0]
    assert f"numbers verified; the look of the pages was not checked: {said}" in first
    with pikepdf.open(path, allow_overwriting_input=True) as opened:
        opened.pages[0].CropBox = [0, 0, 595, 300]
        opened.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('pass')")
        opened.docinfo["/Subject"] = "verdict: fail"
        opened.save(path)
    found = unlike(verify.verify(path))
    for wanted in ("has /OpenAction", "/CropBox smaller than the page", "holds /JS", "it shows 'verdict: fail'"):
        assert any(wanted in text for text in found), found


def test_without_pango_the_pages_are_said_not_to_be_looked_at(made, monkeypatch):
    def missing(name):
        msg = f"WeasyPrint needs the Pango library, asked for {name}"
        raise OutputError(msg)

    stub = ModuleType("inspect_tool.report.exporters.pdf")
    stub.__getattr__ = missing
    monkeypatch.setitem(sys.modules, stub.__name__, stub)
    look = pages.look(load_report(made / "report.json"), None, printed=True)
    assert look == pages.Look(template=SHIPPED, prints=False, gap="printing needs Pango, which is not installed here")


@pytest.mark.parametrize("kind", ["PDF page box", "PDF read aloud", "PDF action", "PDF cover", "PDF metadata"])
def test_foreign_structure_is_never_seen_in_an_untouched_report(made, once, twice, kind, tmp_path):
    for path in (made / "report.pdf", once, twice):
        assert list(pdf_compare.foreign(document(path), links=False)) == []
    rng = random.Random(f"{kind} 5")
    named = 0
    for i in range(6):
        path = Path(shutil.copyfile(made / "report.pdf", tmp_path / f"{i}.pdf"))
        _page_tampering.CHANGES[kind](path, rng)
        named += bool(list(pdf_compare.foreign(document(path), links=False)))
    assert named >= {"PDF metadata": 0, "PDF cover": 2, "PDF read aloud": 1}.get(kind, 5)


# --------------------------------------------------------------------------------------------- pictures against masks


@pytest.mark.parametrize("same", [True, False])
def test_an_overlay_of_another_field_is_found_though_all_hashes_were_made_to_fit(made, tmp_path, same, monkeypatch):
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    one, other = sorted((copy / "overlays").glob("*.jpg"))[:2]
    one.write_bytes(other.read_bytes())
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    for item in data["attachments"]:
        if item["file"] == f"overlays/{one.name}":
            item["sha256"] = tamper.sha256_bytes(one.read_bytes())
    tamper.seal(copy, data)
    monkeypatch.setattr(recompute, "same_libraries", lambda _: same)
    found = verify.verify(copy)
    said = f"overlays/{one.name}: is not the picture with the outlines that the masks draw"
    assert [item.text for item in found.findings if item.state == "differs"] == [said]


# --------------------------------------------------------------------------------------------- the hash of a template


def test_the_report_names_the_hash_of_its_template_in_its_data_and_on_paper(made):
    report = load_report(made / "report.json")
    assert report.template_sha256 == template_sha256(SHIPPED)
    said = "".join("".join(page.extract_text().split()) for page in document(made / "report.pdf").pages)
    assert f"{report.template_sha256[:16]}…" in said
    assert report.digest in said  # whole: it is made of the whole hash


def test_the_hash_holds_every_file_that_is_used_inherited_ones_included_and_no_other(tmp_path):
    own = tmp_path / "own"
    (own / "blocks").mkdir(parents=True)
    (own / "template.toml").write_text('logo = "our.svg"\n')
    (own / "our.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    seen = [template_sha256(own)]
    for name, text in (
        ("our.svg", "<svg xmlns='http://www.w3.org/2000/svg' width='3'/>"),
        ("blocks/charts.html.j2", "<p>no charts</p>"),
        ("style.css", "@font-face { src: url(house.ttf) }"),
        ("house.ttf", "a font"),
        ("house.ttf", "another font"),
        ("template.toml", 'logo = "our.svg"\nlanguage = "de"\n'),
    ):
        (own / name).write_text(text)
        seen.append(template_sha256(own))
    assert len(set(seen)) == len(seen)
    (own / "note of the house.txt").write_text("not used")
    (own / ".hidden.css").write_text("not used")
    assert template_sha256(own) == seen[-1]


def test_a_linked_block_is_refused_in_one_line(tmp_path):
    own = tmp_path / "own"
    (own / "blocks").mkdir(parents=True)
    (own / "template.toml").write_text('language = "en"\n')
    (tmp_path / "elsewhere.j2").write_text("<p>PASS</p>")
    (own / "blocks" / "summary.html.j2").symlink_to(tmp_path / "elsewhere.j2")
    with pytest.raises(
        SettingsError, match=r"summary\.html\.j2: is a link, which a template does not follow"
    ) as caught:
        load_settings(own)
    assert "\n" not in str(caught.value)


def test_a_report_of_an_earlier_version_keeps_its_digest_and_is_verified(made, tmp_path):
    data = json.loads((made / "report.json").read_text(encoding="utf-8"))
    del data["template_sha256"], data["provenance"]["typesetting"]
    for item in data["attachments"]:
        del item["printed_sha256"]
    report = parse_report(json.dumps(data).encode(), "report.json")
    whole = load_report(made / "report.json")
    assert report_digest(report) != report_digest(whole)
    assert report_digest(replace(report, template_sha256=whole.template_sha256)) != report_digest(report)
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    tamper.seal(copy, data)
    again = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    for holder in (again, again["provenance"], *again["attachments"]):
        for key in ("template_sha256", "typesetting", "printed_sha256"):
            holder.pop(key, None)
    (copy / "report.json").write_text(json.dumps(again), encoding="utf-8")
    assert verify.verify(copy).verified


# ------------------------------------------------------------------------------------------------------------ PDF/UA


def tagged(path, name):
    return [one for one in pdf_compare.dictionaries(document(path)) if one.get("/S") == name]


def test_every_header_cell_has_a_scope_and_every_cell_names_headers_that_are_there(made):
    heads, cells = tagged(made / "report.pdf", "/TH"), tagged(made / "report.pdf", "/TD")
    assert len(heads) > 50
    assert {str(one["/A"]["/Scope"]) for one in heads} == {"/Row", "/Column"}
    known = {str(one["/ID"]) for one in heads}
    named = [str(key) for one in cells for key in one["/A"]["/Headers"]]
    assert known >= set(named)
    assert len(named) >= len(cells)
    tree = document(made / "report.pdf").trailer["/Root"]["/StructTreeRoot"]["/IDTree"]["/Names"]
    keys = [str(key) for key in tree[::2]]
    assert keys == sorted(known)
    assert all(str(one.get_object()["/ID"]) == key for key, one in zip(keys, tree[1::2], strict=True))


def test_the_check_of_tags_names_header_cells_without_scope(made, tmp_path):
    assert pdf_check.tags((made / "report.pdf").read_bytes(), "report.pdf") == ()
    path = tmp_path / "bare.pdf"
    with pikepdf.open(made / "report.pdf") as opened:
        heads = [one for one in opened.objects if isinstance(one, pikepdf.Dictionary) and one.get("/S") == "/TH"]
        for one in heads[:3]:
            del one.A.Scope
        del opened.Root.StructTreeRoot["/IDTree"]
        opened.save(path)
    found = pdf_check.tags(path.read_bytes(), "bare.pdf")
    assert found == ("3 header cells of tables have no scope", "the IDs of header cells are not listed (IDTree)")
    assert any("3 header cells" in text for text in pdf_check.validate(path).notes)
