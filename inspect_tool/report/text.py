"""Numbers and units as the reader sees them: the one module that rounds and words.

A result is printed with its expanded uncertainty to two significant digits and its value to the
same decimal place (GUM 7.2.6). Every function gives plain text; templates use them as filters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from math import floor, isfinite, log10
from typing import Any

from inspect_tool.languages import ENGLISH, Text, is_known, joined, key_of, localized, reworded, said
from inspect_tool.model import Cell, ClassShare, Conformity, Rating, Requirement, Wording
from inspect_tool.report.digits import common_place, found_place, place_of, share_place, uncertainty_place

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NOT_STATED = Text("terms.not_stated")
NO_VALUE = "\N{EN DASH}"

_UNIT_TEXT = {
    "1": "",
    "G": "",  # the title of a result says which grain size number it is; G alone is ambiguous
    "um": "µm",
    "um2": "µm²",
    "mm2": "mm²",
    "cm2": "cm²",
    "in2": "in²",
    "px2": "px²",
    "1/um": "µm⁻¹",
    "1/mm": "mm⁻¹",
    "1/um2": "µm⁻²",
    "1/mm2": "mm⁻²",
    "1/cm2": "cm⁻²",
    "1/in2": "in⁻²",
    "x": "×",
    "deg": "°",
    "counts": Text("terms.counts"),
}

# endings of column names, longest first, and the unit they stand for
_ENDINGS = (
    ("_per_mm2", "1/mm2"),
    ("_per_um2", "1/um2"),
    ("_per_cm2", "1/cm2"),
    ("_per_in2", "1/in2"),
    ("_per_mm", "1/mm"),
    ("_per_um", "1/um"),
    ("_percent", "%"),
    ("_um2", "um2"),
    ("_mm2", "mm2"),
    ("_px2", "px2"),
    ("_deg", "deg"),
    ("_um", "um"),
    ("_mm", "mm"),
    ("_nm", "nm"),
    ("_px", "px"),
)
_SINGULAR = {"studies.points": "studies.point", "terms.counts": "terms.count"}
_ONE = re.compile(r"(?<![\d.])1$")  # behind its sign, if any
_ABBREVIATIONS = {"ecd": "ECD", "roi": "ROI", "ra": "RA", "ala": "ALA", "id": "ID", "s": "s", "nn": "NN"}
_FAR = 10.0  # times as far from the value as the other limit: its last digits would mean nothing
_MANY = 1000.0  # degrees of freedom
PLAIN = Wording()
"""Of pages that no recipe words."""


def number(value: float | None, digits: int = 4) -> str:
    """Print a number to so many significant digits, thousands apart, no trailing exponent.

    >>> number(12345.678)
    '12\\xa0350'
    >>> number(-0.012345)
    '−0.01234'
    """
    if value is None or not isfinite(value):
        return NO_VALUE
    if value == 0:
        return "0"
    place = digits - 1 - floor(log10(abs(value)))
    exact = Decimal(repr(float(value)))
    rounded = exact.quantize(Decimal(1).scaleb(-place), rounding=ROUND_HALF_EVEN)
    if abs(value) >= 1e9 or abs(value) < 1e-5:
        mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
        return f"{mantissa.replace('-', MINUS)}{NBSP}×{NBSP}10{_superscript(int(exponent))}"
    if isinstance(value, int) or float(value).is_integer():
        rounded = rounded if place < 0 else rounded.quantize(Decimal(1))
    return grouped(rounded)


def as_given(value: float | None) -> str:
    """Print a number as somebody wrote it: a limit is not rounded.

    >>> as_given(2.5), as_given(7.0), as_given(12500.0)
    ('2.5', '7', '12\\xa0500')
    """
    if value is None or not isfinite(value):
        return NO_VALUE
    exact = Decimal(f"{value:.12g}")
    return grouped(exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact.normalize())


def grouped(value: Decimal) -> str:
    """Print a decimal as it is: real minus sign, thousands apart from five digits on.

    >>> grouped(Decimal("-1234.50")), grouped(Decimal("12345.6"))
    ('−1234.50', '12\\xa0345.6')
    """
    text = f"{value:f}"
    sign, text = (MINUS, text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = text.partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", NBSP)
    if not (whole.strip("0") or rest.strip("0")):
        sign = ""
    return sign + whole + point + rest


def at_place(value: float, place: int) -> str:
    """Print a number to a decimal place.

    >>> at_place(12.3456, 2), at_place(45678.0, -2)
    ('12.35', '45\\xa0700')
    """
    return grouped(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-place), rounding=ROUND_HALF_EVEN))


def value_text(value: float | None, expanded_u: float | None = None) -> str:
    """Print a value to the place its uncertainty allows, or to four digits when it has none."""
    if value is None or not isfinite(value):
        return NO_VALUE
    if expanded_u is None or not isfinite(expanded_u) or expanded_u <= 0:
        return number(value)
    return at_place(value, uncertainty_place(expanded_u))


def uncertainty_text(expanded_u: float | None) -> str:
    """Print an uncertainty to two significant digits.

    >>> uncertainty_text(0.0234)
    '0.023'
    """
    if expanded_u is None or not isfinite(expanded_u):
        return NOT_STATED
    return at_place(expanded_u, uncertainty_place(expanded_u)) if expanded_u > 0 else "0"


def pm(
    value: float | None,
    expanded_u: float | None = None,
    unit: str = "1",
    limits: tuple[float, float] | None = None,
) -> str:
    """Print value ± U with its unit, or the value with its limits in brackets where these lie unevenly about it.

    >>> pm(12.3456, 0.2345, "%")
    '12.35\\xa0±\\xa00.23\\xa0%'
    >>> pm(7.9312, 0.2149, "G")
    '7.93\\xa0±\\xa00.21'
    >>> pm(25.13, 15.9, "um", (20.31, 41.03)), pm(25.13, 15.9, "um", (9.23, 41.03))
    ('25.1\\xa0(20.3\\xa0…\\xa041.0)\\xa0µm', '25\\xa0±\\xa016\\xa0µm')
    """
    if value is None or not isfinite(value):
        return NO_VALUE
    if uneven(value, expanded_u, limits):
        assert limits is not None
        return with_unit(_bracketed(value, limits), unit)
    text = value_text(value, expanded_u)
    if expanded_u is not None and isfinite(expanded_u):
        text += f"{NBSP}±{NBSP}{uncertainty_text(expanded_u)}"
    return with_unit(text, unit)


def uneven(value: float | None, expanded_u: float | None, limits: tuple[float, float] | None) -> bool:
    """Tell whether limits differ from value ± U by more than what is rounded away.

    >>> uneven(25.13, 15.9, (20.31, 41.03)), uneven(25.13, 15.9, (9.3, 41.03)), uneven(25.13, 15.9, None)
    (True, False, False)
    """
    if value is None or expanded_u is None or limits is None or not (isfinite(expanded_u) and expanded_u > 0):
        return False
    if not all(map(isfinite, (value, *limits))):
        return False
    rounded_away = 0.5 * 10.0 ** -uncertainty_place(expanded_u)
    low, high = limits
    return max(abs(value - expanded_u - low), abs(value + expanded_u - high)) > rounded_away


def _bracketed(value: float, limits: tuple[float, float]) -> str:
    """Value and limits to the place of the nearer one; one that lies ten times as far has a place of its own."""
    away = [abs(limit - value) for limit in limits]
    nearer = min(filter(None, away))
    place = uncertainty_place(nearer)
    low, high = (
        at_place(limit, place if far <= _FAR * nearer else uncertainty_place(far))
        for limit, far in zip(limits, away, strict=True)
    )
    return f"{at_place(value, place)}{NBSP}({low}{NBSP}…{NBSP}{high})"


def interval(low_high: tuple[float, float] | None, expanded_u: float | None = None, unit: str = "1") -> str:
    """Print an interval to the place of its uncertainty.

    >>> interval((12.1111, 12.58), 0.2345, "%")
    '12.11\\xa0…\\xa012.58\\xa0%'
    """
    if low_high is None:
        return NOT_STATED
    low, high = low_high
    return with_unit(f"{value_text(low, expanded_u)}{NBSP}…{NBSP}{value_text(high, expanded_u)}", unit)


def unit(name: str) -> str:
    """Print a unit as on paper; ratios and grain size numbers have none.

    >>> unit("um2"), unit("1/mm2"), unit("1")
    ('µm²', 'mm⁻²', '')
    """
    return _UNIT_TEXT.get(name, name)


def on_axis(words: str, name: str) -> str:
    """Name an axis with its unit in brackets; per area without a superscript minus, which few fonts have.

    >>> on_axis("Value", "1/mm2"), on_axis("Value", "1")
    ('Value [1/mm²]', 'Value')
    """
    plain = name.replace("mm2", "mm²").replace("um", "µm") if name.startswith("1/") else unit(name)
    return f"{words} [{plain}]" if plain else words


def with_unit(text: str, name: str) -> str:
    """Put a unit behind a number, with a space that does not break; the degree sign has none.

    >>> with_unit("≤ 0.1", Text("studies.points")), with_unit("≤ 1", Text("studies.points"))
    ('≤ 0.1\\xa0points', '≤ 1\\xa0point')
    """
    mark = unit(name)
    if not mark:
        return text
    if isinstance(mark, Text):
        single = _SINGULAR.get(mark.key) if _ONE.search(text) else None
        return Text("page.with_unit", number=text, unit=Text(single) if single else mark)
    return text + mark if mark == "°" else f"{text}{NBSP}{mark}"


def titled(title: str, name: str) -> str:
    """Name a quantity with its unit in brackets.

    >>> titled("Mean grain area", "um2"), titled("Grain size number", "G")
    ('Mean grain area [µm²]', 'Grain size number')
    """
    return Text("page.head_with_unit", head=title, unit=unit(name)) if unit(name) else title


def figure(printed: str) -> str:
    """Mark a number that is printed already, so that it gets the decimal sign of the language.

    >>> said(figure("0.25"), "de")
    '0,25'
    """
    return Text("page.number", number=printed)


def quantity(value: float | None, name: str, digits: int = 4) -> str:
    """Print a number with its unit, to significant digits."""
    return with_unit(short(value, digits), name) if value is not None and isfinite(value) else NO_VALUE


def percent(share: float | None, digits: int = 3) -> str:
    """Print a share of one as per cent."""
    return NOT_STATED if share is None else with_unit(short(100 * share, digits), "%")


def probability(p: float | None) -> str:
    """Print a probability as per cent; never a bare 0 or 100.

    >>> probability(0.97725), probability(0.99999), probability(1e-7)
    ('97.7\\xa0%', '>\\xa099.9\\xa0%', '<\\xa00.1\\xa0%')
    """
    if p is None:
        return NOT_STATED
    if p > 0.9995:
        return f">{NBSP}99.9{NBSP}%"
    if p < 0.0005:
        return f"<{NBSP}0.1{NBSP}%"
    return with_unit(at_place(100 * p, 1), "%")


def class_text(found: Rating) -> str:
    """Print the class of a result, how sure it is, and the other classes that are worth naming.

    >>> shares = ClassShare(name="6", probability=0.806), ClassShare(name="5", probability=0.194)
    >>> class_text(Rating(scale="size class", classes=shares))
    'size class 6 (P\\xa0=\\xa00.81); 5 (0.19)'
    """
    own, *others = found.classes
    if own.probability is None:
        return Text("page.class_unsure", scale=found.scale, name=own.name)
    p = _sureness(own.probability)
    first = Text("page.class_sure", scale=found.scale, name=own.name, p=p if p[0] in "<>" else f"={NBSP}{p}")
    return joined("; ", (first, *map(class_share, others)))


def class_share(found: ClassShare) -> str:
    """Print a class with its probability.

    >>> class_share(ClassShare(name="A02", probability=0.99998))
    'A02 (>\\xa00.99)'
    """
    return Text("page.class_other", name=found.name, p=_sureness(found.probability))


def _sureness(p: float | None) -> str:
    """Print a probability of one to two decimals; never a bare 0 or 1."""
    assert p is not None
    if p > 0.995:
        return f">{NBSP}0.99"
    return f"<{NBSP}0.01" if p < 0.005 else at_place(p, 2)


def small_p(p: float, digits: int = 3) -> str:
    """Print the p of a test behind its sign.

    >>> small_p(0.02346), small_p(1e-7)
    ('=\\xa00.0235', '<\\xa00.001')
    """
    printed = bare_p(p, digits)
    return printed if printed.startswith("<") else f"={NBSP}{printed}"


def bare_p(p: float, digits: int = 3) -> str:
    """Print the p of a test as a cell of a table holds it."""
    return f"<{NBSP}0.001" if p < 0.001 else short(p, digits)


def dof(value: float | None) -> str:
    """Print degrees of freedom: whole when whole, one decimal below 100; none means infinite, as do 1000 and more.

    From there on the Student factor is that of infinitely many to the three digits in which it is printed.

    >>> dof(4.0), dof(6.44), dof(None), dof(267383.4)
    ('4', '6.4', '∞', '∞')
    """
    if value is None or not isfinite(value) or value >= _MANY:
        return "∞"
    return at_place(value, 0) if value >= 100 or float(value).is_integer() else at_place(value, 1)


def stated(text: str | None) -> str:
    """Give the text, or "not stated" for an empty one."""
    return text.strip() if text and text.strip() else NOT_STATED


def day(value: date | str | None) -> str:
    """Print a date as 2026-03-09; an ISO time as 2026-03-09 14:05 UTC.

    >>> day("2026-03-09T14:05:11.2+00:00"), day(None)
    ('2026-03-09 14:05 UTC', 'not stated')
    """
    if value is None or value == "":
        return NOT_STATED
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M") + (" UTC" if value.utcoffset() is not None else "")
    if isinstance(value, date):
        return value.isoformat()
    if "T" not in value:
        return value
    try:
        return day(datetime.fromisoformat(value))
    except ValueError:
        return value


def relation(sign: str) -> str:
    """Print a relation.

    >>> relation(">=")
    '≥'
    """
    return {">=": "≥", "<=": "≤"}.get(sign, sign)


def limits(requirement: Requirement, name: str) -> str:
    """Print the limits of a requirement with the unit they are given in.

    >>> limits(Requirement(quantity="porosity_percent", upper=2.0), "%")
    '≤\\xa02\\xa0%'
    """
    mark = requirement.unit or name
    if requirement.lower is not None and requirement.upper is not None:
        return with_unit(f"{as_given(requirement.lower)}{NBSP}…{NBSP}{as_given(requirement.upper)}", mark)
    if requirement.lower is not None:
        return with_unit(f"≥{NBSP}{as_given(requirement.lower)}", mark)
    if requirement.upper is not None:
        return with_unit(f"≤{NBSP}{as_given(requirement.upper)}", mark)
    return stated(requirement.class_string)


def requirement_text(conformity: Conformity) -> str:
    """Name a requirement in one line: limits, class code, source."""
    asked = conformity.requirement
    text = limits(asked, conformity.unit)
    if asked.class_string and asked.class_string not in text:
        return Text("page.limits_of_class", limits=text, name=asked.class_string)
    return text


def rule(asked: Requirement | str) -> str:
    """Name the decision rule of a requirement for the reader, with its guard band or its rounding.

    A template of a laboratory may give the name of the rule alone, as templates of earlier versions did.

    >>> rule(Requirement(quantity="porosity_percent", upper=5.0, rule="simple", round_to=0.1))
    'Simple acceptance (ILAC-G8), rounded to 0.1 (ASTM E29)'
    """
    if isinstance(asked, str):
        return Text(f"page.rule_{asked}")
    name = Text(f"page.rule_{asked.rule}")
    if asked.rule != "simple":
        return Text("page.rule_with_band", rule=name, width=asked.guard_band.replace(" ", NBSP))
    if asked.round_to is not None:
        return Text("page.rule_rounded", rule=name, step=f"{asked.round_to:g}")
    return Text("page.rule_absolute", rule=name)


def rule_text(asked: Requirement) -> str:
    """Say what the decision rule of a requirement means, and its risk."""
    meaning = Text(f"page.rule_{asked.rule}_means")
    if asked.rule == "simple":
        return meaning
    if asked.guard_band == "U":
        return meaning + " " + Text("page.risk_accepted" if asked.rule == "guarded_binary" else "page.risk_both")
    return meaning + " " + Text("page.risk_of_band", width=asked.guard_band.replace(" ", NBSP))


def heading(column: str, wording: Wording = PLAIN) -> str:
    """Turn a column name into a head with its unit in brackets; other texts stay as they are.

    A recipe says in its ``wording`` how its columns are titled where their names do not tell it.

    >>> heading("area_um2"), heading("area_percent.pore"), heading("grains_per_mm2"), heading("Class")
    ('Area [µm²]', 'Area, pore [%]', 'Grains per area [mm⁻²]', 'Class')
    >>> heading("half_pixel_percent.pore", Wording(titles={"half_pixel": "Half a pixel"}))
    'Half a pixel, pore [%]'
    >>> heading("length_um.a", Wording(titles={"length_um.a": "Length of type A [µm]"}))
    'Length of type A [µm]'
    """
    if "." in column and column in wording.titles:
        return wording.titles[column]
    if is_known(f"columns.{column}") and column not in wording.titles:
        return Text(f"columns.{column}")
    if "[" in column:
        return re.sub(r"\[([^\]]+)\]", lambda found: f"[{unit(found[1])}]" if unit(found[1]) else found[0], column)
    if isinstance(column, Text) or len(column) == 1 or " " in column or not column.islower():
        return column
    stem, _, part = column.partition(".")
    mark, title = "", wording.titles.get(stem)
    for ending, name in _ENDINGS:
        if stem.endswith(ending) and stem != ending:
            stem, mark = stem.removesuffix(ending), unit(name)
            if ending.startswith("_per_"):
                stem += "_per_length" if name in ("1/mm", "1/um") else "_per_area"
            break
        if stem == ending[1:]:  # a column that is only called "percent"
            mark = unit(name)
            break
    text = title or wording.titles.get(stem) or _title(stem)
    if part:
        text = Text("page.head_of", head=text, part=term(part.replace("_", " ")))
    return Text("page.head_with_unit", head=text, unit=mark) if mark else text


def _title(stem: str) -> str:
    """Title of a column by the words of its name."""
    words = [_ABBREVIATIONS.get(word, word) for word in stem.split("_")]
    text = sentence(" ".join(filter(None, words)))
    key = key_of(text, "heads")
    return Text(key) if is_known(key) else text


def term(name: str) -> str:
    """Word a name that the program uses itself: a verdict, a kind of source, a class; any other text stays as it is.

    >>> term("conditional pass").key, term("phase of a customer")
    ('terms.conditional_pass', 'phase of a customer')
    """
    key = f"terms.{name.replace(' ', '_')}"
    return Text(key) if is_known(key) else name


def cell(value: Cell, digits: int = 4) -> str:
    """Print one cell of a table.

    >>> cell(True), cell(None), cell(3), cell(0.123456)
    ('yes', '–', '3', '0.1235')
    """
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return Text("terms.yes" if value else "terms.no")
    if isinstance(value, int):
        return grouped(Decimal(value))
    if isinstance(value, float):
        return number(value, digits)
    return value


def cell_at(value: Cell, uncertainty: Cell, language: str = ENGLISH) -> str:
    """Print one cell of a row to the place of the second significant digit of its uncertainty.

    >>> cell_at(12.3456, 0.2345), cell_at(0.2345, 0.2345), cell_at(150, 0.2345), cell_at(12.3456, None)
    ('12.35', '0.23', '150', '12.35')
    """
    if not isinstance(value, float):
        return said(cell(value), language)
    return localized(value_text(value, uncertainty if isinstance(uncertainty, float) else None), language)


def setting(value: object, digits: int = 6) -> str:
    """Print the value of a setting as it would stand in a job file, with at most so many digits.

    >>> setting({"level": 0.30000000000000004, "classes": ["a", "b"]})
    'level = 0.3, classes = a, b'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {setting(item, digits)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(setting(item, digits) for item in value)
    return "none" if value is None else value if isinstance(value, str) else str(value)


def column(
    values: Sequence[Cell], digits: int = 4, decades: float = 3.0, language: str = ENGLISH, *, percent: bool = False
) -> list[str]:
    """Print one column of a table: its numbers to one decimal place, so that they can be compared by eye.

    The largest number gets at most ``digits`` significant digits, no more than the scatter of the column lets mean
    something, and none gets zeros that it does not have. A column that spans more than so many decades is printed
    number by number, to three digits; of shares in per cent, what is nothing to the second digit of the largest is
    said to be less than that.

    >>> column([7.93, 0.0, -0.05]), column([12345.6, 0.5]), column([46.712, 44.951, 47.482])
    (['7.93', '0.00', '−0.05'], ['12\xa0300', '0.5'], ['46.7', '45.0', '47.5'])
    >>> column([0.0854, 0.00031], percent=True, decades=1.0)
    ['0.085', '<\xa00.001']
    """
    place = common_place(values, digits, decades, percent=percent)
    sizes = [abs(value) for value in values if isinstance(value, float) and isfinite(value) and value]
    last = share_place(max(sizes)) if percent and sizes and max(sizes) < 1e9 else None

    def printed(value: Cell) -> str:
        if not isinstance(value, float):
            return said(cell(value), language)
        return localized(_in_column(value, place, last, digits), language)

    return [printed(value) for value in values]


def _in_column(value: float, place: int | None, last: int | None, digits: int) -> str:
    """A number of a column to its common place, or to three digits, of which none lies behind a last place."""
    if not isfinite(value):
        return NO_VALUE
    if place is None and (last is None or not value or place_of(value, 3) <= last):
        return short(value, min(digits, 3))
    used = last if place is None else place
    assert used is not None
    printed = at_place(value, used)
    if value > 0 and not printed.strip("0."):
        return f"<{NBSP}{at_place(10.0**-used, used)}"
    return printed if place is not None or "." not in printed else printed.rstrip("0").rstrip(".")


def short(value: float | None, digits: int = 4) -> str:
    """Print a number to at most so many significant digits, without zeros at its end.

    >>> short(7.1), short(0.123456), short(88.0)
    ('7.1', '0.1235', '88')
    """
    printed = number(value, digits)
    if "." not in printed or "×" in printed:
        return printed
    return printed.rstrip("0").rstrip(".")


def sentence(text: str) -> str:
    """Begin with a capital letter, and leave the rest as it is.

    >>> sentence("result and U within the limits")
    'Result and U within the limits'
    """
    return text[:1].upper() + text[1:]


def glued(text: str) -> str:
    """Keep a number together with its sign and unit, so that no line breaks between them.

    >>> glued("shifted by ± 5 %, n = 4")
    'shifted by ±\\xa05\\xa0%, n\\xa0=\\xa04'
    """
    text = re.sub(r"(?<=\d) (?=(?:%|°|[µnm]?m[²³]?\b|px²?\b|×))", NBSP, text)
    text = re.sub(r"(?<=[±≥≤<>]) (?=\d)", NBSP, text)
    return re.sub(rf"[ {NBSP}]([=/×]) (?=[\d√])", rf"{NBSP}\1{NBSP}", text)


_UNITS_IN_PROSE = (
    (r"(?<=\d)(\s?)\bu(m[²23]?)\b", r"\1µ\2"),
    (r"\[um(2?)\]", r"[µm\1]"),
    (r"(?<![\w.])(px|[µnm]?m|cm)2\b", r"\1²"),
    (r"(?<=\d) deg\b", "°"),
    (r"(?<=[\d)]) x (?=\S)", " × "),
    (r"(?<![\w)]) x (?=\d)", " × "),
    (r"(?<=\d)x(?=[\s,;.)]|$)", "×"),
    (r"(?<=\d) 1/mm2\b", " mm⁻²"),
    (r"(?<=\d) 1/mm\b", " mm⁻¹"),
    (r" - (?=\d)", f" {MINUS} "),
    (r" -(?=[;,:]|$)", f" {MINUS}"),  # "threshold -"
    (r"\b(ASTM [A-Z]\d+)-(?:19|20)(\d\d)\b", r"\1-\2"),
    (r"\b(ISO(?:/IEC)? \d+)-((?:19|20)\d\d)\b", r"\1:\2"),
)


def prose(text: str) -> str:
    """Print the units, signs and editions of a sentence as on paper; what a sentence says stays.

    >>> prose("126.3 um wide, 9 px2, 45 deg, 2 x 3, ASTM E112-2013")
    '126.3\\xa0µm wide, 9\\xa0px², 45°, 2\\xa0×\\xa03, ASTM E112-13'
    """
    for pattern, printed in _UNITS_IN_PROSE:
        text = re.sub(pattern, printed, text)
    return glued(text)


def definition(text: str) -> str:
    """Give what is measured, without the identifier and version that stand in ``report.json``.

    >>> definition("grain_size_number.abrams/1: G of the mean"), definition("mean over fields/1")
    ('G of the mean', 'mean over fields')
    """
    return re.sub(r"/\d+$", "", re.sub(r"^[a-z][a-z0-9_.*]*/\d+: ", "", text))


def found(value: float | None, name: str, limit: float | None = None) -> str:
    """Print what a check found or asks: counts whole, other numbers to three digits; beside a limit none of them below
    a hundredth of its size, and never onto it.

    >>> found(1234.0, "1"), found(0.54015, "1"), found(4.7905, "%"), found(1.0, "fields")
    ('1234', '0.54', '4.79\xa0%', '1\xa0field')
    >>> found(0.0675, "%", 3.0), found(2.9996, "%", 3.0)
    ('0.07\xa0%', '2.9996\xa0%')
    >>> found(1224.0, "counts"), said(found(1224.0, "counts"), "de")
    ('1224\xa0counts', '1224\xa0Zählungen')
    """
    if value is None or not isfinite(value):
        return NO_VALUE
    place = found_place(value, limit) if limit is not None and not float(value).is_integer() else None
    if float(value).is_integer():
        count = as_given(value)
    elif place is None:
        count = short(value, 3)
    else:
        count = at_place(value, place)
        if not count.strip("0.-−"):
            count = f"<{NBSP}{at_place(10.0**-place, place)}" if value > 0 else "0"
        count = count.rstrip("0").rstrip(".") if "." in count else count
    if len(name) < 3:
        return with_unit(count, name)
    return _counted(count, value, unit(name.removesuffix("s")), str(unit(name)))  # 1 field


def asked(relation_sign: str, limit: float, name: str) -> str:
    """Print what a check asks; that something is not below 0 in words.

    >>> asked("<=", 3.0, "%"), asked(">=", 0.0, "days")
    ('≤\xa03\xa0%', 'not negative')
    """
    if not limit and relation_sign == ">=":
        return Text("page.not_negative")
    return joined("", (f"{relation(relation_sign)}{NBSP}", found(limit, name)))


def budget_u(u: float | None, combined: float | None) -> str:
    """Print a line of a budget to the third digit of the combined uncertainty, so that the lines can be added up.

    >>> budget_u(0.00866, 0.0765), budget_u(0.0000074, 0.0765), budget_u(0.0651, 0.0765), budget_u(0.0, 0.0765)
    ('0.0087', '<\xa00.0001', '0.0651', '0')
    """
    if u is None or not combined or not isfinite(u) or u >= combined or combined < 1e-5:
        return number(u, 3)
    place = max(0, place_of(combined, 3))
    printed = at_place(u, place)
    if printed.strip("0."):
        return printed
    return f"<{NBSP}{at_place(10.0**-place, place)}" if u else "0"


_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def in_xml(text: str) -> str:
    """Put a sign of replacement where a text has a character that no XML file may hold.

    >>> in_xml("bad \x01 sign")
    'bad \ufffd sign'
    """
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def hash_text(digest: str, length: int = 64) -> str:
    """Print a hash in groups of eight, so that it can be compared by eye and broken over lines; a part ends in dots.

    >>> hash_text("76df679615c76d1d3690467ea285a963", 16)
    '76df6796 15c76d1d …'
    """
    if not digest:
        return NOT_STATED
    shown = " ".join(digest[i : i + 8] for i in range(0, min(length, len(digest)), 8))
    return shown if length >= len(digest) else f"{shown} …"


def file_name(path: str) -> str:
    """Name of a file without its folders, whatever the separator."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def listed(items: tuple[str, ...] | list[str]) -> str:
    """Join names for a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return Text("page.listed", names=tuple(items)) if len(items) > 1 else "".join(items)


def plural(count: int, one: str, many: str = "") -> str:
    """Count something.

    >>> plural(1, "field"), plural(3, "field")
    ('1\\xa0field', '3\\xa0fields')
    """
    return _counted(grouped(Decimal(count)), count, one, many or one + "s")


def _counted(printed: str, count: float, one: str, many: str) -> str:
    """A number and what it counts, which takes the form that the language has for so many where it is a known word."""
    said = f"{printed}{NBSP}{one if count == 1 else many}"
    key = key_of(many, "counted")
    return Text(key, count=printed, n=count) if is_known(key) else said


def counted(count: int, many: str) -> str:
    """Count something that is named in the plural.

    >>> counted(1, "joints"), counted(40, "joints")
    ('1\\xa0joint', '40\\xa0joints')
    """
    many = reworded(many) if isinstance(many, Text) else many
    return plural(count, many.removesuffix("s"), many)


def css_string(text: str) -> str:
    """Quote a text for a style sheet, so that it can stand in a page margin."""
    safe = "".join(
        character if character.isalnum() or character in " .,:;()-_/" else f"\\{ord(character):x} "
        for character in text
        if character.isprintable() or character == NBSP
    )
    return f'"{safe}"'


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


_NUMBERS: Mapping[str, Callable[..., str]] = {
    "number": number,
    "as_given": as_given,
    "pm": pm,
    "value_text": value_text,
    "uncertainty_text": uncertainty_text,
    "interval": interval,
    "quantity": quantity,
    "percent": percent,
    "probability": probability,
    "class_text": class_text,
    "small_p": small_p,
    "bare_p": bare_p,
    "dof": dof,
    "limits": limits,
    "at_place": at_place,
    "requirement_text": requirement_text,
    "found": found,
    "budget_u": budget_u,
    "short": short,
}
_WORDS: Mapping[str, Callable[..., str]] = {
    "unit": unit,
    "stated": stated,
    "day": day,
    "relation": relation,
    "rule": rule,
    "term": term,
    "cell": cell,
    "sentence": sentence,
    "glued": glued,
    "prose": prose,
    "definition": definition,
    "setting": setting,
    "asked": asked,
    "hash_text": hash_text,
    "file_name": file_name,
    "listed": listed,
    "plural": plural,
    "counted": counted,
    "css_string": css_string,
}


def filters(language: str) -> dict[str, Callable[..., str]]:
    """The filters of a template, by name: numbers and words as a language writes them."""
    numbers = {name: partial(_number_in, language, make) for name, make in _NUMBERS.items()}
    words = {name: partial(_words_in, language, make) for name, make in _WORDS.items()}
    return {**numbers, **words, "running": str.lower if language == ENGLISH else str}


def _number_in(language: str, make: Callable[..., str], *args: Any, **more: Any) -> str:
    return localized(_words_in(language, make, *args, **more), language)


def _words_in(language: str, make: Callable[..., str], *args: Any, **more: Any) -> str:
    return said(make(*args, **more), language)
