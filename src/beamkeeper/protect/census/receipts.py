"""The receipts that the RayStation script leaves: which approved plan was sent where, and how urgent it is.

The format is documented in docs/formats/raystation-receipt.md; this module is its only reader. The folder is
open to every planner's account, so nothing in it is believed but what has the shape of a receipt.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, ValidationError

from beamkeeper.clock import local_instant
from beamkeeper.domain.chart import PlanExport, Triage
from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

RECEIPT_BYTES_MAX = 1_000_000
RECEIPTS_MAX = 50_000
"""Of one folder within the days that count: ten times what 30 plans a day to five places leave in 60 days."""
NAMES_SHOWN_MAX = 5
CLOCKS_APART_MAX = timedelta(hours=26)
"""A receipt that was written later than this from now was not written yet."""

_NAME = re.compile(r"[0-9a-f]{32}\.json")
_Line = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Words = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Text = Annotated[str, Field(max_length=2000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One export of one beam set to one place.

    Attributes
    ----------
    triage
        What the button asked; None when nobody gave a code.
    """

    patient_id: str
    patient_name: str
    approved: bool
    export: PlanExport
    triage: Triage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """What lies in a folder.

    Attributes
    ----------
    problems
        Why something there is no receipt, in sentences that name no patient.
    """

    receipts: tuple[Receipt, ...]
    problems: tuple[str, ...] = ()


def read_receipts(folder: Path, *, since: datetime, now: datetime, zone: ZoneInfo) -> Receipts:
    """Return the receipts written since an instant; one that cannot be read is said and stops no other.

    Raises
    ------
    SourceUnavailable
        The folder is not there.
    SourceAnswerInvalid
        It holds more than any department writes.
    """
    found: list[Receipt] = []
    refused: list[str] = []
    foreign = 0
    for name in _names(folder, since):
        if not _NAME.fullmatch(name):
            foreign += not name.endswith(".part")
            continue
        if len(found) >= RECEIPTS_MAX:
            raise SourceAnswerInvalid(
                f"The folder of receipts holds more than {RECEIPTS_MAX}.",
                do_next="Find out who writes there; receipts older than a year can be removed.",
            )
        try:
            receipt = _read(folder / name, zone)
        except (OSError, ValueError, RecursionError) as error:
            refused.append(f"{name} ({_why(error)})")
            continue
        if receipt.export.exported_at > now + CLOCKS_APART_MAX:
            refused.append(f"{name} (it is from the future)")
        elif receipt.export.exported_at >= since:
            found.append(receipt)
    found.sort(key=lambda one: (one.export.exported_at, repr(one)))
    return Receipts(receipts=tuple(found), problems=tuple(_problems(refused, foreign)))


def _names(folder: Path, since: datetime) -> list[str]:
    """Return the names of what was written lately, sorted; the time of a file only spares us opening it."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.stat(follow_symlinks=False).st_mtime >= (since - CLOCKS_APART_MAX).timestamp()
            )
    except OSError as error:
        raise SourceUnavailable(
            f"The folder of receipts cannot be read ({type(error).__name__}).",
            do_next="Mount the share, or mend `path` of this source in the site file.",
        ) from error


def _read(path: Path, zone: ZoneInfo) -> Receipt:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as source:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is no file")
        text = source.read(RECEIPT_BYTES_MAX + 1)
    if len(text) > RECEIPT_BYTES_MAX:
        raise ValueError(f"it is larger than {RECEIPT_BYTES_MAX} bytes")
    written = _Written.model_validate(json.loads(text))
    if written.receipt != path.name.removesuffix(".json"):
        raise ValueError("its name is another's")
    return written.understood(zone)


def _why(error: OSError | ValueError | RecursionError) -> str:
    """Return why a file is no receipt without quoting it: it may hold a patient's name."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        where = sorted({str(problem["loc"][0]) if problem["loc"] else "it" for problem in problems})
        known = [key if key in _Written.model_fields else "another key" for key in where]
        return f"wrong: {', '.join(dict.fromkeys(known))}"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "no JSON"
    return str(error) if type(error) is ValueError else type(error).__name__


def _problems(refused: list[str], foreign: int) -> list[str]:
    said = []
    if refused:
        more = f" and {len(refused) - NAMES_SHOWN_MAX} more" if len(refused) > NAMES_SHOWN_MAX else ""
        names = "; ".join(refused[:NAMES_SHOWN_MAX])
        said.append(f"{len(refused)} receipts cannot be read: {names}{more}.")
    if foreign:
        said.append(f"{foreign} other files lie among the receipts.")
    return said


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Triage(_Section):
    code: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[^\x00-\x1f\x7f]+$")]
    reason: _Line = ""
    given_by: _Name = ""
    given_at: AwareDatetime


class _Written(_Section):
    format: Literal[1]
    kind: Literal["beamkeeper raystation receipt"]
    receipt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    mode: Literal["button", "scheduled"]
    written_at: AwareDatetime
    patient_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f\\]+$")]
    patient_name: Annotated[str, Field(max_length=324, pattern=r"^[^\x00-\x1f\x7f\\]*$")]
    case: _Name
    plan: _Name
    beam_set: _Words
    approval: _Name
    reviewer: _Name
    reviewed_at: NaiveDatetime | Literal[""]
    destination: _Words
    result: Literal["exported", "exported despite warnings", "failed"]
    error: _Text
    comment: _Text
    warnings: Annotated[tuple[_Text, ...], Field(max_length=100)]
    notifications: Annotated[tuple[_Text, ...], Field(max_length=100)]
    triage: _Triage | None

    def understood(self, zone: ZoneInfo) -> Receipt:
        """Return the receipt as the program knows it; RayStation's times are of the site's wall."""
        at = self.reviewed_at
        error = " ".join(self.error.split()) or "it gave no reason"
        return Receipt(
            patient_id=self.patient_id.strip(),
            patient_name=self.patient_name,
            approved=self.approval == "Approved",
            export=PlanExport(
                case=self.case,
                plan_name=self.plan,
                rt_plan_label=self.beam_set,
                destination=self.destination,
                exported_at=self.written_at.astimezone(UTC),
                reviewed_at=local_instant(at.date(), at.time(), zone) if isinstance(at, datetime) else None,
                error=error if self.result == "failed" else "",
            ),
            triage=Triage(
                code=self.triage.code,
                reason=self.triage.reason,
                given_by=self.triage.given_by,
                given_at=self.triage.given_at.astimezone(UTC),
            )
            if self.triage
            else None,
        )
