"""What is known of a stage micrometer before an image is measured; the command line makes its options of it."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from typing_extensions import Doc

from inspect_tool.options import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is known before an image is measured; what stays empty is "not stated"."""

    # lengths and dates are typed as texts
    pitch_um: Annotated[
        float, Doc("Distance of neighboring lines, the short ones counted: 10um."), Option("--pitch", text=True)
    ]
    expected_um: Annotated[
        float | None, Doc("Pixel size that is expected [um/px]; another is refused."), Option("--pixel")
    ] = None
    square: Annotated[bool, Doc("Known: one axis is enough."), Option("--square-pixels")] = False
    laboratory: Annotated[str, Doc("For the report.")] = ""
    instrument: Annotated[str, Doc("Name by which jobs find the file.")] = ""
    objective: Annotated[str, Doc("And the objective.")] = ""
    zoom: Annotated[float | None, Doc("Factor of the zoom.")] = None
    binning: Annotated[int | None, Doc("Of the camera."), Option(least=1)] = None
    camera: Annotated[str, Doc("For the report.")] = ""
    reference: Annotated[str, Doc("The micrometer and its number.")] = ""
    certificate: Annotated[str, Doc("Of the micrometer.")] = ""
    u_certificate_um: Annotated[
        float | None,
        Doc("Its standard uncertainty U/2 of the length seen: 0.15um."),
        Option("--u-certificate", text=True),
    ] = None
    issued: Annotated[date | None, Doc("Date of the certificate, YYYY-MM-DD."), Option(text=True)] = None
    due: Annotated[date | None, Doc("Last day of use, YYYY-MM-DD."), Option(text=True)] = None
    operator: Annotated[str, Doc("Who took the images.")] = ""
    made: Annotated[date | None, Doc("Of the calibration, YYYY-MM-DD; default today."), Option("--date", text=True)] = (
        None
    )
