"""``inspect-tool init`` on a terminal: a few answers make a job that runs."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from inspect_tool import registry
from inspect_tool.inspection import job_plan, job_run, one_field, starter_questions
from inspect_tool.inspection.starter import Answers, starter_job


def scripted(*given):
    """Answers in turn, and what was said between; an empty one takes what is offered."""
    rest, said = list(given), []

    def ask(question, default):
        said.append(question)
        return rest.pop(0) or default

    return ask, said.append, said, rest


def fields(folder: Path, count=2, **tags):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    for i in range(count):
        tifffile.imwrite(folder / f"field_{i + 1}.tif", rng.integers(0, 255, (60, 80), np.uint8), **tags)


def written(folder: Path, recipe: str, answers: Answers) -> job_plan.Plan:
    path = folder / "job.toml"
    path.write_text(starter_job(recipe, "job.toml", answers), encoding="utf-8")
    return job_run.check(path)


@pytest.mark.parametrize("recipe", registry.names("recipe"))
def test_the_answers_make_a_job_that_is_ready_to_run(tmp_path, recipe):
    fields(tmp_path / "images", 3)
    ask, say, _, rest = scripted("", "0,2252", "", "12,5", "drawing 4711")
    planned = written(tmp_path, recipe, starter_questions.answers(recipe, tmp_path, ask, say))
    assert rest == []
    assert planned.job.images == ("images/*.tif",)  # found without being typed
    assert len(planned.sources) == 3
    assert planned.job.calibration.pixel_um == 0.2252
    (limit,) = planned.requirements
    assert (limit.lower, limit.upper, limit.source) == (None, 12.5, "drawing 4711")


def test_the_scale_of_the_file_is_offered_and_used(tmp_path):
    fields(tmp_path, resolution=(2, 2), metadata={"unit": "um"}, imagej=True)
    ask, say, said, _ = scripted("*.tif", "", "3", "2", "4", "")
    found = starter_questions.answers("porosity", tmp_path, ask, say)
    assert any("the file says 0.5 um per pixel in field_1.tif" in line for line in said)
    assert "'2' is below the lower limit 3; type it as 2.5, without its unit" in said
    planned = written(tmp_path, "porosity", found)
    assert planned.job.calibration is None
    assert one_field.read_source(planned, planned.sources[0]).calibration.pixel_um == pytest.approx(0.5)


def test_no_scale_means_ratios_and_no_limit_means_no_verdict(tmp_path):
    fields(tmp_path)
    ask, say, said, _ = scripted("nowhere", "job.toml", '"field_1.tif"', "often", "", "much", "", "")
    found = starter_questions.answers("porosity", tmp_path, ask, say)
    assert any("'nowhere' does not exist" in line for line in said)
    assert "'often' is no number of um per pixel; type it as 0.2252" in said
    assert "'much' is no number; type it as 2.5, without its unit" in said
    planned = written(tmp_path, "porosity", found)
    assert planned.requirements == ()
    assert planned.job.calibration.source == "ratio only"


def test_the_recipe_is_asked_by_number_or_name():
    names = registry.names("recipe")
    ask, say, said, _ = scripted(str(len(names) + 1), "steel", "2")
    assert starter_questions.recipe(ask, say) == names[1]
    assert any("there is no 'steel'" in line for line in said)
    ask, say, _, _ = scripted(names[3])
    assert starter_questions.recipe(ask, say) == names[3]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_real_terminal_the_questions_are_asked_and_the_job_runs(tmp_path):
    import pty

    fields(tmp_path)
    try:
        child, terminal = pty.fork()
    except OSError as problem:
        pytest.skip(f"no pseudo-terminal here: {problem}")
    if child == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "inspect_tool", "init"])
    shown = b""
    for prompt, answer in (
        (b"number or name", b"3"),
        (b"pattern such as", b""),
        (b"stage micrometer", b"0.5"),
        (b"lower limit", b""),
        (b"upper limit", b"60"),
        (b"Who asks", b"drawing 1"),
    ):
        while prompt not in shown:
            shown += os.read(terminal, 4096)
        shown = b""
        os.write(terminal, answer + b"\n")
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"inspect-tool run job.toml --out reports" in shown
    assert len(job_run.check(tmp_path / "job.toml").sources) == 2
