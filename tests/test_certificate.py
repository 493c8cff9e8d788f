"""The certificate: one or two pages that answer what, how much, by which rule and what it means for acceptance."""

import re
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import pikepdf
import pypdf
import pytest
from PIL import Image
from report_example import HEADER, example

from inspect_tool.acceptance.conformity import decide
from inspect_tool.languages import Text, said
from inspect_tool.model import Header, Lot, LotVerdict, SamplingPlan
from inspect_tool.paths import data_folder
from inspect_tool.report import certificate, dates, judged, render, text
from inspect_tool.report.exporters import pdf
from inspect_tool.verify import pages, pdf_check, pdf_compare

SHIPPED = data_folder("templates") / "inspection"
RUN = date(2026, 3, 9)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    return example(folder, fields=2, features=30, size=160, grains=12, layout="certificate")


@pytest.fixture(scope="module")
def many(made):
    """Ten specimens with twelve requirements each, one of them failed, and remarks without end."""
    report = made.report
    (requirement, *_) = [one.requirement for one in report.conformities]
    specimens = [f"S{i:02d}" for i in range(10)]
    results = [
        replace(
            report.results[0], specimen=specimen, quantity=f"grain_size_number.{number}", title=f"Quantity {number}"
        )
        for specimen in specimens
        for number in range(12)
    ]
    asked = [
        replace(requirement, quantity=one.quantity, lower=20.0 if i == 77 else 1.0) for i, one in enumerate(results)
    ]
    return replace(
        report,
        results=tuple(results),
        conformities=tuple(decide(one, ask) for one, ask in zip(results, asked, strict=True)),
        micrographs=tuple(replace(one, specimen=name) for name in specimens for one in report.micrographs),
        verdict="fail",
        conforming=False,
        checks=tuple(replace(one, specimen=name, passed=False) for name in specimens for one in report.checks),
        warnings=("A remark that goes over one line, since it says which fields show it and what can be done." * 2,)
        * 9,
    )


def printed(report, folder, out, **more):
    page = render.render(report, folder, SHIPPED, "print", **more)
    (folder / out).unlink(missing_ok=True)
    return pypdf.PdfReader(pdf.print_page(page, folder / out, SHIPPED, report.id, ()))


@pytest.fixture(scope="module")
def document(made):
    return printed(made.report, made.folder, "whole.pdf")


@pytest.fixture(scope="module")
def document_of_many(many, made):
    return printed(many, made.folder, "many.pdf")


@pytest.fixture(scope="module")
def german(made):
    return printed(made.report, made.folder, "german.pdf", language="de")


@pytest.fixture(scope="module")
def plain(made):
    """Nothing is asked for and nothing said of the item: a wide field has room on page 1."""

    def cut(name):
        wide = str(Path(name).with_stem(f"{Path(name).stem}_wide"))
        with Image.open(made.folder / name) as opened:
            opened.crop((0, 0, opened.width, int(0.6 * opened.width))).save(made.folder / wide)
        return wide

    fields = [replace(one, height_px=int(0.6 * one.width_px)) for one in made.report.micrographs]
    report = replace(
        made.report,
        header=Header(),
        conformities=(),
        micrographs=tuple(replace(one, picture=cut(one.picture), overlay=cut(one.overlay)) for one in fields),
    )
    return printed(report, made.folder, "plain.pdf")


def words(page):
    return " ".join(page.extract_text().replace("\xa0", " ").split())


def sizes(drawn, outer):
    """Sizes of the letters of a page or of a drawing on it, by what it says of fonts and of what enlarges them [pt]."""
    kept, inside, text, size = [], outer, np.eye(3), 0.0
    forms = drawn.get("/Resources", {}).get("/XObject", {})
    for operands, operator in pikepdf.parse_content_stream(drawn):
        numbers = [float(one) for one in operands] if str(operator) in ("cm", "Tm") else []
        if numbers:
            (a, b, c, d, e, f) = numbers
            matrix = np.array([[a, b, 0], [c, d, 0], [e, f, 1]])
        match str(operator):
            case "q":
                kept.append((inside, size))
            case "Q":
                inside, size = kept.pop()
            case "cm":
                inside = matrix @ inside
            case "Tm":
                text = matrix
            case "Tf":
                size = float(operands[1])
            case "Tj" | "TJ":
                yield size * float(np.linalg.norm((text @ inside)[1, :2]))
            case "Do" if forms[operands[0]].get("/Subtype") == "/Form":
                form = forms[operands[0]]
                (a, b, c, d, e, f) = (float(one) for one in form.get("/Matrix", [1, 0, 0, 1, 0, 0]))
                yield from sizes(form, np.array([[a, b, 0], [c, d, 0], [e, f, 1]]) @ inside)


def first_of_annex(document):
    """Index of the page on which the annex begins."""
    return document.get_destination_page_number(document.named_destinations["annex"])


@pytest.mark.parametrize("name", ["document", "document_of_many", "german", "plain"])
def test_a_certificate_has_at_most_two_pages_and_no_small_print(name, request):
    document = request.getfixturevalue(name)
    count = first_of_annex(document)
    assert count in (1, 2)
    with pikepdf.open(document.stream) as opened:
        for page in list(opened.pages)[:count]:
            assert min(sizes(page, np.eye(3))) > 8.99


@pytest.mark.parametrize("name", ["document", "document_of_many", "german", "plain"])
def test_the_room_for_signatures_is_on_page_1_below_all_words(name, request):
    document = request.getfixturevalue(name)
    room = document.named_destinations[pdf_compare.ROOM]
    assert document.get_destination_page_number(room) == 0
    _, low, right, high = pdf_compare.signature_box(float(room.left), float(room.top), 2)
    texts = []

    def visit(text, cm, tm, _font, _size):
        if text.strip():
            texts.append((cm[1] * tm[4] + cm[3] * tm[5] + cm[5], text.strip()))

    document.pages[0].extract_text(visitor_text=visit)
    assert [text for y, text in texts if low - 2 < y < high] == []
    assert right <= float(document.pages[0].mediabox.width) - 45
    assert low > 45


def test_the_field_stands_on_page_1_where_it_has_room_and_else_on_page_2(plain, document):
    for shown, first in ((plain, True), (document, False)):
        assert ("As measured" in words(shown.pages[0])) is first
        assert ("As measured" in words(shown.pages[1])) is not first


def test_page_1_says_what_how_much_by_which_rule_and_what_it_means(made, document):
    page = words(document.pages[0])
    shown = (
        *("Shaft 4711, drawing rev. B", "Turbine Works Ltd.", "Grain size", "ASTM E112-13", "issued 2026-03-09"),
        *(
            "ASTM grain size number G (Abrams)",
            "≥ 7",
            said(text.rule(made.report.conformities[0].requirement)).replace("\xa0", " "),
        ),
        said(certificate.reading(made.report)).replace("\xa0", " "),
    )
    for one in shown:
        assert " ".join(one.split()) in page, one
    assert made.report.digest in "".join(document.pages[1].extract_text().split())


def test_of_many_requirements_the_worst_come_first_and_the_rest_is_counted(many, document_of_many):
    page = words(document_of_many.pages[0])
    first = certificate.rows(many)[0]
    assert (first.specimen, first.conformity.decision) == ("S06", "fail")
    assert page.index("fail") < page.index("pass")
    assert f"{120 - certificate.MOST_ROWS} more requirements and results stand in the annex" in page
    assert "1 fail, 119 pass" in page
    assert page.count("Quantity ") == certificate.MOST_ROWS


def test_the_annex_begins_on_a_page_of_its_own_and_repeats_no_item_and_no_remark(made, document):
    report = replace(made.report, warnings=("A remark of nobody else.",))
    text = re.sub(r"<[^>]+>", " ", render.render(report, made.folder, SHIPPED, "print"))
    for said_once in ("A remark of nobody else.", HEADER.item, HEADER.preparation, "H 88123"):
        assert text.count(said_once) == 1, said_once
    assert "Annex to" in words(document.pages[first_of_annex(document)])
    assert "Annex to" not in words(document.pages[first_of_annex(document) - 1])


def test_where_the_result_lies_against_its_limits_stands_on_the_certificate_and_only_there(made, many):
    report = made.report
    front, annex = render.render(report, made.folder, SHIPPED, "print").split('<article class="annex"')
    of_limits = said(Text("page.strip_alt", title=report.results[0].title))
    assert (front.count(of_limits), annex.count(of_limits)) == (1, 0)
    assert annex.count('class="plate chart"') == len(report.charts)
    free = replace(report, conformities=(), verdict="no requirement")
    front, annex = render.render(free, made.folder, SHIPPED, "print").split('<article class="annex"')
    assert of_limits not in front
    assert f"<b>{report.charts[0].title}</b>" in front
    assert f"<b>{report.charts[0].title}</b>" not in annex
    worst = certificate.strips_of(certificate.rows(many), judged.strips(many), "en")
    assert {one.title for one in worst.values()} == {"Quantity 5"}  # its specimen S06 fails
    assert [len(one.rows) for one in worst.values()] == [4, 2, 1]
    assert all("S06" in {row.name for row in one.rows} for one in worst.values())


def links(document):
    """Page of every link, and the page that it leads to."""
    found = []
    for number, page in enumerate(document.pages):
        for one in page.get("/Annots", ()):
            note = one.get_object()
            assert note["/Subtype"] == "/Link"
            name = str(note["/Dest"])
            found.append((number, document.get_destination_page_number(document.named_destinations[name]), name))
    return found


def test_links_lead_from_the_contents_to_every_section_and_back_to_the_certificate(document):
    annex = first_of_annex(document)
    found = links(document)
    of_contents = {name for page, _, name in found if page == annex}
    sections = {name for name in document.named_destinations if name.startswith("annex-")}
    assert sections
    assert sections <= of_contents
    assert {target for _, target, name in found if name == "certificate"} == {0}
    for _, target, name in found:
        head = {"annex-provenance": "Provenance", "annex-results": "Results", "annex-checks": "Checks"}.get(name, "")
        assert head in words(document.pages[target])
    listed = dict(re.findall(r"(Provenance|Results|Checks)[ .]+(\d+)", words(document.pages[annex])))
    assert listed == {
        head: str(1 + next(target for _, target, name in found if name == f"annex-{head.lower()}"))
        for head in ("Provenance", "Results", "Checks")
    }


def test_links_keep_the_pdf_archival_and_are_nothing_foreign(made, document):
    data = (made.folder / "whole.pdf").read_bytes()
    assert pdf_check.structure(data, "whole.pdf") == ()
    assert pdf_check.tags(data, "whole.pdf") == ()
    assert list(pdf_compare.foreign(document, links=False)) == []


def test_an_annex_apart_is_a_file_without_data_that_bears_the_identification(made):
    report = replace(made.report, annex="apart")
    assert certificate.parts_of(report) == (("certificate", "report.pdf"), ("annex", "annex.pdf"))
    front, annex = (printed(report, made.folder, f"{part}.pdf", part=part) for part, _ in certificate.parts_of(report))
    assert len(front.pages) == 2
    assert "annex.pdf" in words(front.pages[1])
    assert links(front) == []
    for page in annex.pages:
        assert report.id in words(page)
    assert report.digest in "".join("".join(page.extract_text().split()) for page in annex.pages)
    assert {name for _, _, name in links(annex)} >= {"annex", "annex-results"}
    assert "certificate" not in annex.named_destinations


def test_a_certificate_contradicts_no_verdict_of_its_own_report(made, many, document, document_of_many, german):
    """Rules in words and the sentence on acceptance speak of other verdicts than the one that was given."""
    for report, shown in ((made.report, document), (many, document_of_many), (made.report, german)):
        assert pages.pdf_contradictions(report, shown) == []
        assert list(pages.missing(report, pages.pdf_words(shown), pages.pdf_language(shown, report))) == []


def test_a_verdict_that_is_forged_into_the_words_of_a_rule_is_seen(made):
    report = replace(made.report, verdict="fail", conformities=tuple(
        replace(one, decision="fail", reason="beyond the limit") for one in made.report.conformities
    ))  # fmt: skip
    assert list(pages._contradictions(report, ["Pass"])) != []
    assert list(pages._contradictions(report, ["inside every limit: pass"])) != []


def test_what_keeps_a_number_from_being_believed_stands_under_it_on_page_1(made):
    """Without a requirement and beside a failed one; a verdict that is open for it says so itself."""
    (item, *_) = made.report.conformities
    doubt, other, method = (
        replace(made.report.checks[0], name=name, scope=scope, passed=False, quantities=quantities, specimen="")
        for name, scope, quantities in (
            ("odd shape", "plausibility", (item.quantity,)),
            ("odd color", "plausibility", ("nothing that is shown",)),
            ("few fields", "method", ()),
        )
    )
    for decided, stands in (((), True), ((replace(item, decision="fail"),), True), ((decided_open(item),), False)):
        report = replace(made.report, conformities=decided, checks=(doubt, other, method))
        page = render.render(report, made.folder, SHIPPED, "print")
        front = re.sub("<[^>]+>", "", page[page.index('class="front"') : page.index('class="back"')])
        assert ("In doubt, as checks of plausibility are not met: Odd shape →" in front) is stands
        assert "Odd color" not in front


def decided_open(conformity):
    return replace(conformity, decision="undecided", reason="the result is doubtful: odd shape")


DECISIONS = ("pass", "fail", "undecided", "conditional pass", "conditional fail", "not stated", None)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_verdict_and_every_conformity_of_the_method_has_a_sentence_of_its_own(made, language):
    (item, *_) = made.report.conformities
    found = {}
    for decision, conforming in product(DECISIONS, (True, False, None)):
        judged = () if decision is None else (replace(item, decision=decision),)
        text = said(certificate.reading(replace(made.report, conformities=judged, conforming=conforming)), language)
        assert text.count(". ") == 0  # one sentence
        assert "certificate." not in text
        found[decision, conforming] = text
    assert len(set(found.values())) == len(found)
    if language == "en":
        supported = {key for key, text in found.items() if text.startswith("Acceptance is supported")}
        assert supported == {("pass", True), ("pass", None)}
        assert "customer's agreement" in found["pass", False]
        assert "1 of 4 checked rules of the method (ASTM E112-13) was not kept" in found["pass", False]
        refused = {decision for (decision, _), text in found.items() if text.startswith("Acceptance is not supported")}
        assert refused == {"fail", "conditional fail"}


@pytest.mark.parametrize(
    ("decisions", "begin", "count"),
    [
        (("pass", "fail", "undecided"), "Acceptance is not supported", "1 of 3 requirements"),
        (("pass", "undecided", "conditional pass"), "Neither acceptance nor rejection", "2 of 3 requirements"),
        (("conditional pass", "pass", "pass"), "Acceptance carries a risk", "1 of 3 requirements"),
        (("conditional pass", "conditional fail", "pass"), "Acceptance is not supported, and rejection", "2 of 3"),
    ],
)
def test_the_worst_verdict_decides_what_a_report_means(made, decisions, begin, count):
    (item, *_) = made.report.conformities
    judged = tuple(replace(item, decision=decision) for decision in decisions)
    text = said(certificate.reading(replace(made.report, conformities=judged)))
    assert text.startswith(begin)
    assert count in text


@pytest.mark.parametrize("verdict", ["accepted", "rejected", "not decided"])
def test_of_a_lot_the_sentence_speaks_of_the_lot(made, verdict):
    lot = Lot(id="L 7", size=90, plan=SamplingPlan(standard="ISO 2859-1", n=5, ac=0, re=1))
    judged = LotVerdict(lot=lot, verdict=verdict, reason="x", inspected=5, nonconforming=(), undecided=())
    for conforming in (True, False, None):
        text = said(certificate.reading(replace(made.report, lot=judged, conforming=conforming)))
        assert "lot L 7" in text
        assert text.startswith({"accepted": "Acceptance of", "rejected": "Acceptance of"}.get(verdict, "Neither"))
        assert ("is not supported" in text) is (verdict == "rejected")


# ------------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("stated", "wrong"),
    [
        ({}, None),
        ({"date_of_work": "2026-03-09"}, []),
        ({"date_received": "2026-03-02", "date_of_work": "2026-03-09", "date_of_issue": "2026-03-10"}, []),
        ({"date_of_work": "2026-03-10"}, []),  # in New Zealand
        ({"date_of_work": "2026-03-11"}, [("date_of_work", "2026-03-11", "date_of_run", "2026-03-09")]),
        (
            {"date_of_work": "2026-03-06", "date_of_issue": "2026-03-05"},
            [
                ("date_of_work", "2026-03-06", "date_of_issue", "2026-03-05"),
                ("date_of_run", "2026-03-09", "date_of_issue", "2026-03-05"),
            ],
        ),
        (
            {"date_received": "2026-03-07", "date_of_work": "2026-03-06"},
            [("date_of_receipt", "2026-03-07", "date_of_work", "2026-03-06")],
        ),
        ({"date_of_work": "early in March", "date_received": "2026-03-09"}, []),
    ],
)
def test_dates_that_cannot_be_true_together_are_a_check(stated, wrong):
    found = dates.date_checks(Header(**stated), RUN)
    if wrong is None:
        assert found == ()
        return
    (check,) = found
    assert check.scope == "consistency"
    assert check.passed is (not wrong)
    assert check.value == len(wrong)
    told = [one.values for one in check.note.values["wrong"]] if wrong else []
    assert [(one["first"].key, one["first_day"], one["then"].key, one["then_day"]) for one in told] == [
        (f"report.{first}", day, f"report.{then}", other) for first, day, then, other in wrong
    ]


def test_the_day_of_issue_is_that_of_the_job_or_else_that_of_the_run(made):
    assert dates.day_of_issue(Header(), RUN) == "2026-03-09"
    assert dates.day_of_issue(Header(date_of_issue="2026-03-12"), RUN) == "2026-03-12"
    assert made.report.issued == "2026-03-09"
    assert made.report.id.split("-")[1] == made.report.issued.replace("-", "")
    assert not any("7.8.2.1 j" in item for item in made.report.not_stated)
