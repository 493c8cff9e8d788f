import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from random import Random

import pikepdf
import pypdf
import pytest
import tifffile
import verapdf
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12
from signing_keys import PASSPHRASE, Chain, StampServer, owner
from test_bad_input import tool
from typer.testing import CliRunner

from inspect_tool import cli, synthetic
from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit, recovery
from inspect_tool.inspection import job_run
from inspect_tool.verify import pdf_check, signing, trial_key
from inspect_tool.verify.verify import verify

ADA = {"name": "Ada Example", "role": "Head of laboratory", "meaning": "released"}
BERT = {"name": "Bert Łukasiewicz", "role": "Quality assurance", "meaning": "reviewed"}
JOB = (
    'recipe = "porosity"\nimages = ["a.tif"]\nexports = ["json", "pdf"]\n'
    '[header]\ntitle = "Porosity of plate 7"\n'
    '[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "stage micrometer"\n'
)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def ada(chain):
    return signing.load_key(chain.person("Ada Example"), PASSPHRASE)


@pytest.fixture(scope="module")
def bert(chain):
    return signing.load_key(chain.person("Bert", kind="ec"), PASSPHRASE)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project folder with the report of one run."""
    folder = tmp_path_factory.mktemp("project")
    field = synthetic.pores(seed=1, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(256, 256))
    tifffile.imwrite(folder / "a.tif", field.pixels)
    (folder / "plate.toml").write_text(JOB)
    job_run.run(folder / "plate.toml", folder / "out")
    return folder / "out"


@pytest.fixture
def report(project, tmp_path):
    """The report in a project folder of its own, unsigned."""
    shutil.copytree(project, tmp_path / "out")
    return tmp_path / "out" / "plate" / "report.pdf"


@pytest.fixture(scope="module")
def twice(project, tmp_path_factory, chain, ada, bert):
    """The report signed by two persons, the first with a time stamp."""
    folder = tmp_path_factory.mktemp("twice") / "out"
    shutil.copytree(project, folder)
    path = folder / "plate" / "report.pdf"
    authority = owner("Test TSA", chain.middle, stamps=True)
    with StampServer(authority, [chain.middle.certificate]) as server:
        signing.sign(path, ada, **ADA, reason="all checks read", timestamp=server.url)
        assert server.seen
    signing.sign(path, bert, **BERT)
    return path


# ------------------------------------------------------------------------------------------------ what is made


def test_the_unsigned_report_is_pdf_a_3_as_far_as_is_checked(report):
    assert pdf_check.structure(report.read_bytes(), "report.pdf") == ()
    found = pdf_check.validate(report)
    assert found.problems == ()
    assert "the file has no signature" in found.notes


def test_two_signatures_are_valid_and_anchored_and_the_file_stays_pdf_a_3(twice, chain):
    found = pdf_check.validate(twice, [chain.trust])
    assert found.problems == ()
    one, two = found.signatures
    assert (one.name, two.name) == (ADA["name"], BERT["name"])
    assert one.statement == "meaning: released; name: Ada Example; role: Head of laboratory; reason: all checks read"
    assert (one.trusted, two.trusted) == (True, True)
    assert "Test TSA" in one.authority
    assert two.timestamp == ""
    assert "Test intermediate" in one.issuer
    assert one.claimed[:10] == one.timestamp[:10]


def test_signing_appends_and_touches_no_byte_before(report, ada):
    before = report.read_bytes()
    signing.sign(report, ada, **ADA)
    after = report.read_bytes()
    assert after.startswith(before)
    assert len(after) > len(before)


def test_attachments_are_the_same_after_signing(project, twice):
    def attached(path):
        with pikepdf.open(path) as pdf:
            return {name: file.get_file().read_bytes() for name, file in pdf.attachments.items()}

    before, after = attached(project / "plate" / "report.pdf"), attached(twice)
    assert {"report.json", "job.toml", "features.csv"} <= set(before)
    assert before == after


def test_the_blocks_stand_at_the_foot_of_page_1_and_cover_nothing(twice):
    page = pypdf.PdfReader(twice).pages[0]
    texts = []

    def visit(text, cm, tm, _font, _size):
        if text.strip():
            texts.append((cm[1] * tm[4] + cm[3] * tm[5] + cm[5], text.strip()))  # height above the foot [1/72 in]

    page.extract_text(visitor_text=visit)
    boxes = [[float(x) for x in item.get_object()["/Rect"]] for item in page["/Annots"] if "/FT" in item.get_object()]
    left, right = sorted(boxes)
    assert left[2] < right[0]  # side by side
    assert left[0] >= 45
    assert right[2] <= float(page.mediabox.width) - 45
    end = min(y for y, text in texts if "Authorized by" in text)
    foot = max(y for y, text in texts if "page " in text and y < 60)
    for box in boxes:
        assert foot + 10 < box[1] < box[3] < end
        assert not [text for y, text in texts if box[1] - 8 < y < box[3]]


def test_all_fonts_of_the_blocks_are_embedded_with_widths_that_fit(twice):
    from fontTools.ttLib import TTFont

    with pikepdf.open(twice) as pdf:
        seen = 0
        for item in (one for one in pdf.pages[0].Annots if "/FT" in one):
            for font in item.AP.N.Resources.Font.values():
                child = font.DescendantFonts[0]
                program = TTFont(BytesIO(child.FontDescriptor.FontFile2.read_bytes()))
                assert program["head"].unitsPerEm == 1000
                first, widths = int(child.W[0]), [int(x) for x in child.W[1]]
                advance = [program["hmtx"][program.getGlyphName(first + i)][0] for i in range(len(widths))]
                assert widths == advance
                assert "/ToUnicode" in font
                seen += 1
        assert seen == 4


def test_a_pdf_without_a_kept_place_gets_a_page_of_its_own(report, ada, bert):
    data = report.read_bytes()
    with pikepdf.open(BytesIO(data)) as pdf:
        pages = len(pdf.pages)
        del pdf.Root.Names["/Dests"]
        pdf.save(report, fix_metadata_version=False)
    signing.sign(report, ada, **ADA)
    signing.sign(report, bert, **BERT)
    with pikepdf.open(report) as pdf:
        assert len(pdf.pages) == pages + 1
        assert len(pdf.pages[-1].Annots) == 2
        assert "/Annots" not in pdf.pages[-2] or not any("/FT" in item for item in pdf.pages[-2].Annots)
    assert [item.problems for item in pdf_check.signatures(report.read_bytes(), None, "x")] == [(), ()]


def test_signing_is_recorded_and_the_signature_carries_the_last_entry(report, ada):
    before = audit.read(report.parents[1])
    old = hashlib.sha256(report.read_bytes()).hexdigest()
    done = signing.sign(report, ada, **ADA, reason="second\nlook")
    entry = audit.read(report.parents[1]).entries[-1]
    made = json.loads((report.parent / "report.json").read_text())["id"]
    assert (entry.event, entry.subject, entry.reason, done.report) == ("sign", made, "second look", made)
    assert entry.old == {"sha256": old, "signatures": 0}
    assert entry.new["sha256"] == hashlib.sha256(report.read_bytes()).hexdigest()
    assert entry.new["file"] == "plate/report.pdf"
    assert entry.new["name"] == "Ada Example"
    (signature,) = pdf_check.validate(report).signatures
    assert signature.anchor == before.last
    (report.parents[1] / audit.LOG).unlink()
    (report.parents[1] / audit.HEAD).unlink()
    audit.append(report.parents[1], audit.Event(event="edit", subject="another"))
    assert any("was made after entry 1 " in text for text in pdf_check.validate(report).problems)


def test_a_signed_file_can_go_elsewhere_and_the_report_stays(report, ada, tmp_path):
    before = report.read_bytes()
    done = signing.sign(report, ada, **ADA, out=tmp_path / "signed.pdf", project=report.parents[1])
    assert report.read_bytes() == before
    assert pdf_check.validate(done.path).signatures[0].problems == ()
    assert done.folder == report.parents[1]


def test_a_run_does_not_replace_a_signed_report(report, ada, project):
    signing.sign(report, ada, **ADA)
    with pytest.raises(OutputError, match="is signed"):
        job_run.run(project.parent / "plate.toml", report.parents[1])


@pytest.mark.parametrize("way", ["elsewhere in the folder", "recorded elsewhere"])
def test_a_run_does_not_replace_what_is_signed_by_another_way(report, ada, project, tmp_path, way):
    if way == "recorded elsewhere":
        signing.sign(report, ada, **ADA, project=tmp_path / "other")
    else:
        signing.sign(report, ada, **ADA, out=report.with_name("report_signed.pdf"))
    before = {path: path.read_bytes() for path in report.parent.rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match=r"plate: (its report\.pdf|holds report_signed\.pdf, which) is signed"):
        job_run.run(project.parent / "plate.toml", report.parents[1])
    assert {path: path.read_bytes() for path in report.parent.rglob("*") if path.is_file()} == before


def test_a_file_that_is_there_is_not_written_over(report, ada, tmp_path):
    (tmp_path / "mine.pdf").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"mine\.pdf: is there already and is not replaced"):
        signing.sign(report, ada, **ADA, out=tmp_path / "mine.pdf")
    assert (tmp_path / "mine.pdf").read_bytes() == b"mine"


def test_a_signature_that_was_recorded_is_not_lost_by_a_kill(report, chain, caplog):
    work = (
        "import os, sys; from pathlib import Path; from inspect_tool.verify import signing\n"
        "name = Path.replace\n"
        "Path.replace = lambda path, to: os._exit(9) if str(to).endswith('.pdf') else name(path, to)\n"
        f"signer = signing.load_key(Path(sys.argv[2]), {PASSPHRASE!r})\n"
        "signing.sign(Path(sys.argv[1]), signer, name='Cy Example', role='Quality')\n"
    )
    before = report.read_bytes()
    done = subprocess.run([sys.executable, "-c", work, report, chain.person("Cy Example")], check=False)
    assert done.returncode == 9
    assert report.read_bytes() == before  # the entry is written, the file is not in its place
    recovery.recover(report.parents[1])
    assert "the signed file is in its place now" in caplog.text
    found = pdf_check.validate(report)
    assert [one.name for one in found.signatures] == ["Cy Example"]
    assert found.problems == ()
    assert not list(report.parent.glob(".*.partial"))


def test_a_signed_file_that_cannot_take_its_place_is_kept_and_the_next_command_puts_it_there(
    report, ada, monkeypatch, caplog
):
    """A viewer that has the report open keeps its name on Windows."""
    name = Path.replace

    def refused(path, to):
        if Path(to) == report:
            raise PermissionError(13, "Permission denied", str(to))
        return name(path, to)

    before = report.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refused)
        with pytest.raises(
            OutputError, match=r"the signature is recorded, but .*: Permission denied; close the report"
        ):
            signing.sign(report, ada, **ADA)
    assert report.read_bytes() == before
    recovery.recover(report.parents[1])
    assert "the signed file is in its place now" in caplog.text
    assert [one.name for one in pdf_check.validate(report).signatures] == [ADA["name"]]
    assert not list(report.parent.glob(".*.partial"))


# --------------------------------------------------------------------------------------------- what is detected


def test_every_changed_byte_after_signing_is_detected(twice, chain, tmp_path):
    data = twice.read_bytes()
    random = Random(11)
    roots = pdf_check.certificates(chain.trust)
    holes = [
        (m.start(), m.end()) for m in re.finditer(rb"/Contents <[0-9A-F]{1000,}>", data)
    ]  # bytes that no signature covers: those of the signatures
    assert len(holes) == 2
    places = [random.randrange(len(data)) for _ in range(10)]
    places += [random.randrange(*hole) for hole in holes for _ in range(8)]
    places += [holes[1][0] + 11 + 2 * i for i in range(0, 45, 5)]  # the head of the last message, which nothing signs
    missed = []
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << random.randrange(8)
        try:
            found = pdf_check.signatures(bytes(changed), roots, "x")
            sound = len(found) == 2 and not any(item.problems for item in found)
        except ReadError:
            continue
        if sound:
            missed.append(place)
    assert missed == []


def test_the_audit_trail_detects_a_changed_a_cut_and_a_stripped_file(twice, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(twice.parents[1], folder)
    path = folder / "plate" / "report.pdf"
    data = path.read_bytes()
    assert pdf_check.validate(path).problems == ()
    end = data.index(b"%%EOF") + 6
    path.write_bytes(data[:end])  # the report as it was before the signatures
    found = pdf_check.validate(path)
    assert found.signatures == ()
    assert found.problems == (f"is not, byte for byte, the file that entry 3 of {folder / audit.LOG} recorded",)


def test_bytes_added_after_the_last_signature_are_detected(twice):
    data = twice.read_bytes()
    (_, last) = pdf_check.signatures(data + b"\n% more\n", None, "x")
    assert "does not cover the whole file: something was added after it" in last.problems


def test_a_page_that_is_changed_by_an_update_is_detected_and_a_second_signature_does_not_heal_it(report, ada, bert):
    from pyhanko.pdf_utils.generic import NumberObject
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    signing.sign(report, ada, **ADA)
    writer = IncrementalPdfFileWriter(BytesIO(report.read_bytes()))
    page = writer.find_page_for_modification(0)[0].get_object()
    page["/Rotate"] = NumberObject(180)
    writer.mark_update(page.container_ref)
    changed = BytesIO()
    writer.write(changed)
    report.write_bytes(changed.getvalue())
    (only,) = pdf_check.signatures(report.read_bytes(), None, "x")
    assert only.problems == ("does not cover the whole file: something was added after it",)
    before = report.read_bytes()
    with pytest.raises(ReadError, match=r"does not cover the whole file.*nothing is signed on top of it|Producer"):
        signing.sign(report, bert, **BERT)
    assert report.read_bytes() == before
    from pyhanko.sign import signers

    writer = IncrementalPdfFileWriter(BytesIO(before))
    forged = signers.PdfSigner(signers.PdfSignatureMetadata(field_name="Signature2"), bert).sign_pdf(writer).getvalue()
    one, two = pdf_check.signatures(forged, None, "x")
    assert one.problems == ("more than another signature was added after it",)
    assert two.problems == ()


def test_another_root_is_no_trust(twice, tmp_path):
    other = Chain(tmp_path)
    found = pdf_check.validate(twice, [other.trust])
    assert [item.trusted for item in found.signatures] == [False, False]
    assert "signature 2 (Bert Łukasiewicz): its certificate is not anchored in the given trust" in found.problems[1]


def test_a_time_stamp_of_a_stranger_is_no_trust(report, chain, ada):
    stranger = owner("Some TSA", stamps=True)
    with StampServer(stranger) as server:
        signing.sign(report, ada, **ADA, timestamp=server.url)
    (found,) = pdf_check.validate(report, [chain.trust]).signatures
    assert found.trusted is False
    assert found.problems == ("the certificate of its time stamp is not anchored in the given trust",)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pdf: pdf.Root.__delitem__("/OutputIntents"), "no output intent"),
        (lambda pdf: pdf.Root.__delitem__("/Metadata"), "does not say PDF/A"),
        (lambda pdf: pdf.Root.__delitem__("/AF"), "not associated with the document"),
        (
            lambda pdf: pdf.Root.__setitem__("/OpenAction", pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="1")),
            "holds an action that PDF/A forbids (JavaScript)",
        ),
        (lambda pdf: pdf.docinfo.__setitem__("/Title", "Another"), "Title in the document information"),
        (lambda pdf: pdf.Root.__setitem__("/Version", pikepdf.Name("/2.0")), "says PDF 2.0"),
        (lambda pdf: pdf.Root.__setitem__("/AcroForm", pikepdf.Dictionary(NeedAppearances=True)), "to the viewer"),
        (
            lambda pdf: pdf.pages[0].__setitem__(
                "/Annots",
                pikepdf.Array(
                    [pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[0, 0, 9, 9])]
                ),
            ),
            "an annotation (Text) is hidden or not printed",
        ),
        (
            lambda pdf: [
                item.__delitem__("/FontFile2")
                for item in pdf.objects
                if isinstance(item, pikepdf.Dictionary) and "/FontFile2" in item
            ],
            "is not embedded",
        ),
        (
            lambda pdf: [
                item.__setitem__("/Interpolate", True)
                for item in pdf.objects
                if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == "/Image"
            ],
            "asks to be interpolated",
        ),
    ],
)
def test_what_pdf_a_forbids_is_named_and_not_signed(report, ada, spoil, said):
    with pikepdf.open(report, allow_overwriting_input=True) as pdf:
        spoil(pdf)
        pdf.save(report, fix_metadata_version=False)
    assert any(said in text for text in pdf_check.structure(report.read_bytes(), "x"))
    before = report.read_bytes()
    with pytest.raises(ReadError, match="not PDF/A-3"):
        signing.sign(report, ada, **ADA)
    assert report.read_bytes() == before


def test_verapdf_is_asked_where_it_is_installed(report, tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "verapdf"
    fake.parent.mkdir()
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    for answer, problems in (("PASS", ()), ("FAIL", (f"veraPDF: FAIL {report} 3b",))):
        fake.write_text(f"#!{sys.executable}\nimport sys\nprint('{answer}', sys.argv[-1], '3b')\n")
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        found = pdf_check.validate(report)
        assert found.structure.startswith("veraPDF (")
        assert found.problems == problems


# ------------------------------------------------------------------------------------------------ what is refused


def refused(report, signer, error, match, **more):
    before = report.read_bytes()
    log = (report.parents[1] / audit.LOG).read_bytes()
    with pytest.raises(error, match=match):
        signing.sign(report, signer, **(ADA | more))
    assert report.read_bytes() == before
    assert (report.parents[1] / audit.LOG).read_bytes() == log
    assert not list(report.parent.glob(".*.partial"))


def test_one_person_signs_once_and_two_are_the_most(twice, report, ada, bert, chain):
    cara = signing.load_key(chain.person("Cara"), PASSPHRASE)
    with pytest.raises(SettingsError, match="is signed by 2 persons already"):
        signing.sign(twice, cara, name="Cara", role="x")
    signing.sign(report, ada, **ADA)
    refused(report, ada, SettingsError, r"Ada Example has signed it already \(signature 1\)", name="Somebody Else")
    refused(report, bert, SettingsError, "Ada Example has signed it already", name="ADA example")


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"begins": -9, "ends": -2}, "the certificate expired on 2"),
        ({"begins": 2}, "valid from .* UTC on, which is not yet"),
        ({"signs": False}, "the certificate is not for signing"),
        ({"authority": True}, "the certificate is not for signing"),
    ],
)
def test_a_certificate_that_must_not_sign_is_refused(chain, more, match):
    with pytest.raises(SettingsError, match=match):
        signing.load_key(chain.person("Dora", **more), PASSPHRASE)


def test_a_wrong_passphrase_and_a_file_that_is_no_key_are_one_line_without_the_secret(chain, tmp_path):
    key = chain.person("Emil")
    with pytest.raises(SettingsError, match=r"Emil\.p12: cannot be opened; the passphrase is wrong") as told:
        signing.load_key(key, "Tr0ub4dor")
    assert "Tr0ub4dor" not in str(told.value)
    (tmp_path / "a.p12").write_bytes(b"-----BEGIN PRIVATE KEY-----")
    with pytest.raises(SettingsError, match="not a PKCS#12 file"):
        signing.load_key(tmp_path / "a.p12", "")
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        signing.load_key(tmp_path / "b.p12", "")


def test_an_encrypted_or_damaged_file_is_one_line(report, ada):
    data = report.read_bytes()
    with pikepdf.open(BytesIO(data)) as pdf:
        pdf.save(report, encryption=pikepdf.Encryption(owner="a", user="b"))
    refused(report, ada, ReadError, "is encrypted")
    with pytest.raises(ReadError, match="is encrypted"):
        pdf_check.validate(report)
    for damaged, match in (
        (data[:5000], "damaged"),
        (b"hello", "not a PDF"),
        (b"", "not a PDF"),
        (b"%PDF-1.7\n", "damaged"),
    ):
        report.write_bytes(damaged)
        refused(report, ada, ReadError, match)


def test_a_server_that_cannot_stamp_is_one_line_without_its_password(report, ada):
    refused(
        report,
        ada,
        OutputError,
        r"^http://127\.0\.0\.1:9/: the time-stamping server",
        timestamp="http://u:pw@127.0.0.1:9/",
    )
    authority = owner("x", stamps=True)
    with StampServer(authority, answer=b"<html>") as server:
        refused(
            report, ada, OutputError, "the time-stamping server cannot be used|cannot be signed", timestamp=server.url
        )
    refused(report, ada, SettingsError, "not the address of a server", timestamp="ftp://x")


def test_letters_the_font_lacks_and_texts_that_do_not_fit_are_refused(report, ada, tmp_path):
    refused(report, ada, SettingsError, "--name: the font of the signature block has no '王'", name="王 Wei")
    refused(report, ada, SettingsError, "--role: too long for the signature block", role="very " * 60)
    refused(report, ada, SettingsError, "--name: is missing", name=" ")
    (tmp_path / "x.ttf").write_bytes(b"no font")
    refused(report, ada, SettingsError, "x.ttf: not a font", font=tmp_path / "x.ttf")


def test_nothing_is_signed_where_the_audit_trail_is_broken(report, ada):
    log = report.parents[1] / audit.LOG
    log.write_bytes(log.read_bytes().replace(b'"verdict"', b'"Verdict"'))
    refused(report, ada, OutputError, "was changed after it was written")


@pytest.mark.needs("veraPDF")
def test_a_report_that_is_signed_twice_is_still_pdf_a_3b_by_verapdf(twice):
    assert verapdf.failed([twice], "3b") == {("3b", twice): []}


# ----------------------------------------------------------------------------------------------- the command line


def test_the_commands_sign_and_validate_and_never_tell_the_passphrase(report, chain, tmp_path, monkeypatch):
    key = chain.person("Fred")
    arguments = ("sign", report, "--key", key, "--name", "Fred", "--role", "Inspector")
    monkeypatch.setenv("MY_KEY", "wrong secret")
    done = tool(*arguments, "--passphrase-env", "MY_KEY")
    assert done.returncode == 2
    assert "the passphrase is wrong" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (tmp_path / "secret").write_text(f"{PASSPHRASE}\n")
    done = tool(*arguments, "--passphrase-file", tmp_path / "secret", "--meaning", "checked")
    assert done.returncode == 0, done.stderr
    assert "signature 1 of at most 2, by Fred" in done.stdout
    assert "recorded as entry 2 of the audit trail" in done.stdout
    for text in (done.stdout, done.stderr, (report.parents[1] / audit.LOG).read_text(), repr(report.read_bytes())):
        assert PASSPHRASE not in text
        assert "wrong secret" not in text
    done = tool("validate-pdf", report, "--trust", chain.trust)
    assert done.returncode == 0, done.stdout
    assert "signature 1: Fred: intact, anchored in the given trust" in done.stdout
    assert "no full validation of PDF/A: veraPDF is not on PATH" in done.stdout
    assert done.stdout.splitlines()[-1] == "no problem found; 1 valid signature"
    report.write_bytes(report.read_bytes().replace(b"/Type /Page", b"/Type /Pagf", 1) + b" ")
    done = tool("validate-pdf", report)
    assert done.returncode in (2, 3)
    (report.parent / "no.pdf").write_bytes(b"no")
    assert tool("validate-pdf", report.parent / "no.pdf").returncode == 2
    done = tool("validate-pdf", Path(report.parent / "report.json"), "--trust", report)
    assert done.returncode == 2


def test_a_passphrase_is_asked_for_where_none_is_given(chain, monkeypatch, tmp_path):
    with pytest.raises(SettingsError, match="its passphrase is needed"):
        signing.passphrase("", None, tmp_path / "k.p12")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(signing.getpass, "getpass", lambda _: "typed")
    assert signing.passphrase("", None, tmp_path / "k.p12") == "typed"
    with pytest.raises(SettingsError, match="no environment variable NOT_SET"):
        signing.passphrase("NOT_SET", None, tmp_path)
    with pytest.raises(SettingsError, match="not both"):
        signing.passphrase("A", tmp_path / "x", tmp_path)


def test_a_key_for_trying_signs_a_report_that_verifies_and_is_trusted_by_nobody(report, chain, tmp_path, monkeypatch):
    key = tmp_path / "trial.p12"
    monkeypatch.setenv("MY_KEY", "for trying only")
    arguments = ["key", "new", "--name", "Ada Trial", "--organization", "Test works", "--days", "30", "--out", str(key)]
    done = CliRunner().invoke(cli.app, [*arguments, "--passphrase-env", "MY_KEY"])
    assert done.exit_code == 0, done.output
    first, proves, real = done.stdout.splitlines()
    assert first.startswith(f"{key}: key of Ada Trial, valid for 30 days, certificate SHA-256 ")
    assert "proves that a report was not changed since, not who signed it" in proves
    assert "certificate authority or a trust service" in real
    assert os.name != "posix" or stat.S_IMODE(key.stat().st_mode) == 0o600
    _, certificate, others = pkcs12.load_key_and_certificates(key.read_bytes(), b"for trying only")
    assert not others
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=Ada Trial,O=Test works"
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 30
    assert certificate.fingerprint(hashes.SHA256()).hex() in first

    signing.sign(report, signing.load_key(key, "for trying only"), **ADA)
    checked = pdf_check.validate(report)
    assert not checked.problems
    assert [(one.problems, one.trusted) for one in checked.signatures] == [((), None)]
    assert verify(report).verified
    distrusted = pdf_check.validate(report, [chain.trust])
    assert [one.trusted for one in distrusted.signatures] == [False]
    changed = bytearray(report.read_bytes())
    changed[len(changed) // 2] ^= 1
    report.write_bytes(changed)
    assert pdf_check.validate(report).problems

    again = CliRunner().invoke(cli.app, [*arguments, "--passphrase-env", "MY_KEY"])
    assert "trial.p12: exists already and is left as it is" in str(again.exception)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": " "}, "--name: is empty; name the person who signs"),
        ({"name": "A" * 65}, "--name: has 65 characters; a certificate takes 64, all printable"),
        ({"organization": "a\nb"}, "--organization: has 3 characters; a certificate takes 64, all printable"),
        ({"days": 0}, "--days: got 0, must be from 1 to 3650"),
        ({"passphrase": "short"}, "its passphrase has 5 characters; take 8 or more"),
        ({"out": Path("key.pem")}, "--out: got key.pem; the name of a key file ends in .p12 or .pfx"),
    ],
)
def test_a_key_that_could_not_be_used_is_refused(tmp_path, more, message):
    asked = {"name": "Ada", "organization": "", "days": 30, "passphrase": "long enough", "out": tmp_path / "k.p12"}
    with pytest.raises(SettingsError, match=message):
        trial_key.make(**(asked | more))
    assert not list(tmp_path.iterdir())


def test_a_new_passphrase_is_typed_twice(tmp_path):
    typed = iter(["long enough", "long enough", "long enough", "long enuogh"])
    assert trial_key.passphrase_typed(lambda _: next(typed), tmp_path / "k.p12") == "long enough"
    with pytest.raises(SettingsError, match="the two passphrases differ; nothing was written"):
        trial_key.passphrase_typed(lambda _: next(typed), tmp_path / "k.p12")
