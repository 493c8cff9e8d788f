"""Looking at a field and correcting it: what is drawn counts when it is committed, under a name, in its true size."""

import multiprocessing
import os
import shutil
import signal
import sys

import inspected
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select
from workbench import bench, browser, client, enters, served, with_people

from inspect_tool.errors import ReadError
from inspect_tool.evidence import audit, edits
from inspect_tool.evidence.masks import mask_sha256
from inspect_tool.evidence.provenance import now
from inspect_tool.files import load_report, sha256_file
from inspect_tool.inspection import job_run
from inspect_tool.lab import tables, users
from inspect_tool.lab.database import connected, open_lab
from inspect_tool.pixels import png
from inspect_tool.verify.verify import verify
from inspect_tool.web import serve
from inspect_tool.web.editing import desk, drafts, fields, raster

HERE = "/inspections/steel/fields/1"
LINE = {"do": "boundary", "points": [[40, 60], [79, 60]]}  # 40 px, through the grain at row 40..79, column 40..79


def people(made):
    return with_people(made, {"anna": "analyst", "berta": "analyst", "axel": "auditor"})


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A lab with two inspections that no test changes but by drafts."""
    made = people(bench(tmp_path_factory.mktemp("kept") / "lab"))
    inspected.grains(made.lab)
    inspected.pores(made.lab)
    return made


@pytest.fixture
def made(kept, tmp_path):
    """A lab of its own, as the other one was at first."""
    shutil.copytree(kept.lab.folder, tmp_path / "lab")
    return serve.bench_of(open_lab(tmp_path / "lab"), serve.Place(port=8765))


@pytest.fixture
def anna(kept):
    spoken = client(kept, "anna")
    yield spoken
    for at in (HERE, "/inspections/sinter/fields/1"):
        spoken.post(f"{at}/correct/discard")


def pixels(answer):
    import io

    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


def ledger(made):
    return edits.read(made.lab.folder / "inspections" / "steel" / "job.edits")


# ------------------------------------------------------------------------------------------------------------- looking


def test_a_tile_shows_the_pixels_of_the_image_and_its_labels(kept):
    spoken = client(kept, "axel")
    whole = pixels(spoken.get(f"{HERE}/tiles/picture/8/0_0.png"))
    assert np.array_equal(whole[..., 0], np.asarray(Image.open(kept.lab.folder / "inspections/steel/images/f1.png")))
    outlines = pixels(spoken.get(f"{HERE}/tiles/outlines/8/0_0.png"))[..., 3] > 0
    rows, columns = np.mgrid[:160, :240]
    last = ((rows % 40 == 39) & (rows < 159)) | ((columns % 40 == 39) & (columns < 239))
    assert np.array_equal(outlines, last)
    assert pixels(spoken.get(f"{HERE}/tiles/picture/6/0_0.png")).shape == (40, 60, 4)
    colors = pixels(spoken.get(f"{HERE}/tiles/labels/8/0_0.png"))
    assert (colors[20, 20] != colors[20, 60]).any()
    for wrong in ("picture/9/0_0", "picture/8/1_0", "nothing/8/0_0"):
        assert spoken.get(f"{HERE}/tiles/{wrong}.png").status_code == 422


def test_an_object_lights_up_its_row_and_a_row_its_object(kept):
    spoken = client(kept, "axel")
    table = spoken.get(f"{HERE}/features").json()
    found = spoken.get(f"{HERE}/object?x=50&y=50").json()
    assert table["rows"][found["row"]][table["columns"].index("feature")] == 8
    assert found["outlines"] == [[[40, 40], [40, 79], [79, 79], [79, 40]]]
    assert spoken.get(f"{HERE}/object?row={found['row']}").json()["outlines"] == found["outlines"]
    pore = "/inspections/sinter/fields/1"
    table = spoken.get(f"{pore}/features").json()
    found = spoken.get(f"{pore}/object?x=150&y=90").json()
    area = table["rows"][found["row"]][table["columns"].index("area_px2")]
    rows, columns = np.mgrid[:160, :240]
    assert area == np.count_nonzero((rows - 90) ** 2 + (columns - 150) ** 2 < 25**2)
    by_row = spoken.get(f"{pore}/object?row={found['row']}").json()
    assert by_row["outlines"] == found["outlines"]
    assert spoken.get(f"{pore}/object?x=1&y=1").json()["fault"] == "at 1, 1: there is no object"


@pytest.mark.parametrize(
    ("at", "message"),
    [("nothing/fields/1", "there is none"), ("steel/fields/3", "has no field 3; it has 2")],
)
def test_what_is_not_there_is_one_line(kept, at, message):
    answer = client(kept, "axel").get(f"/inspections/{at}")
    assert answer.status_code == 422
    assert message in answer.text


def test_who_may_not_correct_cannot(kept):
    spoken = client(kept, "axel")
    assert spoken.get(HERE).status_code == 200
    assert f"{HERE}/correct" not in spoken.get(HERE).text
    assert spoken.get(f"{HERE}/correct").status_code == 403
    assert spoken.post(f"{HERE}/correct/do", json=LINE).status_code == 403


# ---------------------------------------------------------------------------------------------------------- the draft


def test_an_operation_is_kept_before_it_is_answered_and_undone_and_done_again(kept, anna):
    before = pixels(anna.get(f"{HERE}/correct/tiles/outlines/8/0_0.png"))
    told = anna.post(f"{HERE}/correct/do", json=LINE).json()
    assert (told["position"], told["operations"], told["box"]) == (1, 1, [61, 40, 80, 80])
    with connected(kept.lab, read_only=True) as connection:
        assert connection.execute(tables.draft.select()).one().position == 1
    after = pixels(anna.get(f"{HERE}/correct/tiles/outlines/8/0_0.png"))
    changed = (before != after).any(axis=-1)
    assert np.array_equal(np.argwhere(changed), [[60, column] for column in range(40, 79)])
    # another server, as after a crash, has it all from the database
    anew = client(kept, "anna")
    assert np.array_equal(pixels(anew.get(f"{HERE}/correct/tiles/outlines/8/0_0.png")), after)
    assert anew.post(f"{HERE}/correct/undo").json()["position"] == 0
    assert np.array_equal(pixels(anew.get(f"{HERE}/correct/tiles/outlines/8/0_0.png")), before)
    assert anew.post(f"{HERE}/correct/undo").json()["error"] == "there is nothing to undo"
    assert anew.post(f"{HERE}/correct/redo").json()["position"] == 1
    assert np.array_equal(pixels(anew.get(f"{HERE}/correct/tiles/outlines/8/0_0.png")), after)
    # the first window does not know of that, and must not write over it
    anew.post(f"{HERE}/correct/do", json={"do": "delete", "point": [20, 20]})
    other = {"do": "delete", "point": [100, 100]}
    assert "in another window; load this page again" in anna.post(f"{HERE}/correct/do", json=other).json()["error"]
    assert anna.get(f"{HERE}/correct").status_code == 200
    assert anna.post(f"{HERE}/correct/do", json=other).json()["position"] == 3


def test_the_result_of_the_field_before_and_after_stands_beside_the_picture(anna):
    at = "/inspections/sinter/fields/1/correct"
    rows, columns = np.mgrid[:160, :240]
    disks = [(40, 50, 15), (90, 150, 25), (120, 40, 10)]
    areas = [np.count_nonzero((rows - r) ** 2 + (columns - c) ** 2 < d**2) for r, c, d in disks]
    anna.post(f"{at}/do", json={"do": "delete", "point": [150, 90]})
    told = anna.get(f"{at}/numbers").text
    assert f"{100 * sum(areas) / rows.size:.5g}</td>" in told
    assert f"{100 * (areas[0] + areas[2]) / rows.size:.5g}</td>" in told


def test_within_joints_a_void_that_is_none_becomes_solder_and_one_that_was_missed_is_painted(made):
    drawn = inspected.joints(made.lab)
    spoken, at = client(made, "anna"), "/inspections/board/fields/1/correct"
    field = fields.opened(made.lab, "board", 1)
    labels, numbers = field.measured.present.current.labels, field.measured.present.current.objects
    (row, column), other = ((round(one.row_px), round(one.column_px)) for one in drawn.joints)
    share = 100 * np.count_nonzero(labels == 2) / np.count_nonzero(numbers == numbers[row, column])
    assert share == pytest.approx(drawn.joints[0].void_percent, abs=0.5)
    assert f"{share:.5g}</td>" in spoken.get(f"{at}/numbers").text
    assert "error" not in spoken.post(f"{at}/do", json={"do": "delete", "point": [column, row]}).json()
    stroke = {"do": "stroke", "points": [[other[1] - 9, other[0]], [other[1] + 9, other[0]]], "radius": 3, "number": 2}
    assert "error" not in spoken.post(f"{at}/do", json=stroke).json()
    ground = {"do": "stroke", "points": [[3, 3]], "radius": 2, "number": 2}
    assert "lies outside the part that is measured" in spoken.post(f"{at}/do", json=ground).json()["error"]
    void = raster.line([tuple(one) for one in stroke["points"]], 3, raster.Box(top=0, left=0, bottom=167, right=300))
    share = 100 * np.count_nonzero(void) / np.count_nonzero(numbers == numbers[other])
    assert f"{share:.5g}</td>" in spoken.get(f"{at}/numbers").text
    assert spoken.post(f"{at}/commit", data={"reason": "the void is a pad below"}).status_code == 303
    inspected.again(made.lab, "board")
    report = load_report(made.lab.reports / "board" / "report.json")
    (worst,) = [one for one in report.results if one.quantity == "void_percent.max"]
    assert worst.value == pytest.approx(share, rel=1e-9)
    assert [one.text for one in verify(made.lab.reports / "board").findings if one.state == "differs"] == []


def test_a_click_on_a_pore_that_was_missed_outlines_it_and_is_kept_as_an_outline(kept, anna):
    at = "/inspections/sinter/fields/1/correct"
    rows, columns = np.mgrid[:160, :240]
    disk = (rows - 90) ** 2 + (columns - 150) ** 2 < 25**2
    anna.post(f"{at}/do", json={"do": "delete", "point": [150, 90]})
    told = anna.post(f"{at}/do", json={"do": "click", "point": [152, 88], "number": 1}).json()
    assert told["position"] == 2
    colors = pixels(anna.get(f"{at}/tiles/labels/8/0_0.png"))
    found = (colors == colors[40, 50]).all(axis=-1)  # as the pore that was always there
    found[: told["box"][0]] = found[:, : told["box"][1]] = False
    assert np.count_nonzero(found & disk) > 0.85 * np.count_nonzero(found | disk)
    with connected(kept.lab, read_only=True) as connection:
        (kept_as,) = connection.scalars(select(tables.draft.c.operations)).all()
    assert "click" not in kept_as
    assert '\\"do\\":\\"new\\"' in kept_as or '"do":"new"' in kept_as
    outside = anna.post(f"{at}/do", json={"do": "click", "point": [240, 0]}).json()
    assert "lies outside the image of 240 x 160 pixels" in outside["error"]
    assert "is missing" in anna.post(f"{at}/do", json={"do": "click"}).json()["error"]


def test_what_cannot_be_done_is_told_and_changes_nothing(anna):
    for told, message in (
        ({"do": "delete", "point": [999, 0]}, "the point 999, 0 lies outside the image of 240 x 160 pixels"),
        ({"do": "boundary", "points": [[50, 60], [70, 60]]}, "the line parts nothing"),
        ({"do": "everything"}, "does not say what to do"),
    ):
        assert message in anna.post(f"{HERE}/correct/do", json=told).json()["error"]
    assert anna.post(f"{HERE}/correct/do", content=b"{").json()["error"] == "the correction is no JSON"
    assert anna.post(f"{HERE}/correct/undo").json()["error"] == "there is nothing to undo"
    assert "nothing was corrected" in anna.post(f"{HERE}/correct/commit", data={"reason": "x"}).text


# ---------------------------------------------------------------------------------------------------------- the ledger


def test_a_commit_is_one_entry_by_its_person_in_its_true_size_and_the_report_verifies(made):
    spoken = client(made, "anna")
    spoken.post(f"{HERE}/correct/do", json=LINE)
    assert "every edit is recorded with a reason" in spoken.post(f"{HERE}/correct/commit", data={"reason": " "}).text
    done = spoken.post(f"{HERE}/correct/commit", data={"reason": "the boundary was not etched"})
    assert done.headers["location"] == HERE
    (entry,) = ledger(made)
    edit = entry.edit
    assert (edit.by, edit.reason) == ("Anna Muster", "the boundary was not etched")
    # a line of 40 px: the smaller half, and the line at most
    assert 40 * 19 <= edit.changed_px <= 40 * 20
    assert (edit.objects_added, edit.objects_removed, edit.objects_changed) == (1, 0, 1)
    last = audit.read(made.lab.reports).entries[-1]
    assert (last.event, last.user, last.new["by"]) == ("edit", "Anna Muster", "Anna Muster")
    assert "was corrected since it was measured" in spoken.get(HERE).text
    with connected(made.lab, read_only=True) as connection:
        assert connection.execute(tables.draft.select()).all() == []
    inspected.again(made.lab, "steel")
    wanted = inspected.board()
    wanted[61:80, 40:80] = 25
    assert edit.after_sha256 == mask_sha256(wanted)
    assert "was corrected since it was measured" not in spoken.get(HERE).text
    differs = [one.text for one in verify(made.lab.reports / "steel").findings if one.state == "differs"]
    assert differs == []
    assert audit.verify(made.lab.reports).problems == ()
    report = load_report(made.lab.reports / "steel" / "report.json")
    assert any("Anna Muster" in row for table in report.tables for row in table.rows)


def test_an_edit_of_one_inspection_is_missed_in_no_other_of_the_same_images(made):
    """All job files of a lab are called job.toml: the audit trail must tell them apart."""
    inspected.grains(made.lab, "again")
    spoken = client(made, "anna")
    spoken.post(f"{HERE}/correct/do", json=LINE)
    spoken.post(f"{HERE}/correct/commit", data={"reason": "the boundary was not etched"})
    for name in ("steel", "again"):
        inspected.again(made.lab, name)
    assert audit.verify(made.lab.reports).problems == ()
    reports = [load_report(made.lab.reports / name / "report.json") for name in ("steel", "again")]
    assert [sum(one.role == "edit" for one in report.attachments) for report in reports] == [2, 0]
    # what the inspection itself lacks is still missed
    shutil.rmtree(made.lab.folder / "inspections" / "steel" / "job.edits")
    for name in ("steel", "under another name"):
        with pytest.raises(ReadError, match=r"job\.edits: holds 0 edits, entry .* of the audit trail"):
            job_run.run(made.lab.folder / "inspections" / "steel" / "job.toml", made.lab.reports, name=name)
    assert any("edits of steel: holds 0 edits" in one for one in audit.verify(made.lab.reports).problems)


def test_a_field_that_is_not_measured_yet_is_a_picture_alone(made):
    shutil.rmtree(made.lab.reports / "steel")
    spoken = client(made, "anna")
    page = spoken.get(HERE)
    assert (page.status_code, "f1.png: is not measured yet" in page.text) == (200, True)
    assert spoken.get(f"{HERE}/tiles/picture/8/0_0.png").status_code == 200
    assert spoken.get(f"{HERE}/tiles/outlines/8/0_0.png").status_code == 422
    assert "f1.png: is not measured yet" in spoken.get(f"{HERE}/correct").text


def test_a_field_that_was_corrected_is_measured_again_and_one_that_was_not_stays_done(made):
    spoken = client(made, "anna")

    def state():
        with connected(made.lab, read_only=True) as connection:
            return connection.execute(select(tables.work.c.state)).scalar_one()

    assert spoken.post(f"{HERE}/correct/measure").headers["location"] == "/inspections/steel"
    uid = sha256_file(made.lab.reports / "steel" / "report.json")
    with connected(made.lab) as connection:
        connection.execute(tables.work.update().values(state="done", report_uid=uid, ended=now()))
    spoken.post(f"{HERE}/correct/measure")
    assert state() == "done"
    spoken.post(f"{HERE}/correct/do", json=LINE)
    spoken.post(f"{HERE}/correct/commit", data={"reason": "the boundary was not etched"})
    spoken.post(f"{HERE}/correct/measure")
    assert state() == "todo"
    inspected.again(made.lab, "steel")
    uid = sha256_file(made.lab.reports / "steel" / "report.json")
    with connected(made.lab) as connection:
        connection.execute(tables.work.update().values(state="done", report_uid=uid, ended=now()))
    spoken.post(f"{HERE}/correct/measure")
    assert state() == "done"


def test_a_mask_file_books_a_line_of_40_px_in_the_same_true_size(made, tmp_path):
    from inspect_tool.inspection import correct

    labels = inspected.board()
    labels[61:80, 40:80] = 99
    # an editor that numbers its objects anew, from the last to the first
    anew = np.unique(-labels, return_inverse=True)[1].reshape(labels.shape) + 1
    mask = tmp_path / "anew.png"
    mask.write_bytes(png.encode(anew))
    job = made.lab.folder / "inspections" / "steel" / "job.toml"
    edit = correct.correct(job, mask, field=1, reason="not etched", by="M. Example")
    assert edit.changed_px == 40 * 19
    assert (edit.objects_added, edit.objects_removed, edit.objects_changed) == (1, 0, 1)


def test_the_second_person_is_told_by_whom_and_loses_nothing(made):
    anna, berta = client(made, "anna"), client(made, "berta")
    anna.post(f"{HERE}/correct/do", json=LINE)
    told = berta.post(f"{HERE}/correct/do", json={"do": "delete", "point": [100, 100]}).json()
    assert told["others"][0].startswith("Anna Muster corrects this field too: 1 correction not committed")
    assert "Anna Muster corrects this field too" in berta.get(f"{HERE}/correct").text
    anna.post(f"{HERE}/correct/commit", data={"reason": "the boundary was not etched"})
    refused = berta.post(f"{HERE}/correct/commit", data={"reason": "a scratch"})
    assert refused.status_code == 422
    page = berta.get(f"{HERE}/correct").text
    assert "Anna Muster corrected the field (the boundary was not etched) since. It is kept, and not applied" in page
    assert "begun on other labels" in berta.post(f"{HERE}/correct/undo").json()["error"]
    with connected(made.lab, read_only=True) as connection:
        assert '"point":[100,100]' in connection.execute(tables.draft.select()).one().operations
    assert len(ledger(made)) == 1
    berta.post(f"{HERE}/correct/discard")
    assert berta.post(f"{HERE}/correct/do", json={"do": "delete", "point": [100, 100]}).json()["position"] == 1


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def in_a_process(made, act, how):
    """Let Anna do something with her sheet in a process of its own; gives how it ended.

    Not a copy of this one, whose threads may hold locks that nobody would give back.
    """
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    process = context.Process(target=carried_out, args=(made.lab.folder, act, how))
    process.start()
    process.join(60)
    return process.exitcode


def carried_out(folder, act, how):
    lab, open_ = open_lab(folder), desk.Desk()
    with connected(lab, read_only=True) as connection:
        anna = next(one for one in users.every(connection) if one.name == "anna")
    act(lab, open_, desk.sheet_of(open_, lab, desk.field_of(open_, lab, "steel", 1), anna), anna, how)


def killed_in_a_stroke(lab, _, sheet, __, where):
    if where == "after it":
        desk._laid = die
    else:
        put = drafts.put

        def half(*args):
            put(*args)
            die()

        drafts.put = half
    desk.do(lab, sheet, {"do": "delete", "point": [20, 20]})


def killed_in_a_commit(lab, open_, sheet, anna, written):
    """Commit, and be killed after so many files of the ledger, or before the draft is given up."""
    write, left = edits.write_whole, [written]

    def counted(path, data):
        if not left[0]:
            die()
        left[0] -= 1
        write(path, data)

    edits.write_whole, drafts.discard = counted, die
    desk.commit(open_, lab, sheet, "not etched", anna)


@pytest.mark.parametrize(("where", "kept_of_it"), [("in the transaction", 1), ("after it", 2)])
def test_a_server_killed_in_a_stroke_keeps_all_of_it_or_nothing(made, where, kept_of_it):
    client(made, "anna").post(f"{HERE}/correct/do", json=LINE)
    assert in_a_process(made, killed_in_a_stroke, where) == -signal.SIGKILL
    assert client(made, "anna").post(f"{HERE}/correct/undo").json()["position"] == kept_of_it - 1
    assert ledger(made) == ()


@pytest.mark.parametrize(("written", "entries"), [(0, 0), (1, 0), (9, 1)])
def test_a_server_killed_in_a_commit_leaves_a_whole_ledger(made, written, entries):
    """Before the pixels are written, between them and the entry, and after it, before the draft is given up."""
    client(made, "anna").post(f"{HERE}/correct/do", json=LINE)
    assert in_a_process(made, killed_in_a_commit, written) == -signal.SIGKILL
    assert len(ledger(made)) == entries
    spoken = client(made, "anna")
    page = spoken.get(f"{HERE}/correct").text
    if entries:  # what is in the ledger is no draft any more
        assert "begun on other labels" not in page
        assert spoken.post(f"{HERE}/correct/undo").json()["error"] == "there is nothing to undo"
    else:
        spoken.post(f"{HERE}/correct/commit", data={"reason": "not etched"})
    assert [entry.edit.after_sha256 for entry in ledger(made)] == [mask_sha256(_split())]


def _split():
    wanted = inspected.board()
    wanted[61:80, 40:80] = 25
    return wanted


# ---------------------------------------------------------------------------------------------------------- the browser


@pytest.mark.needs("Chromium", "Playwright")
def test_a_boundary_is_drawn_with_the_mouse_undone_done_again_and_committed(made):
    with served(made.lab) as listening, browser(viewport={"width": 1280, "height": 900}) as page:
        enters(page, listening, "anna")
        page.goto(f"{listening.origins[0]}{HERE}/correct")
        page.locator("#stage[data-waiting='0']").wait_for()
        page.locator("#numbers table").wait_for()
        numbers = page.locator("#numbers tbody tr").first
        before = numbers.inner_text()
        # by keyboard: what lies in the middle is deleted, and that is undone
        page.keyboard.press("d")
        page.keyboard.press("Enter")
        page.get_by_text("1 correction", exact=True).wait_for()
        page.keyboard.press("Control+z")
        page.get_by_text("0 corrections").wait_for()
        page.keyboard.press("l")
        box = page.locator("#stage").bounding_box()
        scale = min(box["width"] / 240, box["height"] / 160)
        left, top = box["x"] + (box["width"] - 240 * scale) / 2, box["y"] + (box["height"] - 160 * scale) / 2
        page.mouse.move(left + 38.5 * scale, top + 60.5 * scale)
        page.mouse.down()
        page.mouse.move(left + 60.5 * scale, top + 60.5 * scale)
        page.mouse.move(left + 81.5 * scale, top + 60.5 * scale)
        page.mouse.up()
        page.get_by_text("1 correction", exact=True).wait_for()
        page.locator("#numbers tr.changed").first.wait_for()
        assert numbers.inner_text() != before
        page.keyboard.press("Control+z")
        page.get_by_text("0 corrections").wait_for()
        page.keyboard.press("Control+y")
        page.get_by_text("1 correction", exact=True).wait_for()
        page.get_by_role("button", name="Commit …").click()
        page.get_by_label("Reason").fill("the boundary was not etched")
        page.get_by_role("button", name="Commit", exact=True).click()
        page.get_by_role("button", name="Measure again").wait_for()
        assert (page.trouble, page.elsewhere) == ([], [])
    (entry,) = ledger(made)
    assert entry.edit.by == "Anna Muster"
    assert entry.edit.after_sha256 == mask_sha256(_split())


@pytest.mark.needs("Chromium", "Playwright")
def test_a_field_is_looked_at_by_keyboard_alone(kept):
    with served(kept.lab) as listening, browser(viewport={"width": 820, "height": 900}) as page:
        enters(page, listening, "axel")
        page.goto(f"{listening.origins[0]}{HERE}")
        table = page.get_by_role("grid")
        table.get_by_text("1600").first.wait_for()
        table.focus()
        page.keyboard.press("ArrowDown")
        page.get_by_text("Row 1 of the table.").wait_for()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("n")
        page.get_by_text("field 2 of 2").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 820
        assert (page.trouble, page.elsewhere) == ([], [])
