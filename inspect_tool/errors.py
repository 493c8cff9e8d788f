"""Every error a user can meet, one class per thing the user must fix.

::

    InspectError                 the user must fix something: exit status 2, one line
    ├── ReadError                an image or table file cannot be read
    │   └── SeveralPlanesError   it holds several images, and nobody said which
    ├── CalibrationError         the scale is missing, untrusted, contradictory or unusable
    ├── SettingsError            a job file, a template or an option is wrong
    ├── StandardError            a standards file is wrong or does not have what was asked for
    ├── BackendError             a segmentation backend cannot work on this image
    ├── MeasurementError         a segmentation holds nothing that can be measured
    ├── ClusterError             the machines that shall measure are unlike this one
    │   └── NoClusterError       they are not there, or not any more
    └── OutputError              the report cannot be written

A message says where, what was found, and what to do, in one line. Anything that is not an
``InspectError`` is a bug of ours and ends with a traceback and exit status 1.
"""

import re

_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class InspectError(Exception):
    """The user must fix something; the message is one line that says where, what and how.

    Names and values of a user's file stand in messages: what would break the line, or cannot be printed, is escaped.

    >>> str(SettingsError("job.toml: unknown key 'a\\nb'"))
    "job.toml: unknown key 'a\\\\nb'"
    """

    def __init__(self, message: str = "") -> None:
        printed = _NOT_PRINTED.sub(lambda found: repr(found[0])[1:-1], message)
        self.reason = message if printed == message else printed
        """The message for a page: a sentence that a language has words for, where it was given as one."""
        super().__init__(self.reason)


class ReadError(InspectError):
    """An image, mask or table file cannot be read."""


class SeveralPlanesError(ReadError):
    """An image file holds several planes, and nobody said which one counts."""


class CalibrationError(InspectError):
    """The scale of an image is missing, untrusted, contradictory or unusable."""


class SettingsError(InspectError):
    """A job file, a template or a command-line option is wrong."""


class StandardError(InspectError):
    """A standards file is wrong, or does not have what a recipe asks for."""


class BackendError(InspectError):
    """A segmentation backend cannot be loaded, or cannot work on this image."""


class MeasurementError(InspectError):
    """A segmentation holds nothing that can be measured."""


class ClusterError(InspectError):
    """The machines that shall measure cannot be reached, see other files, or have other software."""


class NoClusterError(ClusterError):
    """There is nobody that could measure, whatever the job; it waits until they are back."""


class OutputError(InspectError):
    """The report cannot be written."""
