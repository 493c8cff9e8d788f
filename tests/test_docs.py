"""Documentation that shows code is run as shown."""

import re
from pathlib import Path

import pytest

from inspect_tool import registry
from inspect_tool.standards import editions

ROOT = Path(__file__).resolve().parent.parent


def blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize(
    ("page", "refusal"), [("tutorial", "give [calibration] pixel_um"), ("python", "has colors, 300 x 400 x 3")]
)
def test_a_page_of_python_runs_as_printed(page, refusal, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(ROOT / "docs" / f"{page}.md"):
        exec(compile(block, f"docs/{page}.md", "exec"), names)
    assert refusal in capsys.readouterr().out  # and what to do


@pytest.mark.parametrize("recipe", registry.names("recipe"))
def test_every_recipe_has_its_page(recipe):
    assert (ROOT / "docs" / f"{recipe}.md").is_file()
    assert f"docs/{recipe}.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_documented_editions_exist():
    named = set(
        re.findall(
            r"`((?:astm|iso|vdg|bdg|ipc)_\w+_(?:\d{4}|[a-z]))`",
            "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")),
        )
    )
    assert named <= set(editions.names())
