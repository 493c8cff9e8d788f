"""Make the site: ``python -m doc_site [FOLDER]``, by default ``site`` of the repository."""

import subprocess
import sys
from pathlib import Path

from doc_site import site
from doc_site.navigation import ROOT

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    try:
        site.make(folder, ROOT / "build" / "site")
    except (ValueError, subprocess.CalledProcessError) as problem:
        sys.exit(str(problem))
    print(f"open {folder / 'index.html'}")
