"""Jobs that are run for a lab: what its defaults fill in, what the report says of it, and what is kept."""

import sqlite3
import tomllib

import numpy as np
import pytest
from lab_files import a_lab
from PIL import Image
from sqlalchemy import select
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import load_report, sha256_file
from inspect_tool.inspection.starter import Answers, starter_job
from inspect_tool.lab import database, defaults, objects, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.run import run
from inspect_tool.languages import said
from inspect_tool.model import Header
from inspect_tool.verify import verify

JOB = """\
recipe = "phase_fraction"
images = ["field.png"]
exports = ["json"]
{header}
[calibration]
pixel_um = 1.0
source = "stage micrometer"
[backend]
name = "threshold"
method = "fixed"
levels = [128.0]
classes = ["ferrite", "austenite"]
"""
HEADER = """
[header]  # of this order
heat = "H 7"
customer = ""  # who sent it
"""


@pytest.fixture
def lab(tmp_path):
    return a_lab(tmp_path / "lab")


def a_job(folder, header=HEADER, *, seed=1):
    folder.mkdir(exist_ok=True)
    gray = np.full((64, 64), 180.0)
    gray[16:48, 16:40] = 60
    gray += np.random.default_rng(seed).normal(0, 4, gray.shape)
    Image.fromarray(gray.astype(np.uint8)).save(folder / "field.png")
    (folder / "job.toml").write_text(JOB.format(header=header), encoding="utf-8")
    return folder / "job.toml"


def remembered(lab):
    with connected(lab, read_only=True) as connection:
        return connection.execute(select(tables.report)).all()


@pytest.fixture(scope="module")
def filled_report(tmp_path_factory):
    """A job of which the lab fills in two items, run with its image kept."""
    folder = tmp_path_factory.mktemp("filled")
    lab = a_lab(folder / "lab")
    defaults.change(lab, "customer", "Halden Pump Works")
    defaults.change(lab, "customer_contact", "S. Ferreira", "customer", "Halden Pump Works")
    return lab, run(a_job(folder / "work"), lab, keep=True)


# ------------------------------------------------------------------------------------------- a report from lab defaults


def test_the_report_names_what_nobody_stated_and_verifies(filled_report):
    lab, kept = filled_report
    assert kept.fault == ""
    report = load_report(kept.folder / "report.json")
    assert (report.header.customer, report.header.customer_contact) == ("Halden Pump Works", "S. Ferreira")
    assert report.header.heat == "H 7"
    (told,) = [one for one in report.statements if one.name.key == "inspection.of_defaults"]
    assert said(told.text, "en").endswith(f'"{lab.name}": Customer, Customer contact.')
    assert "Auftrag nicht angegeben" in said(told.text, "de")
    found = verify.verify(kept.folder)
    assert {one.part: one.state for one in found.findings if one.state == "differs"} == {}
    assert found.verified


def test_the_job_that_is_kept_is_the_one_that_was_run_and_that_of_the_user_is_left(filled_report):
    lab, kept = filled_report
    text = (kept.folder / "job.toml").read_text(encoding="utf-8")
    assert "# of this order" in text
    table = tomllib.loads(text)
    assert table["header"] == {"heat": "H 7", "customer": "Halden Pump Works", "customer_contact": "S. Ferreira"}
    assert table["defaults"] == {"lab": lab.name, "header": ["customer", "customer_contact"]}
    assert sha256_file(kept.folder / "job.toml") == kept.report.provenance.job_sha256
    own = lab.folder.parent / "work" / "job.toml"
    assert own.read_text(encoding="utf-8") == JOB.format(header=HEADER)


def test_the_lab_remembers_the_report_and_keeps_its_image(filled_report):
    lab, kept = filled_report
    (row,) = remembered(lab)
    assert (row.place, row.heat, row.customer) == ("reports/job", "H 7", "Halden Pump Works")
    image = kept.report.micrographs[0]
    data = objects.read(lab.folder, image.sha256)
    assert data == (lab.folder.parent / "work" / "field.png").read_bytes()
    masks = [mask.sha256 for mask in image.evidence.masks]
    assert masks
    for sha256 in masks:
        assert objects.read(lab.folder, sha256)


# ----------------------------------------------------------------------------------------------------- evidence first


@pytest.mark.parametrize("fault", ["locked", "damaged", "gone"])
def test_a_database_that_cannot_be_written_costs_no_report(lab, tmp_path, monkeypatch, fault):
    monkeypatch.setattr(database, "PATIENCE_S", 0.1)
    path = lab.folder / "lab.db"
    holder = sqlite3.connect(path, isolation_level=None)
    if fault == "locked":
        holder.execute("BEGIN IMMEDIATE")
    else:
        holder.close()
        path.write_bytes(b"no database " * 1000) if fault == "damaged" else path.unlink()
    job = a_job(tmp_path / "work")
    done = CliRunner().invoke(app, ["run", str(job), "--lab", str(lab.folder), "-q"])
    holder.close()
    assert done.exit_code == 2
    line = done.stderr.strip().splitlines()[-1]
    assert f"inspect-tool lab add {lab.reports / 'job'} --lab {lab.folder}" in line
    says = {"locked": "another program has been writing", "damaged": "lab rebuild", "gone": "lab rebuild"}[fault]
    assert says in line
    assert load_report(lab.reports / "job" / "report.json").header.heat == "H 7"


def test_a_lab_that_is_none_is_said_before_anything_is_measured(tmp_path):
    done = CliRunner().invoke(app, ["run", "job.toml", "--lab", str(tmp_path)])
    assert isinstance(done.exception, SettingsError)
    assert "is no lab" in str(done.exception)


def test_the_report_of_other_images_is_not_written_over(lab, tmp_path):
    first = run(a_job(tmp_path / "monday"), lab)
    again = run(tmp_path / "monday" / "job.toml", lab)  # of the same image: in its place
    assert [row.number for row in remembered(lab)] == [again.report.id]
    assert first.folder == again.folder
    with pytest.raises(OutputError, match=rf"holds {again.report.id} on other images \(heat H 7\).*another name"):
        run(a_job(tmp_path / "tuesday", seed=2), lab)
    other = run(tmp_path / "tuesday" / "job.toml", lab, tmp_path / "elsewhere")
    assert {row.place for row in remembered(lab)} == {"reports/job", str(other.folder)}


# ----------------------------------------------------------------------------------------------------------- defaults


@pytest.mark.parametrize(
    "header",
    [
        '[header]\nheat = "H 7"',
        "",
        'header = { heat = "H 7" }',
        'header.heat = "H 7"',
        "[header]\noperator = ''   # who measures\n\n[quality]\nfocus = { advised = 3.0 }",
        '[ header ]  # [header]\nremarks = """\n[header]\n"""',
        '[header]\r\nheat = "H 7"\r\n',
    ],
)
def test_however_a_job_is_written_it_says_the_same_and_what_was_filled_in(lab, tmp_path, header):
    defaults.change(lab, "operator", "P. Nowak")
    defaults.change(lab, "laboratory", 'North "1" \\ µ')
    job = tmp_path / "job.toml"
    plain = JOB.format(header="")
    text = plain + header if "[" in header else f"{header}\n{plain}"  # a key of the file stands before its tables
    job.write_bytes(text.encode())
    before = tomllib.loads(job.read_bytes().decode().replace("\r\n", "\n"))
    after = tomllib.loads(defaults.completed(lab, job).decode())
    added = {"operator": "P. Nowak", "laboratory": 'North "1" \\ µ'}
    told = {"lab": lab.name, "header": ["laboratory", "operator"]}
    assert after == {**before, "header": {**before.get("header", {}), **added}, "defaults": told}


def test_what_a_job_states_is_never_replaced(lab, tmp_path):
    defaults.change(lab, "customer", "Halden")
    job = tmp_path / "job.toml"
    job.write_text(JOB.format(header='[header]\ncustomer = "Brandt"'), encoding="utf-8")
    assert defaults.completed(lab, job) is None


def test_a_default_for_one_customer_comes_before_that_of_all_and_is_for_no_other(lab):
    defaults.change(lab, "sampling", "by us")
    defaults.change(lab, "sampling", "by the customer", "customer", "ACME")
    defaults.change(lab, "sampling", "by the microscope", "instrument", "SEM 2")
    found = defaults.read(lab)
    assert defaults.filled_in(found, Header(customer="ACME", instrument="SEM 2")) == {"sampling": "by the customer"}
    assert defaults.filled_in(found, Header(instrument="SEM 2")) == {"sampling": "by the microscope"}
    assert defaults.filled_in(found, Header(customer="Brandt")) == {"sampling": "by us"}
    defaults.change(lab, "sampling", "")
    defaults.change(lab, "sampling", "", "customer", "ACME")
    assert defaults.filled_in(defaults.read(lab), Header(customer="ACME")) == {}


@pytest.mark.parametrize("key", ["heat", "item", "date_of_work", "authorised_by", "deviations"])
def test_what_belongs_to_one_job_has_no_default_by_whatever_way(lab, key):
    with pytest.raises(SettingsError, match=f"'{key}' has no default: it belongs to one job"):
        defaults.change(lab, key, "x")
    (lab.folder / "defaults.toml").write_text(
        f'schema = "inspect_tool/lab_defaults/1"\n[header]\n{key} = "x"\n', encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=rf"defaults.toml: '{key}' has no default"):
        defaults.read(lab)


def test_defaults_are_set_shown_and_removed_on_the_command_line(lab):
    def call(*args):
        return CliRunner().invoke(app, ["lab", "defaults", *args, "--lab", str(lab.folder)])

    assert call("set", "laboratory", "Northfield").exit_code == 0
    assert call("set", "customer_contact", "M. Okafor", "--for", "customer=Brandt & Keller").exit_code == 0
    shown = call().stdout
    assert "laboratory           Northfield" in shown
    assert "M. Okafor   (for customer=Brandt & Keller)" in shown
    assert call("remove", "laboratory").exit_code == 0
    assert "Northfield" not in call("show").stdout
    for args, said_ in (
        (("remove", "laboratory"), "there is none of 'laboratory'"),
        (("set", "laboratry", "x"), "did you mean 'laboratory'"),
        (("set", "laboratory", "x", "--for", "heat=1"), "must be customer=NAME"),
    ):
        assert said_ in str(call(*args).exception)


def test_a_starter_job_of_a_lab_states_its_defaults():
    text = starter_job("porosity", answers=Answers(header={"laboratory": 'North "1"', "instrument": "SEM 2"}))
    header = tomllib.loads(text)["header"]
    assert (header["laboratory"], header["instrument"], header["customer"]) == ('North "1"', "SEM 2", "")
