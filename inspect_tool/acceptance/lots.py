"""Lots: what the specimens of a sample say of their lot, by the numbers of a single sampling plan.

The plan is data of the job (n, Ac and Re, and who fixed them); no table of a standard is kept here.
"""

from collections.abc import Iterable, Sequence

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text
from inspect_tool.model import Conformity, Lot, LotVerdict, Requirement


def check(lot: Lot, specimens: Sequence[str], requirements: Sequence[Requirement], where: str) -> None:
    """Refuse a lot that could not be judged by its plan, before anything is measured.

    Parameters
    ----------
    lot : Lot
    specimens : sequence of str
        Names of the specimens of the job.
    requirements : sequence of Requirement
    where : str
        Starts the message.
    """
    n = lot.plan.n
    check_plan(lot, where)
    _refuse(
        where,
        (len(specimens) > n, f".plan.n: the job has {len(specimens)} specimens, the sample of the plan has {n}"),
        (not requirements, ": without a requirement no specimen can be judged; give [[requirements]] or a 'spec'"),
    )


def check_plan(lot: Lot, where: str) -> None:
    """Refuse a lot whose numbers are no single sampling plan of it; ``where`` starts the message."""
    plan = lot.plan
    _refuse(
        where,
        (not lot.id.strip(), ".id: is empty"),
        (plan.n < 1, f".plan.n: got {plan.n}, a sample has at least one specimen"),
        (lot.size < plan.n, f".size: {lot.size} items are fewer than the sample of {plan.n}"),
        (not 0 <= plan.ac < plan.n, f".plan.ac: got {plan.ac}, must be from 0 to {plan.n - 1}"),
        (plan.re != plan.ac + 1, f".plan.re: got {plan.re}, in single sampling it is Ac + 1 = {plan.ac + 1}"),
    )


def _refuse(where: str, *problems: tuple[bool, str]) -> None:
    for is_wrong, text in problems:
        if is_wrong:
            msg = f"{where} lot{text}"
            raise SettingsError(msg)


def verdict(lot: Lot, specimens: Sequence[str], conformities: Iterable[Conformity]) -> LotVerdict:
    """Judge a lot by its sample: accepted up to Ac nonconforming specimens, rejected from Re on.

    A specimen is nonconforming when it failed one requirement; it conforms when it passed all of them. All others are
    undecided: they settle the lot only where it comes out the same whichever way they fall.

    >>> from inspect_tool.model import SamplingPlan
    >>> plan = SamplingPlan(standard="ISO 2859-1", n=2, ac=0, re=1)
    >>> verdict(Lot(id="7", size=90, plan=plan), ("A",), ()).reason
    'the sample has 1 of 2 specimens, 0 nonconforming; undecided: A'
    """
    plan = lot.plan
    decisions: dict[str, set[str]] = {name: set() for name in specimens}
    for item in conformities:
        decisions.setdefault(item.specimen, set()).add(item.decision)
    bad = tuple(name for name, found in decisions.items() if "fail" in found)
    open_ones = tuple(name for name, found in decisions.items() if "fail" not in found and found != {"pass"})
    word: str
    counted = Text("acceptance.specimens_nonconforming", n_bad=len(bad), n_decisions=len(decisions))
    if len(decisions) < plan.n:
        word = "not decided"
        reason = Text("acceptance.lot_sample_incomplete", n_decisions=len(decisions), n=plan.n, n_bad=len(bad))
        if open_ones:
            reason += Text("acceptance.undecided_specimens", open_ones=", ".join(open_ones))
    elif len(bad) >= plan.re or len(bad) + len(open_ones) <= plan.ac:
        rejected = len(bad) >= plan.re
        word = "rejected" if rejected else "accepted"
        reason = (
            Text("acceptance.rejection_number", counted=counted, re=plan.re)
            if rejected
            else Text("acceptance.acceptance_number", counted=counted, ac=plan.ac)
        )
        if open_ones:
            reason += Text("acceptance.undecided_without_effect", open_ones=", ".join(open_ones))
    else:
        word, reason = (
            "not decided",
            Text(
                "acceptance.acceptance_number_still_open", counted=counted, ac=plan.ac, open_ones=", ".join(open_ones)
            ),
        )
    return LotVerdict(
        lot=lot,
        verdict=word,  # type: ignore[arg-type]
        reason=reason,
        inspected=len(decisions),
        nonconforming=bad,
        undecided=open_ones,
    )
