"""What is found at a destination of plain copies, in plain words, each with what to do; no patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.protect.copies.outcome import Problem, ProblemKind

if TYPE_CHECKING:
    from beamkeeper.protect.copies.routing import Routed
    from beamkeeper.vault import StoredObject

PLACES_SHOWN_MAX = 3


def called(item: StoredObject) -> str:
    """Return how an object is named to people."""
    return f"{item.modality or 'object'} {item.sop_instance_uid}"


def refused(item: StoredObject, reason: str) -> Problem:
    """Return the problem of an object that a destination does not take."""
    return Problem(
        kind=ProblemKind.REFUSED,
        what=called(item),
        text=f"{called(item)} was not taken: {reason}.",
        do_next="Have the destination accept this class and transfer syntax, or take it out of `what`: it is"
        " never encoded anew to please a destination.",
    )


def kept_older(item: StoredObject, night: str) -> Problem:
    """Return the problem of a destination that says "stored" and keeps what it had.

    Parameters
    ----------
    night
        When the version it keeps was first kept here.
    """
    return Problem(
        kind=ProblemKind.KEPT_OLDER,
        what=called(item),
        text=f"The destination said that {called(item)} is stored and keeps the version of {night}.",
        do_next='Let it overwrite (Orthanc: "OverwriteInstances": true), or remove the object there by'
        " hand; then run `beamkeeper copies run`. Nothing is deleted there by itself.",
    )


def differs(item: StoredObject, places: tuple[str, ...]) -> Problem:
    """Return the problem of a destination that gives back other values than were sent."""
    where = ", ".join(places[:PLACES_SHOWN_MAX])
    more = f" and {len(places) - PLACES_SHOWN_MAX} more" if len(places) > PLACES_SHOWN_MAX else ""
    return Problem(
        kind=ProblemKind.DIFFERS,
        what=called(item),
        text=f"The destination said that {called(item)} is stored and gives back other values:"
        f" {where}{more}.",
        do_next='It kept another object under this UID (Orthanc: set "OverwriteInstances": true, or remove'
        " the object there by hand), or it changes what it stores (switch coercion off there; what may"
        " change without harm can be named in `may_change`).",
    )


def not_given_back(item: StoredObject) -> Problem:
    """Return the problem of an object that was acknowledged and does not come back."""
    return Problem(
        kind=ProblemKind.NOT_GIVEN_BACK,
        what=called(item),
        text=f"The destination said that {called(item)} is stored and does not give it back.",
        do_next="It is sent again. If it stays so, have the destination's administrator look.",
    )


def gone(item: StoredObject) -> Problem:
    """Return the problem of an object that was proved there and is not there any more."""
    return Problem(
        kind=ProblemKind.GONE,
        what=called(item),
        text=f"{called(item)} had been proved there and is gone. It is sent again.",
        do_next="Find out who or what removes objects there.",
    )


def not_here(item: StoredObject, reason: str) -> Problem:
    """Return the problem of an object that the vault does not give."""
    return Problem(
        kind=ProblemKind.NOT_HERE,
        what=called(item),
        text=f"{called(item)} cannot be taken out of the vault: {reason}",
        do_next="Run `beamkeeper vault verify`.",
    )


def no_answer(item: StoredObject, reason: str) -> Problem:
    """Return the problem of an object on which the destination hangs up."""
    return Problem(
        kind=ProblemKind.NO_ANSWER,
        what=called(item),
        text=f"{called(item)} could not be handed over: {reason}",
        do_next="It is tried again. If only this object fails, look into the destination's log.",
    )


def remarks(routed: Routed, *, left_count: int) -> tuple[str, ...]:
    """Return what stays here by rule and somebody may miss, and what stays there though no rule sends it.

    Parameters
    ----------
    left_count
        Objects known there that should not be there any more.
    """
    lines = []
    if count := routed.plans_not_approved:
        lines.append(
            f"{count} {_plans(count)} not sent: neither approved nor treated. With `any_plan = true`"
            " they would go."
        )
    if count := routed.structures_without_images:
        sets = "1 structure set names" if count == 1 else f"{count} structure sets name"
        lines.append(
            f"{sets} no image that is kept here, so its planning images are unknown and not sent."
            ' With "other images" in `what` every image goes.'
        )
    if count := routed.contested:
        lines.append(f"{count} SOP Instance UIDs stand under two patients and are not sent.")
    if count := routed.without_dossier:
        lines.append(
            f"{count} {_patients(count)} without a dossier: the vault gives none, or one under another"
            " Patient ID. A night makes it with what is new (`dossiers` under [night]);"
            " `beamkeeper vault verify` says whether it can be read."
        )
    if routed.without_lists:
        lines.append(
            "No triage list goes there: the vault gives none. A night seals it (`lists` under [night])."
        )
    if left_count:
        lines.append(
            f"{left_count} objects are still there that no rule sends any more: earlier papers, or of"
            " patients who finished, for example. They go when the patient's copy goes:"
            " docs/guide/copies.md, Removal."
        )
    return tuple(lines)


def _patients(count: int) -> str:
    return "patient goes" if count == 1 else "patients go"


def _plans(count: int) -> str:
    return "plan is" if count == 1 else "plans are"
