"""Inspections of the workbench and the queue: sent there, canceled, tried again."""

from inspect_tool.batch import queue
from inspect_tool.batch.work import put_in
from inspect_tool.errors import SettingsError
from inspect_tool.lab import inspections
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.users import Person


def send(lab: Lab, person: Person, name: str) -> int:
    """Put an inspection into the queue, also one that failed or was canceled; gives its id there.

    The person is the user of its run in the audit trail.

    Raises
    ------
    SettingsError
        There is no such inspection, it is under way, or something is wrong with its job.
    """
    with connected(lab) as connection:
        asked = inspections.by_name(lab, connection, name)
        if asked.state in ("waiting", "measuring"):
            msg = f"inspection '{name}': is in the queue already, sent by {asked.by}"
            raise SettingsError(msg)
        inspections.change(connection, name, person=person)  # before a worker can take it
    taken = put_in(lab, [queue.order(asked.job, lab.reports, name)])
    if fault := taken.faults.get(name):
        raise SettingsError(fault)
    (work,) = taken.works
    with connected(lab) as connection:
        inspections.change(connection, name, work=work.id)
    return work.id


def cancel(lab: Lab, name: str) -> None:
    """Cancel an inspection that waits or is measured.

    Raises
    ------
    SettingsError
        There is no such inspection, or it has ended.
    """
    with connected(lab) as connection:
        asked = inspections.by_name(lab, connection, name)
        if asked.work is None or not queue.cancel(connection, [asked.work]):
            msg = f"inspection '{name}': is {asked.state} and cannot be canceled"
            raise SettingsError(msg)
