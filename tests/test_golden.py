"""Golden results on drawn masks whose areas are known; every expected number is that of the drawing."""

import json

import numpy as np
import pytest
import tifffile

from inspect_tool import cli
from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import provenance
from inspect_tool.inspection import one_field
from inspect_tool.studies import golden

SHAPE = (80, 100)
PX = SHAPE[0] * SHAPE[1]
DRAWN = [400, 800, 900]  # dark pixels of each field


def field(pixels):
    image = np.full(SHAPE, 200, np.uint8)
    image[20:30, : pixels // 10] = 60
    return image


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    for i, pixels in enumerate(DRAWN, start=1):
        tifffile.imwrite(home / f"field_{i}.tif", field(pixels) + np.uint8(i))
    return home


def job(folder, levels="[130.0]"):
    path = folder / "steel.toml"
    path.write_text(
        'recipe = "phase_fraction"\nimages = ["field_*.tif"]\nscale_bar = "off"\n[calibration]\nsource = "ratio only"\n'
        f'[backend]\nname = "threshold"\nmethod = "fixed"\nlevels = {levels}\nphase = "dark"\ndenoise_px = 1\n',
        encoding="utf-8",
    )
    return path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["inspect-tool", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_the_record_holds_what_was_drawn_and_nothing_differs_at_once(folder, tmp_path):
    made = golden.record([job(folder)], tmp_path / "gold")
    area = next(result for result in made.jobs[0].results if result.quantity == "area_percent.dark")
    assert area.value == pytest.approx(100 * np.mean(DRAWN) / PX)
    assert area.expanded_u > 0
    assert [image.file for image in made.jobs[0].images] == [f"../home/field_{i}.tif" for i in (1, 2, 3)]
    found = golden.check(tmp_path / "gold")
    assert found.verdict == "within tolerance"
    assert found.worst == 0
    assert found.jobs[0].masks_changed == 0
    assert found.jobs[0].changes == ()
    assert not list((tmp_path / "gold").glob("*.tif"))


def test_a_changed_setting_is_named_and_its_effect_is_in_the_unit_of_the_quantity(
    folder, tmp_path, monkeypatch, capsys
):
    gold = tmp_path / "gold"
    tifffile.imwrite(folder / "field_3.tif", np.where(field(900) == 200, 100, 180).astype(np.uint8))  # 100: 7100 pixels
    assert run(monkeypatch, "golden", "record", job(folder), "--out", gold, "--quiet") == 0
    job(folder, "[90.0]")
    assert run(monkeypatch, "golden", "check", gold) == 3
    printed = capsys.readouterr().out
    assert "not as recorded: backend.levels: [130.0] → [90.0]" in printed
    assert "beyond tolerance" in printed
    found = golden.check(gold)
    area = next(one for one in found.jobs[0].differences if one.quantity == "area_percent.dark")
    assert area.difference == pytest.approx(-100 * 7100 / PX / 3)  # no longer dark, in one field of three
    assert area.tolerance == pytest.approx(golden.SHARE * area.expanded_u)
    assert found.jobs[0].masks_changed == 1


def test_a_tolerance_is_a_share_of_u_or_a_number_in_the_unit(folder, tmp_path):
    gold = tmp_path / "gold"
    golden.record([job(folder)], gold)
    data = json.loads((gold / golden.FILE).read_text(encoding="utf-8"))
    result = next(one for one in data["jobs"][0]["results"] if one["quantity"] == "area_percent.dark")
    result["value"] -= 0.4 * result["expanded_u"]
    (gold / golden.FILE).write_text(json.dumps(data), encoding="utf-8")
    shift = 0.4 * result["expanded_u"]

    def verdict(*tolerances):
        return golden.check(gold, tolerances=tolerances).verdict

    assert verdict() == "beyond tolerance"
    assert verdict("0.5") == "within tolerance"
    assert verdict(f"area_percent.dark={1.01 * shift}") == "within tolerance"
    assert verdict("0.5", f"area_percent.dark={0.99 * shift}") == "beyond tolerance"
    with pytest.raises(SettingsError, match="--tolerance hardness: no recorded job has it"):
        golden.check(gold, tolerances=["hardness=1"])
    with pytest.raises(SettingsError, match="write a share of U"):
        golden.check(gold, tolerances=["-1"])


def test_another_version_is_noted_and_does_no_harm_by_itself(folder, tmp_path, monkeypatch):
    golden.record([job(folder)], tmp_path / "gold")
    versions = provenance.package_versions()
    monkeypatch.setattr(provenance, "package_versions", lambda: versions | {"numpy": "99.0"})
    monkeypatch.setattr(provenance, "__version__", "99.1")
    found = golden.check(tmp_path / "gold")
    assert found.verdict == "within tolerance"
    assert any(change.endswith("→ 99.1") and change.startswith("inspect_tool: ") for change in found.jobs[0].changes)
    assert f"numpy: {versions['numpy']} → 99.0" in found.jobs[0].changes


def test_a_changed_or_missing_image_is_refused_by_name(folder, tmp_path, monkeypatch, capsys):
    gold = tmp_path / "gold"
    golden.record([job(folder)], gold)
    image = folder / "field_2.tif"
    kept = image.read_bytes()
    tifffile.imwrite(image, field(810))
    with pytest.raises(ReadError, match=r"steel: field_2.tif is not the image that was recorded"):
        golden.check(gold)
    image.unlink()
    assert run(monkeypatch, "golden", "check", gold, "--quiet") == 2
    assert "steel: field_2.tif is missing" in capsys.readouterr().err
    image.write_bytes(kept)
    tifffile.imwrite(folder / "field_4.tif", field(100))
    with pytest.raises(SettingsError, match="the job names other images now"):
        golden.check(gold)


def test_a_damaged_last_image_is_found_before_the_first_is_measured(folder, tmp_path, monkeypatch):
    image = sorted(folder.glob("field_*.tif"))[-1]
    image.write_bytes(image.read_bytes()[:-500])
    monkeypatch.setattr(one_field, "measured_field", None)
    with pytest.raises(ReadError, match=image.name):
        golden.record([job(folder)], tmp_path / "kept")


def test_a_copy_does_not_need_the_images_any_more(folder, tmp_path):
    made = golden.record([job(folder)], tmp_path / "gold", copy=True)
    assert made.jobs[0].images[0].file == "steel/field_1.tif"
    for path in folder.iterdir():
        path.unlink()
    assert golden.check(tmp_path / "gold").verdict == "within tolerance"


def test_a_copy_of_what_lies_elsewhere_is_refused(folder, tmp_path):
    path = job(folder)
    (folder / "sub").mkdir()
    moved = folder / "sub" / "steel.toml"
    moved.write_text(path.read_text(encoding="utf-8").replace("field_*", "../field_*"), encoding="utf-8")
    with pytest.raises(SettingsError, match="lies outside the folder of the job"):
        golden.record([moved], tmp_path / "gold", copy=True)
    assert not (tmp_path / "gold").exists()


def test_a_folder_with_anything_else_is_never_replaced(folder, tmp_path):
    path = job(folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"other: holds notes\.txt and no list of what inspect_tool wrote"):
        golden.record([path], other)
    golden.record([path], tmp_path / "gold")
    golden.record([path], tmp_path / "gold")  # a record is replaced by a new one
    (folder / golden.FILE).write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds \S+, which is read; nothing is replaced: choose another folder"):
        golden.record([path], folder)
    assert len(list(folder.glob("*.tif"))) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no", "not a record of golden results"),
        ('{"schema": "x"}', "schema is 'x', this version reads"),
        ('{"schema": "inspect_tool/golden/1"}', "is missing"),
    ],
)
def test_what_is_no_record_is_said(text, message, tmp_path):
    (tmp_path / golden.FILE).write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        golden.check(tmp_path)


def test_your_own_masks_are_remembered_too(folder, tmp_path):
    for i, pixels in enumerate(DRAWN, start=1):
        tifffile.imwrite(folder / f"mask_{i}.png.tif", ((field(pixels) == 60) * 255).astype(np.uint8))
    path = folder / "own.toml"
    path.write_text(
        'recipe = "phase_fraction"\nimages = ["field_*.tif"]\nscale_bar = "off"\n[calibration]\nsource = "ratio only"\n'
        '[backend]\nname = "labels"\nmasks = ["mask_*.tif"]\n',
        encoding="utf-8",
    )
    golden.record([path], tmp_path / "gold", copy=True)
    found = golden.check(tmp_path / "gold")
    assert (found.verdict, found.jobs[0].masks_changed) == ("within tolerance", 0)
