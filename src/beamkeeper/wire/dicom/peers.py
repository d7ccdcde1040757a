"""Who we ask, how long we wait, and what the answers are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.wire.tls import TlsClient

PORT_MAX = 65535
_AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}\Z")
"""PS3.5 6.2: the default repertoire without backslash and control characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One DICOM application entity that answers queries."""

    ae_title: str
    host: str
    port: int
    tls: TlsClient | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be an address."""
        verify_ae_title(self.ae_title)
        if not 0 < self.port <= PORT_MAX:
            raise ConfigError(f"A DICOM port is between 1 and {PORT_MAX}, not {self.port}.")

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long we wait for a peer, seconds.

    Attributes
    ----------
    answer_s
        Between two answers of a query.
    pending_s
        Between two reports of a transfer; some archives send none until the end of a large study.
    query_s
        For all queries of one call together.
    transfer_s
        For one whole transfer.
    """

    connect_s: float = 10.0
    associate_s: float = 30.0
    answer_s: float = 60.0
    pending_s: float = 300.0
    query_s: float = 600.0
    transfer_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedObject:
    """One object a peer says it holds: an entry of the list that a copy is complete by."""

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    modality: str
    sop_class_uid: str = ""
    patient_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedPatient:
    """A patient of whom a peer holds treatment records.

    Attributes
    ----------
    name, sex
        Patient's Name and Sex as the peer answers them; "" when it does not.
    issuer_of_patient_id
        Issuer of Patient ID (0010,0021); "" when the peer does not say: many do not index it.
    last_treated_on
        Latest day its records carry; None when the peer indexes no date of them: then the patient
        is listed all the same, because leaving one out is the worse mistake.
    """

    patient_id: str
    name: str = ""
    birth_on: date | None = None
    sex: str = ""
    issuer_of_patient_id: str = ""
    study_instance_uids: tuple[str, ...] = ()
    last_treated_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStudy:
    """One study that holds treatment records.

    Attributes
    ----------
    instance_count
        How many objects it holds, of every kind; None when the peer does not count.
    """

    patient_id: str
    study_instance_uid: str
    instance_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOutcome:
    """What a peer says of one transfer; it counts its successes and does not name them.

    Attributes
    ----------
    status
        DIMSE status of the last answer: 0 for success, 0xB000 when some objects failed.
    comment
        The peer's own words, or ours for its status; "" on success.
    """

    completed: int
    failed: int
    warning: int
    failed_sop_instance_uids: tuple[str, ...] = ()
    status: int = 0
    comment: str = ""


def verify_ae_title(ae_title: str) -> None:
    """Raise ConfigError unless this can be an AE title (PS3.5 6.2)."""
    if not _AE_TITLE.match(ae_title) or not ae_title.strip():
        raise ConfigError(
            f"{ae_title!r} is no AE title: 1 to 16 ASCII characters, no backslash, not only blanks."
        )
