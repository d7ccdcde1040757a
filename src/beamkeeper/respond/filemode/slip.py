"""The slip at the console: what the machine does not know when it treats from files, on one large page."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Final

from pypdf import PdfReader

from beamkeeper.protect.lists.page import identifiers, name_of
from beamkeeper.respond.filemode.release import CONTINUATION_UNKNOWN, DECIDES
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beamkeeper.respond.filemode.drop import BeamLeft, Drop

CAUTIONS_MAX: Final = 6
BEAMS_MAX: Final = 18
"""More would not fit on one page; how many are left out is said, and the folder's plan has them all."""
TIME_OUT: Final = (
    "The patient says name and birth date: they are those above and on the folder",
    "Fraction number said aloud by one, agreed by the other",
    "Plan, fields and MU on the screen are those above",
    "Set-up, accessories, image",
)
_SCALES: Final = (1.0, 0.85, 0.72, 0.62, 0.52)
_TEMPLATE = files(__package__).joinpath("slip.typ").read_bytes()


def slip_pdf(drop: Drop, zone: ZoneInfo) -> bytes:
    """Return the slip of a drop as PDF, as large as one page takes; the same drop gives the same bytes."""
    facts, made_at = slip_facts(drop, zone), int(drop.released_at.timestamp())
    pdf = b""
    for scale in _SCALES:
        pdf = set_pdf(_TEMPLATE, facts | {"scale": scale}, made_at=made_at)
        if len(PdfReader(BytesIO(pdf)).pages) == 1:
            break
    return pdf


def slip_facts(drop: Drop, zone: ZoneInfo) -> dict[str, object]:
    """Return what stands on the slip."""
    planned = "?" if drop.fractions_planned is None else drop.fractions_planned
    warned = [text for text in drop.cautions if text != CONTINUATION_UNKNOWN]  # it stands in the decision
    more = len(warned) - CAUTIONS_MAX
    more_beams = len(drop.beams) - BEAMS_MAX
    return {
        "drill": drop.is_simulator,
        "name": name_of(drop.patient),
        "identifiers": identifiers(drop.patient),
        "fraction": f"{drop.fraction_number} of {planned}",
        "kind": "FINISH A FRACTION THAT WAS BEGUN" if drop.is_continuation else "",
        "given": f"{drop.fractions_complete} of {planned} fractions complete before this session",
        "plan": drop.rt_plan_label or "(plan without label)",
        "machine": drop.treatment_machine_name,
        "folder": drop.folder,
        "uid": drop.plan_uid,
        "beams": [_beam(beam) for beam in drop.beams[:BEAMS_MAX]],
        "beams_left_out": f"and {more_beams} more beams" if more_beams > 0 else "",
        "continuation": _continuation(drop),
        "cautions": [
            *warned[:CAUTIONS_MAX],
            *([f"and {more} more: `filemode show`"] if more > 0 else []),
        ],
        "released": f"{drop.released_at.astimezone(zone):%A %Y-%m-%d %H:%M}",
        "people": list(drop.released_by),
        "reason": drop.reason,
        "number": drop.drop_id,
        "timeout": TIME_OUT,
        "decides": f"{DECIDES} Not a medical device.",
    }


def _beam(beam: BeamLeft) -> dict[str, str]:
    left = beam.left
    return {
        "number": str(beam.beam_number),
        "name": beam.beam_name,
        "planned": "not stated" if beam.planned is None else f"{beam.planned:.2f}",
        "delivered": f"{beam.delivered:.2f}",
        "left": "not known" if left is None else f"{left:.2f}",
        "unit": beam.unit,
    }


def _continuation(drop: Drop) -> str:
    if not drop.is_continuation:
        return ""
    return (
        f"Decided by {drop.physicist}: {drop.reason.rstrip('.')}. File Mode loads the whole plan and "
        "knows nothing of what was given; whether this console can go on with a beam is not known. The "
        "physicist is at the console before the beam."
    )
