"""Whatever stands in a job file or a report: it is taken, or refused in one line; nothing else ever comes out."""

import copy
import json
import math
import tomllib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_example import example

from inspect_tool import registry
from inspect_tool.errors import InspectError
from inspect_tool.files import dump_report, dump_toml, load_report
from inspect_tool.inspection import job_plan, one_field
from inspect_tool.inspection.starter import starter_job
from inspect_tool.paths import data_folder
from inspect_tool.report.render import render

TEMPLATE = data_folder("templates") / "inspection"
MANY = settings(max_examples=50, suppress_health_check=list(HealthCheck))

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        [0, -1, 2**63, 1e308, math.nan, math.inf, "", "\0", "../../etc/passwd", "a" * 5000, "=1+1", "[0-9"]
    ),
    st.text(max_size=30),
    st.lists(st.one_of(st.integers(), st.text(max_size=5), st.none()), max_size=4),
    st.dictionaries(st.text(max_size=8), st.integers(), max_size=3),
)


def places(value, path=()):
    """Every key and index of nested data."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(data, value, draw):
    """Data with one place replaced, removed or added to."""
    made = copy.deepcopy(data)
    path = draw(st.sampled_from(sorted(places(made), key=str)))
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    what = draw(st.sampled_from(["replace", "remove", "add"]))
    if what == "remove":
        del holder[path[-1]]
    elif what == "add" and isinstance(holder, dict):
        holder[draw(st.text(max_size=10))] = value
    else:
        holder[path[-1]] = value
    return made


def refused_or_taken(work):
    try:
        return work()
    except InspectError as error:
        message = str(error)
    assert message.strip()
    assert len(message.splitlines()) == 1
    assert message.encode()
    assert len(message) < 20_000
    return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("fuzz")
    tifffile.imwrite(made / "field_1.tif", np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8))
    return made


@MANY
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_job_file_of_anything(folder, content):
    (folder / "job.toml").write_bytes(content)
    assert refused_or_taken(lambda: job_plan.plan(folder / "job.toml")) is None


@pytest.mark.parametrize("recipe", registry.names("recipe"))
@settings(MANY, max_examples=25)
@given(st.data(), ODD)
def test_a_job_with_one_odd_value(folder, recipe, data, value):
    job = tomllib.loads(starter_job(recipe)) | {"requirements": [{"quantity": "x", "upper": 1.0, "source": "drawing"}]}
    job["calibration"]["pixel_um"] = 0.5
    job.setdefault("region", {"footer_px": 4, "rectangle": [0, 0, 20, 20]})
    job.setdefault("backend", {"name": "threshold", "threshold": 100})
    job.setdefault("settings", {"method": "abrams"})
    odd = changed(job, value, data.draw)
    try:
        text = dump_toml({key: item for key, item in odd.items() if item is not None})
    except TypeError:
        return  # TOML has no such key
    (folder / "job.toml").write_bytes(text.encode("utf-8", "surrogatepass"))

    def read():
        planned = job_plan.plan(folder / "job.toml")
        return [one_field.read_source(planned, source) for source in planned.sources]

    refused_or_taken(read)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    made = example(tmp_path_factory.mktemp("report"), fields=2, features=8, size=160, grains=12)
    return made.folder, json.loads(dump_report(made.report))


@pytest.mark.parametrize("language", ["\0", "xx", "de-AT", "../en", "a" * 5000, "=1+1", " "])
def test_a_report_of_a_language_that_there_are_no_words_of_is_shown_in_english(report, language):
    folder, plain = report
    path = folder / "report.json"
    path.write_text(json.dumps(plain | {"language": language}), encoding="utf-8")
    shown = render(load_report(path), folder, TEMPLATE, "screen")
    assert "Grain size" in shown


@settings(MANY, max_examples=100)
@given(st.data(), ODD)
def test_a_report_with_one_odd_value(report, data, value):
    folder, plain = report
    path = folder / "report.json"
    path.write_text(json.dumps(changed(plain, value, data.draw)), encoding="utf-8", errors="surrogatepass")

    def shown():
        found = load_report(path)
        return render(found, folder, TEMPLATE, "screen")

    refused_or_taken(shown)
