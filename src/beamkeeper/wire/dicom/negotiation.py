"""What we agree to: pure decisions on an association request, no I/O.

**SOP classes.** Every abstract syntax is taken except those of the standard's own services that are not
storage: private, retired and future storage classes must not be lost because a list was old. What is then
sent must be a C-STORE or a C-ECHO anyway.

**Transfer syntaxes.** What counts is that the sender can send what it has, without transcoding:

1. The first one it lists, whatever it is, private and encapsulated ones included.
2. Except among the three uncompressed ones. There the order says little (toolkits list all of them), so we
   take one that no earlier context for the same SOP class took: a sender with two contexts can then send
   Explicit and Implicit VR as they are. With equal chances Explicit VR Little Endian comes first, because
   Implicit VR loses the VR of private elements; Big Endian (retired) comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.wire.dicom.dimse import VERIFICATION_UID
from beamkeeper.wire.dicom.pdu import (
    APPLICATION_CONTEXT_UID,
    AnsweredContext,
    AssociateRequest,
    ContextResult,
    Rejection,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Sequence

_UNCOMPRESSED = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2")
"""Explicit VR Little Endian, Implicit VR Little Endian, Explicit VR Big Endian: our order."""

_DICOM_ROOT = "1.2.840.10008."
_SERVICES = (
    "1.2.840.10008.1.",  # commitment, directory, procedure logging; Verification is named above
    "1.2.840.10008.3.1.",  # modality performed procedure step, patient and study management
    "1.2.840.10008.4.2",  # storage service class
    "1.2.840.10008.5.1.1.",  # print management
    "1.2.840.10008.5.1.4.1.2.",  # query/retrieve
    "1.2.840.10008.5.1.4.31",  # modality worklist
    "1.2.840.10008.5.1.4.32",  # general purpose worklist
    "1.2.840.10008.5.1.4.33",  # instance availability notification
    "1.2.840.10008.5.1.4.37.",  # relevant patient information query
    "1.2.840.10008.5.1.4.41",  # product characteristics query
    "1.2.840.10008.5.1.4.42",  # substance approval query
)
"""Starts of SOP class UIDs that are services, not objects (PS3.6 table A-1, PS3.4)."""


WRONG_NAMES = frozenset({Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED, Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED})
"""Why somebody is turned away whom a line of the site file could let in."""


def refusal(
    request: AssociateRequest,
    *,
    ae_title: str,
    allowed_calling_ae_titles: Container[str],
    is_address_allowed: bool,
    is_busy: bool,
) -> Rejection | None:
    """Return why the association is refused, or None. First who it is, then whether there is room."""
    if not request.protocol_version & 1:
        return Rejection.PROTOCOL_VERSION_NOT_SUPPORTED
    if request.application_context_uid != APPLICATION_CONTEXT_UID:
        return Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED
    if request.called_ae_title != ae_title:
        return Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED
    if request.calling_ae_title not in allowed_calling_ae_titles or not is_address_allowed:
        return Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED
    if is_busy:
        return Rejection.LOCAL_LIMIT_EXCEEDED
    return None


def answer_contexts(request: AssociateRequest) -> tuple[AnsweredContext, ...]:
    """Return what becomes of each proposed context, in the order proposed."""
    taken: dict[str, set[str]] = {}
    answers = []
    for context in request.contexts:
        already = taken.setdefault(context.abstract_syntax_uid, set())
        syntax = choose_transfer_syntax(context.transfer_syntax_uids, already)
        result = ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED
        if is_kept(context.abstract_syntax_uid):
            result = ContextResult.ACCEPTANCE
            already.add(syntax)
        answers.append(
            AnsweredContext(
                context_id=context.context_id,
                result=result,
                abstract_syntax_uid=context.abstract_syntax_uid,
                transfer_syntax_uid=syntax,
            )
        )
    return tuple(answers)


def is_kept(abstract_syntax_uid: str) -> bool:
    """Return whether a context for this SOP class is accepted."""
    if abstract_syntax_uid == VERIFICATION_UID or not abstract_syntax_uid.startswith(_DICOM_ROOT):
        return True
    return not abstract_syntax_uid.startswith(_SERVICES)


def choose_transfer_syntax(offered: Sequence[str], taken: Collection[str]) -> str:
    """Return the transfer syntax to use for one context; `taken` are those earlier contexts got."""
    if offered[0] not in _UNCOMPRESSED:
        return offered[0]
    plain = [syntax for syntax in _UNCOMPRESSED if syntax in offered]
    return next((syntax for syntax in plain if syntax not in taken), plain[0])
