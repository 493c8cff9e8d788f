"""Reports are recomputed from what they carry; a change that matters is found, an untouched report never alarms."""

import json
import random
import re
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import made_once
import numpy as np
import pikepdf
import pypdf
import pytest
import tamper
from PIL import Image
from typer.testing import CliRunner

from inspect_tool import __version__, synthetic
from inspect_tool.cli import app
from inspect_tool.errors import ReadError
from inspect_tool.evidence import masks
from inspect_tool.files import load_report, plain
from inspect_tool.inspection import job_run
from inspect_tool.pixels import png
from inspect_tool.verify import pages, recompute, verify
from inspect_tool.verify.pages import page_text

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of three small fields with HTML and PDF, to be read only."""
    return made_once.made_once(tmp_path_factory, "small report", tamper.small_report) / "reports" / "job"


@pytest.fixture
def copy(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "another name"))


def states(found, part):
    return {item.state for item in found.findings if item.part == part}


def unlike(found):
    return [item.text for item in found.findings if item.state == "differs"]


def bare(folder):
    """Without pages, which take seconds to print again."""
    for name in ("report.html", "report.pdf"):
        (folder / name).unlink(missing_ok=True)
    return folder


# ------------------------------------------------------------------------------------------------ untouched reports


def test_untouched_report_verifies_as_folder_json_and_pdf_alone(made, tmp_path):
    folder = verify.verify(made)
    assert unlike(folder) == []
    assert states(folder, "HTML page") == states(folder, "PDF pages") == {"verified"}
    moved = shutil.copyfile(made / "report.pdf", tmp_path / "renamed.pdf")
    alone = verify.verify(moved)
    assert unlike(alone) == []
    assert states(alone, "PDF pages") == {"verified"}
    assert alone.digest == folder.digest
    assert verify.verify(bare(Path(shutil.copytree(made, tmp_path / "moved"))) / "report.json").verified


def test_pages_and_data_carry_the_same_digest_and_identification(made):
    report = load_report(made / "report.json")
    assert report.id.endswith(report.digest[:8].upper())
    html = "".join(page_text((made / "report.html").read_text(encoding="utf-8")))
    pdf = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(made / "report.pdf").pages)
    for text in (html, pdf):
        assert report.digest in text
        assert report.id in text


PICTURES = {
    "grain_size": lambda seed: synthetic.grains(seed=seed, shape_px=(200, 240), grain_size_number=9.0, pixel_um=0.5),
    "phase_fraction": lambda seed: synthetic.two_phase(
        seed=seed, area_percent=30.0, feature_um=12.0, shape_px=(150, 180)
    ),
    "porosity": lambda seed: synthetic.pores(seed=seed, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(220, 260)),
    "solder_voids": lambda seed: synthetic.solder_balls(seed=seed, rows=2, columns=2),
}
JOBS = {
    "grains with a second phase by gray value": (
        "grain_size",
        '[settings]\nmethod = "heyn"\nsecond_phase = "dark"\nsecond_phase_threshold = 120.0',
    ),
    "phases": ("phase_fraction", ""),
    "phases in a polygon": (
        "phase_fraction",
        "[region]\npolygon = [[5.0, 5.0], [140.0, 20.0], [120.0, 170.0], [10.0, 150.0]]",
    ),
    "objects taken together as a phase": ("phase_fraction", '[backend]\nname = "watershed"\nmode = "particles"'),
    "phases counted by hand": ("phase_fraction", '[settings]\ncounts = "tables/by hand.csv"'),
    "pores by an own edition": ("porosity", ""),
    "pores with a class string": (
        "porosity",
        '[[requirements]]\nquantity = "porosity_class"\nclass_string = "D5"\nsource = "drawing"',
    ),
    "joints": ("solder_voids", "[settings]\nquadrants = true"),
}


def run_job(folder, name):
    """Run one of the small jobs; gives its report folder."""
    recipe, table = JOBS[name]
    drawn = [PICTURES[recipe](seed) for seed in (0, 1)]
    for i, field in enumerate(drawn):
        Image.fromarray(field.pixels).save(folder / f"field_{i}.png")
    head = f'recipe = "{recipe}"\nimages = ["field_*.png"]\nexports = ["json", "csv"]\n'
    if name.endswith("own edition"):
        own = (ROOT / "standards" / "areal_porosity_2026.toml").read_text(encoding="utf-8")
        (folder / "own method.toml").write_text(own, encoding="utf-8")
        head += 'standard = "own method.toml"\n'
    if "by hand" in name:
        (folder / "tables").mkdir()
        rows = "specimen,field,grid_points,dark\n1,1,25,7\n1,2,25,8\n"
        (folder / "tables" / "by hand.csv").write_text(rows, encoding="utf-8")
        table += '\n[backend]\nname = "threshold"\nphase = "dark"\nclasses = ["dark", "bright"]'
    scale = f'[calibration]\npixel_um = {drawn[0].pixel_um}\nu_rel = 0.004\nsource = "stage micrometer"\n'
    (folder / "job.toml").write_text(f"{head}{scale}{table}\n", encoding="utf-8")
    job_run.run(folder / "job.toml", folder / "reports")
    return folder / "reports" / "job"


@pytest.mark.parametrize("name", JOBS)
def test_every_kind_of_job_is_recomputed_to_the_last_digit(tmp_path, name, monkeypatch):
    folder = run_job(tmp_path, name)
    monkeypatch.setattr(recompute, "STRICT", 0.0)
    again = name in ("phases in a polygon", "joints")
    found = verify.verify(folder, images=tmp_path if again else None)
    assert unlike(found) == []
    assert states(found, "numbers") >= {"verified"}
    if again:
        assert states(found, "segmentation") == states(found, "image quality") == {"verified"}
        assert found.as_stated == ()  # all that is read off the images was read again
    else:
        assert "table 'Image quality'" in found.as_stated


def test_nothing_is_read_off_a_field_whose_image_is_gone(made):
    report = load_report(made / "report.json")
    field, _ = masks.field(report.micrographs[0], lambda file: (made / file).read_bytes())
    assert np.isnan(field.pixels).all()


# ------------------------------------------------------------------------------------------------------- tampering


@pytest.mark.parametrize("kind", list(tamper.CHANGES))
def test_every_kind_of_change_is_found(made, tmp_path, kind, printed):
    rng = random.Random(f"{kind} 7")
    many = {
        "number, sealed": 6,
        "image quality, sealed": 3,
        "number, careless": 3,
        "mask pixel, sealed": 3,
        "bytes of a file": 3,
    }
    for _ in range(many.get(kind, 2)):
        what, text = tamper.found(made, tmp_path, kind, rng)
        assert text, what


@pytest.fixture(scope="module")
def printed(made):
    with tamper.printed_once(made):
        yield


def test_a_changed_pixel_is_named_with_its_file_and_every_number_it_moves(copy):
    bare(copy)
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    mask = data["micrographs"][1]["evidence"]["masks"][0]
    shape = (data["micrographs"][1]["height_px"], data["micrographs"][1]["width_px"])
    numbers = png.decode((copy / mask["file"]).read_bytes(), shape)
    numbers[:40] = 1
    (copy / mask["file"]).write_bytes(png.encode(numbers))
    said = "\n".join(unlike(verify.verify(copy)))
    assert f"{mask['file']}: was changed" in said
    assert "results 'area_percent.ferrite' of specimen 1 value: report" in said


def test_a_changed_limit_is_named_though_all_hashes_were_made_to_fit(copy):
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    data["conformities"][0]["requirement"]["upper"] = 95.0
    tamper.seal(copy, data)
    assert any("requirement upper: report 95.0, recomputed 90.0" in text for text in unlike(verify.verify(copy)))


def test_a_scale_that_is_not_that_of_the_job_is_named(copy):
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    for record in data["micrographs"]:
        record["calibration"]["pixel_um"] = 0.51
    tamper.seal(copy, data)
    assert any("calibration pixel_um: report 0.51, the job states 0.5" in text for text in unlike(verify.verify(copy)))


def test_a_note_laid_over_a_page_is_found(made, tmp_path, printed):
    path = Path(shutil.copyfile(made / "report.pdf", tmp_path / "noted.pdf"))
    with pikepdf.open(path, allow_overwriting_input=True) as opened:
        note = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FreeText, Rect=[50, 50, 200, 90], Contents="G = 9.9"
        )
        opened.pages[0].Annots = opened.make_indirect(pikepdf.Array([opened.make_indirect(note)]))
        opened.save(path)
    assert any("page 1: carries 1 annotations (/FreeText)" in text for text in unlike(verify.verify(path)))


def test_another_image_and_a_missing_one_are_told_apart(made, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    copy = bare(Path(shutil.copytree(made, tmp_path / "copy")))
    job = made.parents[1]
    shutil.copyfile(job / "field_0.png", images / "field_1.png")
    found = verify.verify(copy, images=images)
    said = [item.text for item in found.findings if item.part == "images"]
    assert said[0].startswith("field_0.png: is not in")
    assert said[1] == "field_1.png: is another picture than the one that was measured"


# ---------------------------------------------------------------------------------------------------- bad input


def test_a_pdf_whose_masks_are_too_large_to_be_attached_sends_to_the_folder(made, monkeypatch):
    monkeypatch.setattr(masks, "ATTACHED_BYTES", 10)
    with pytest.raises(ReadError, match="too large for the PDF; verify the report folder"):
        verify.verify(made / "report.pdf")


def test_a_field_too_large_for_its_masks_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(png, "LARGEST_PX", 100)
    folder = run_job(tmp_path, "phases")
    assert not list((folder / "evidence").glob("*.png"))
    with pytest.raises(ReadError, match="Mpx is too large for its masks to be kept"):
        verify.verify(folder)


def sealed(folder, change):
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    change(data)
    (folder / "report.json").write_text(json.dumps(data), encoding="utf-8")
    return bare(folder)


def test_reports_of_earlier_versions_are_refused_with_the_reason(copy):
    def without(data):
        data["attachments"], data["digest"] = [], ""
        for record in data["micrographs"]:
            record["evidence"] = None

    with pytest.raises(ReadError, match="cannot be recomputed: made without masks"):
        verify.verify(sealed(copy, without))


def test_what_was_read_off_an_image_and_is_of_no_such_kind_is_one_line(copy):
    def forged(data):
        kept = data["micrographs"][0]["evidence"]["read_off"]
        kept.update({key: [["x"]] for key in kept})

    found = verify.verify(sealed(copy, forged))
    (told,) = (text for text in unlike(found) if text.startswith("cannot be recomputed"))
    assert "\n" not in told


def test_forged_values_of_no_such_kind_under_a_digest_made_to_fit_are_one_line_with_the_place(copy):
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    kept = data["micrographs"][0]["evidence"]["read_off"]
    kept.update({key: [["x"]] for key in kept})
    tamper.seal(copy, data)
    with pytest.raises(
        ReadError, match=r"cannot be recomputed: .*Error: .* \([a-z_/]+\.py, line \d+\); no change"
    ) as told:
        verify.verify(copy)
    assert "\n" not in str(told.value)


def test_a_chord_that_is_not_that_of_the_masks_is_named_though_all_hashes_were_made_to_fit(copy):
    """It would take the doubt away from a field in which what was found is too fine."""
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    table = next(one for one in data["tables"] if one["title"] == "Image quality")
    table["rows"][1][table["columns"].index("Chord [px]")] *= 2
    tamper.seal(copy, data)
    assert any("Image quality" in text and "Chord" in text for text in unlike(verify.verify(copy)))


def test_what_a_job_left_open_is_recomputed_as_an_earlier_version_had_it(made, tmp_path):
    """A version with another number of grid points by default made the report."""
    for path in (*made.parents[1].glob("field_*.png"), made.parents[1] / "job.toml"):
        shutil.copy(path, tmp_path)
    job = tmp_path / "job.toml"
    left_open = job.read_text(encoding="utf-8")
    stated = left_open.replace("[header]", "[settings]\ngrid_points = 49\n[header]")
    job.write_text(stated, encoding="utf-8")
    job_run.run(job, tmp_path / "reports", exports=("json",))
    (tmp_path / "reports" / "audit.jsonl").unlink()
    folder = tmp_path / "reports" / "job"
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))

    def sealed_as(version):
        (folder / "job.toml").write_text(left_open, encoding="utf-8")
        digest = tamper.sha256_bytes(left_open.encode())
        next(item for item in data["attachments"] if item["role"] == "job")["sha256"] = digest
        data["provenance"] |= {"job_sha256": digest, "version": version}
        tamper.seal(folder, data)
        return verify.verify(folder)

    found = sealed_as("0.0.1")
    assert unlike(found) == []
    assert any("left to the program" in item.text and "grid_points 49 (now 0)" in item.text for item in found.findings)
    assert any("provenance settings grid_points" in text for text in unlike(sealed_as(__version__)))


def forged_figure(data):
    """Half the blur of an image: it would hide that the picture is out of focus."""
    table = next(one for one in data["tables"] if one["title"] == "Image quality")
    table["rows"][1][table["columns"].index("Blur [px]")] /= 2


def forged_check(data):
    next(one for one in data["checks"] if one["name"] == "Contrast: height of the edges")["value"] *= 2


def without_a_check(data):
    left_out = next(i for i, one in enumerate(data["checks"]) if one["name"] == "Contrast: height of the edges")
    del data["checks"][left_out]
    for sentence in data["sentences"]:
        sentence["at"] = [place for place in (moved(place, left_out) for place in sentence["at"]) if place]


def moved(place, left_out):
    """A place in the report, after one check of it was left out; empty: in that check."""
    _, first, *rest = place.split("/")
    if first != "checks" or int(rest[0]) < left_out:
        return place
    return "" if int(rest[0]) == left_out else "/".join(["", first, str(int(rest[0]) - 1), *rest[1:]])


@pytest.mark.parametrize(
    ("forged", "said"),
    [
        (forged_figure, "tables 'Image quality' row 2 Blur"),
        (forged_check, "checks 'Contrast: height of the edges' value"),
        (without_a_check, "which the report does not state"),
    ],
)
def test_forged_image_quality_is_named_with_the_images_and_taken_as_stated_without(made, copy, forged, said):
    data = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    forged(data)
    tamper.seal(copy, data)
    bare(copy)
    alone = verify.verify(copy)
    assert alone.verified
    assert "table 'Image quality'" in alone.as_stated
    again = verify.verify(copy, images=made.parents[1])
    assert [text for text in unlike(again) if said in text]
    assert states(again, "image quality") == {"differs"}


def test_the_first_line_says_what_was_taken_as_stated_and_with_the_images_nothing_is(made, copy):
    bare(copy)
    alone = CliRunner().invoke(app, ["verify", str(copy)]).stdout.splitlines()[0]
    assert re.search(r": verified; taken as stated, .*--images DIR.*: .* and \d+ more$", alone)
    again = CliRunner().invoke(app, ["verify", str(copy), "--images", str(made.parents[1])]).stdout.splitlines()[0]
    assert again.endswith(": verified")


def test_a_fault_of_our_own_on_an_untouched_report_names_its_place_and_is_not_laid_to_the_report(copy, monkeypatch):
    def broken(*_, **__):
        return {}["a key that nobody wrote"]

    monkeypatch.setattr(recompute, "findings_of", broken)
    with pytest.raises(
        ReadError, match=r"KeyError: .* \(verify/recompute\.py, line \d+\); .* this is a fault of inspect-tool"
    ):
        verify.verify(bare(copy))
    monkeypatch.setattr(
        recompute, "findings_of", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("no kind of forgery"))
    )
    with pytest.raises(RuntimeError, match="no kind of forgery"):  # a bug stays a bug, with its traceback
        verify.verify(bare(copy))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "evidence/../../x", "C:\\x", ".hidden", "a\nb"])
def test_names_that_lead_out_of_the_report_are_refused(copy, name):
    def lead_out(data):
        data["attachments"][0]["file"] = name

    with pytest.raises(ReadError, match="which lies outside the report"):
        verify.verify(sealed(copy, lead_out))


def test_a_link_that_leads_out_of_the_folder_is_refused(copy, tmp_path):
    (tmp_path / "elsewhere").write_text("x", encoding="utf-8")
    (copy / "job.toml").unlink()
    (copy / "job.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReadError, match="leads out of the report folder"):
        verify.verify(bare(copy))


def replaced(folder, data, shape=None):
    """Put other bytes in the place of the first mask, with hashes that fit."""
    report = load_report(folder / "report.json")
    record = report.micrographs[0]
    mask = replace(record.evidence.masks[0], sha256=tamper.sha256_bytes(data), size=len(data))
    changed = replace(
        record,
        evidence=replace(record.evidence, masks=(mask, *record.evidence.masks[1:])),
        **({"height_px": shape[0], "width_px": shape[1]} if shape else {}),
    )
    (folder / mask.file).write_bytes(data)
    tamper.seal(folder, plain(replace(report, micrographs=(changed, *report.micrographs[1:]))))
    return folder


def test_masks_that_are_no_pictures_or_huge_are_one_line(copy):
    good = next((copy / "evidence").glob("*.labels.png")).read_bytes()
    for data, shape, said in (
        (b"not a picture", None, "is not a PNG image"),
        (good[: len(good) // 2], None, "cannot be read as a mask"),
        (png.encode(np.zeros((3, 4), np.int32)), None, "has 3 x 4 pixels, the report states 150 x 180"),
        (good, (10**6, 10**6), "is too large"),
    ):
        with pytest.raises(ReadError, match=said) as caught:
            verify.verify(replaced(copy, data, shape))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a report"),
        ("{", "not a report"),
        ("[" * 100_000, "not a report"),
        ('{"schema": "inspect_tool/report/9"}', "this version reads"),
        ('{"schema": "inspect_tool/report/1"}', "is missing"),
    ],
)
def test_what_is_no_report_is_one_line(tmp_path, text, said):
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(ReadError, match=said):
        verify.verify(tmp_path)


def test_unknown_keys_of_a_report_are_refused(copy):
    with pytest.raises(ReadError, match="unknown key"):
        verify.verify(sealed(copy, lambda data: data.update(more=1)))


def test_cut_encrypted_and_foreign_pdfs_are_one_line(made, tmp_path):
    data = (made / "report.pdf").read_bytes()
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(data[:3000])
    with pytest.raises(ReadError, match=r"cut\.pdf"):
        verify.verify(cut)
    locked = tmp_path / "locked.pdf"
    with pikepdf.open(made / "report.pdf") as opened:
        opened.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))
    with pytest.raises(ReadError, match="is encrypted"):
        verify.verify(locked)
    foreign = tmp_path / "foreign.pdf"
    with pikepdf.new() as opened:
        opened.add_blank_page()
        opened.save(foreign)
    with pytest.raises(ReadError, match=r"carries no report\.json"):
        verify.verify(foreign)
    for path, said in (
        (tmp_path / "none", "no such file"),
        (made / "job.toml", "neither a PDF"),
        (tmp_path, "holds no"),
    ):
        with pytest.raises(ReadError, match=said):
            verify.verify(path)


def test_an_attachment_that_unpacks_to_more_than_it_should_is_one_line(made, tmp_path):
    path = tmp_path / "bomb.pdf"
    with pikepdf.open(made / "report.pdf") as opened:
        spec = opened.attachments["report.json"].obj
        bomb = pikepdf.Stream(opened, zlib.compress(b" " * 200_000_000, 9))
        bomb.Filter = pikepdf.Name.FlateDecode
        spec.EF.F = opened.make_indirect(bomb)
        opened.save(path, stream_decode_level=pikepdf.StreamDecodeLevel.none, recompress_flate=False)
    assert path.stat().st_size < 10e6
    with pytest.raises(ReadError, match=r"attachment report\.json"):
        verify.verify(path)


# ------------------------------------------------------------------------------------------------------ command


def test_command_tells_by_its_exit_status(copy, capsys):
    bare(copy)
    runner = CliRunner()
    done = runner.invoke(app, ["verify", str(copy), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["verified"] is True
    (copy / "job.toml").write_bytes((copy / "job.toml").read_bytes() + b"\n")
    done = runner.invoke(app, ["verify", str(copy)])
    assert done.exit_code == 3
    assert "DOES NOT VERIFY" in done.stdout
    assert "job.toml: was changed" in done.stdout


def test_a_page_of_other_versions_is_searched_for_every_main_result(made):
    report = load_report(made / "report.json")
    assert pages.html_differences(report, made / "report.html", None, made) == []
    other = replace(report, results=tuple(replace(result, value=result.value + 1) for result in report.results))
    assert any("does not show the" in text for text in pages.html_differences(other, made / "report.html", None, made))


def test_masks_survive_their_file_at_every_depth():
    for largest in (1, 255, 256, 65535, 65536, 2**24 - 1):
        numbers = np.array([[0, largest], [1, largest // 2]], np.int32)
        assert np.array_equal(png.decode(png.encode(numbers), (2, 2)), numbers)
