"""Pages to a site: a folder of Markdown and a configuration, which MkDocs turns into HTML."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from doc_site import navigation, reference, written
from doc_site.navigation import DOCS, ROOT
from inspect_tool import __version__
from inspect_tool.paths import data_folder

_OWN = DOCS / "_site"
_SHOWN = ("*.png", "*.jpg", "*.svg", "*.json", "*.csv")
_BETWEEN_WORDS = r"""[\s\-./:,;="'()\[\]{}|]+"""  # of a search: a name with underscores is one word
_SLUGS = "slugs of GitHub"
_THEME = {
    "name": "material",
    "font": False,  # nothing is fetched
    "logo": "assets/logo.svg",
    "favicon": "assets/icon.svg",
    "features": [
        "navigation.tabs",
        "navigation.sections",
        "navigation.indexes",
        "navigation.prune",
        "navigation.top",
        "navigation.footer",
        "search.highlight",
        "search.suggest",
        "content.code.copy",
        "toc.follow",
    ],
    "palette": [
        {
            "media": "(prefers-color-scheme: light)",
            "scheme": "default",
            "primary": "custom",
            "accent": "custom",
            "toggle": {"icon": "material/weather-night", "name": "Dark"},
        },
        {
            "media": "(prefers-color-scheme: dark)",
            "scheme": "slate",
            "primary": "custom",
            "accent": "custom",
            "toggle": {"icon": "material/weather-sunny", "name": "Light"},
        },
    ],
}
_STRICT = {
    "nav": {"omitted_files": "warn", "not_found": "warn", "absolute_links": "warn"},
    "links": {"not_found": "warn", "anchors": "warn", "absolute_links": "warn", "unrecognized_links": "warn"},
}


def pages() -> dict[str, str]:
    """Every page of the site as Markdown: those that people write, and the reference."""
    found = {**written.pages(), **reference.pages()}
    return {**found, "decisions/index.md": written.decisions(found)}


def make(folder: Path, work: Path) -> None:
    """Write the site.

    Parameters
    ----------
    folder : Path
        Of the site; what is in it is replaced.
    work : Path
        For the pages on their way; what is in it is replaced.

    Raises
    ------
    ValueError
        A page stands nowhere in the navigation, or one that there is not does.
    CalledProcessError
        MkDocs found a link that leads nowhere; it said where.
    """
    shutil.rmtree(work, ignore_errors=True)
    text = pages()
    stage(text, work / "pages")
    config = work / "mkdocs.yml"
    config.write_text(_config(navigation.entries(text), os.path.relpath(folder, work)), "utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean", "--config-file", str(config)]
    silent = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # of its successor
    subprocess.run(command, check=True, env=silent)


def stage(text: dict[str, str], folder: Path) -> None:
    """Write pages, and what they show, into a folder."""
    for name, page in text.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(page, "utf-8")
    for pattern in _SHOWN:
        for path in DOCS.rglob(pattern):
            if "_site" not in path.parts:
                to = folder / path.relative_to(DOCS)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
    assets = folder / "assets"
    assets.mkdir()
    shutil.copytree(_OWN / "vendor", assets / "vendor")
    shutil.copyfile(_OWN / "logo.svg", assets / "logo.svg")
    shutil.copyfile(ROOT / "inspect_tool" / "web" / "static" / "icon.svg", assets / "icon.svg")
    (assets / "style.css").write_text(_colors() + (_OWN / "style.css").read_text("utf-8"), "utf-8")


def _config(nav: navigation.Entries, folder: str) -> str:
    """The configuration of MkDocs: JSON, which is YAML, with one tag that JSON has no word for; paths begin at it."""
    extensions = [
        "tables",
        "attr_list",
        "sane_lists",
        "pymdownx.superfences",
        {"pymdownx.highlight": {"use_pygments": True}},
        {"toc": {"permalink": True, "toc_depth": "1-3", "slugify": _SLUGS}},
    ]
    config = {
        "site_name": "inspect_tool",
        "site_description": "Micrographs and X-ray images in, numbers that can be defended out",
        "docs_dir": "pages",
        "site_dir": folder,
        "use_directory_urls": False,  # a page is a file: it opens without a server
        "copyright": f"inspect_tool {__version__}, Apache-2.0",
        "theme": _THEME,
        # what the search needs where there is no server, at hand and not fetched
        "extra": {"generator": False, "polyfills": ["assets/vendor/iframe-worker.js"]},
        "plugins": [{"search": {"separator": _BETWEEN_WORDS}}, "offline"],
        "markdown_extensions": extensions,
        "extra_css": ["assets/style.css"],
        "validation": _STRICT,
        "nav": nav,
    }
    slugs = '!!python/object/apply:pymdownx.slugs.slugify {"kwds": {"case": "lower"}}'
    return json.dumps(config, indent=1).replace(json.dumps(_SLUGS), slugs)


def _colors() -> str:
    """The colors of a report, as CSS."""
    template = tomllib.loads((data_folder("templates") / "inspection" / "template.toml").read_text("utf-8"))
    lines = [f"  --report-{name}: {value};" for name, value in template["colors"].items()]
    return "\n".join([":root {", *lines, "}", ""])
