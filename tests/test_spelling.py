"""One spelling, the American one, wherever the project writes; names that others rely on keep theirs."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("inspect_tool", "docs", "templates", "samples", "tests", "benchmarks", "changelog.d", "*.md", "*.toml")
SUFFIXES = {".py", ".md", ".toml", ".html", ".j2", ".css", ".js", ".json"}

BRITISH = re.compile(
    r"centre|neighbour|(?<!n)colour|grey|behaviour|favour|honour|vapour|metre(?=s?\b)|fibre|labell(?!a)|modell(?!m)"
    r"|cancell(?!at)|travell|levell|artefact|judgement|aluminium|sulphur|analys(?=ed?\b|ing)|fulfil(?!l)|towards"
    r"|(?:normal|author|recogn|organ|real|optim|minim|maxim|summar|standard|character|initial|serial|visual|binar"
    r"|digit|quant|categor|general|util|equal|random|local|homogen|special|polar)is(?=e|ing\b|ation)",
    re.IGNORECASE,
)
# "licence" is a key of model cards and of files of errors, and is written so in sentences about them too
CONTRACTS = re.compile(
    r"pore_neighbour_ratio_min|pore_neighbour_diameter|neighbour_gap|neighbour_ratio|[\"'`]neighbour[\"'`]|^neighbour ="
    r"|\bauthorised_by|Authorised By|aria-labelledby|Optimising-LPBF|Modelling"  # of headers, of HTML, titles
    r"|[\"'`/.({ ]fibres?[\"'`/.@}]|\w*fibre_(?:percent|diameter|count|tilt)\w*|\w+_fibres\b|samples/fibres"
    r"|\bfibres(?= \|| import|:)"
    r"|^fibres$|[,:] fibres,|demo fibres"  # the recipe and its quantities
    r"|[\"'](?:micro|nano|milli)?metres?[\"']|colour = 1|header\.colour|'colour'|colour: unknown"  # what users write
    r"|CancelledError"  # of Python
    r"|\"--organisation\""  # beside --organization
)
THEIRS = (
    "tests/test_spelling.py",
    "inspect_tool/web/static/vendor/",  # as it was published
    "inspect_tool/languages/de/",  # another language
    "inspect_tool/languages/report_1/",  # the words of earlier reports
    "inspect_tool/languages/en/editions.toml",  # titles as the files of the standards word them
    "inspect_tool/validation/data/",  # measured files, known by their hash
    "inspect_tool/models/",
)


def british(text):
    """Lines with a British word that is no contract, and the word."""
    for number, line in enumerate(text.splitlines(), 1):
        if BRITISH.search(line) and (found := BRITISH.search(CONTRACTS.sub("", line))):
            yield number, found[0]


def test_the_project_writes_american():
    files = {path for place in PLACES for path in ROOT.glob(place)}
    files |= {path for folder in files if folder.is_dir() for path in folder.rglob("*")}
    wrong = [
        f"{name}:{number}: {word}"
        for path in sorted(files)
        if path.suffix in SUFFIXES and path.is_file()
        if not (name := path.relative_to(ROOT).as_posix()).startswith(THEIRS)
        for number, word in british(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_a_british_word_is_found_and_a_contract_is_not():
    text = (
        'the centre of gravity\nvalues["pore_neighbour_ratio_min"]\nNeighbouring grains, normalised\nparallel analysis'
    )
    assert list(british(text)) == [(1, "centre"), (3, "Neighbour")]
