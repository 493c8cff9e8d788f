"""Validation files: what is written is read again, and what is wrong with one is said in one line."""

from dataclasses import replace
from datetime import date

import pytest

from inspect_tool.errors import SettingsError
from inspect_tool.studies.validation.measure import merged
from inspect_tool.validation import values
from inspect_tool.validation.values import FieldError, LabeledImages, ValidatedField, Validation


def validation(n: int = 20, **changed) -> Validation:
    """A validation whose errors are 0.1 to 0.1 n points, the i-th of image i."""
    made = Validation(
        schema=values.SCHEMA,
        name="own images",
        date=date(2026, 11, 28),
        person="A. Person",
        recipe="porosity",
        backend="threshold",
        settings={"phase": "dark", "method": "auto"},
        sources=(LabeledImages(name="own images", licence="own", images=n),),
        fields=tuple(
            ValidatedField(
                image=f"{i}.png",
                sha256=f"{i:064x}",
                parent=str(i),
                group="casting",
                features={"contrast": round(1.0 + 0.01 * i, 6), "share": -2.0},
                errors={"porosity_percent": FieldError(machine=round(5 + 0.1 * i, 6), truth=5.0, own_u=0.0)},
            )
            for i in range(1, n + 1)
        ),
    )
    return replace(made, **changed)


def test_a_validation_file_is_read_as_it_was_written(tmp_path):
    made = validation()
    path = tmp_path / "validation.toml"
    path.write_text(values.dump_validation(made), encoding="utf-8")
    assert values.load_validation(path) == made


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (values.SCHEMA, "inspect_tool/spec/1", "schema: got 'inspect_tool/spec/1', must be"),
        ('recipe = "porosity"', "recipe = 3", "recipe"),
        ('person = "A. Person"\n', "", "person"),
        ("contrast = 1.01", "contrast = nan", "got nan"),
        ("contrast = 1.01\n", "", r"fields\.1 \(2\.png\) features: are not those of the first image"),
        ('parent = "2"', 'parent = "2"\npixels = "AAAA"', "pixels"),
        ("own_u = 0.0", "own_u = -1.0", "own_u must not be negative, got -1"),
    ],
)
def test_what_is_wrong_with_a_validation_file_is_one_line(old, new, match, tmp_path):
    path = tmp_path / "validation.toml"
    text = values.dump_validation(validation(3))
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=match) as raised:
        values.load_validation(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("schema", values.BEFORE)
def test_a_file_of_before_is_read_and_makes_what_it_is_put_together_with_one_too(schema, tmp_path):
    path = tmp_path / "validation.toml"
    path.write_text(values.dump_validation(replace(validation(3), schema=schema)), encoding="utf-8")
    before = values.load_validation(path)
    assert before.schema == schema
    assert merged([validation(3), before], name="both").schema == schema
    assert merged([validation(3), validation(2)], name="both").schema == values.SCHEMA


def test_a_validation_without_images_is_refused(tmp_path):
    path = tmp_path / "validation.toml"
    path.write_text(values.dump_validation(validation(3, fields=())), encoding="utf-8")
    with pytest.raises(SettingsError, match="fields: is empty"):
        values.load_validation(path)


def test_validations_of_one_backend_go_together_and_keep_the_settings_that_they_share():
    other = validation(2, settings={"phase": "bright", "method": "auto"}, person="B. Other")
    both = merged([validation(3), other], name="both")
    assert both.settings == {"method": "auto"}
    assert len(both.fields) == 5
    assert both.person == "A. Person, B. Other"


def test_validations_of_two_backends_do_not_go_together():
    with pytest.raises(SettingsError, match="backend is 'unet', that of 'own images' is 'threshold'"):
        merged([validation(3), validation(3, backend="unet")], name="both")
