"""Two people say which fraction of ours a session is that another house gave, or that it does not count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.since import Now
    from beamkeeper.clock import Clock
    from beamkeeper.respond.handover.given_there import Question

_RECORDS_MAX: Final = 100
"""Named in the line, which has an end; the key is of all of them."""


def assign(
    folder: IncidentFolder,
    pseudonym: str,
    key: str,
    *,
    fraction: int | None,
    people: tuple[str, ...],
    reason: str,
    clock: Clock,
    signed: str = "",
) -> Now:
    """Write down what a session is; return where the patient stands with it.

    Parameters
    ----------
    key
        Of the question, or the first signs of it.
    fraction
        Our number; None where it does not count.

    Raises
    ------
    ConfigError
        No such question, no reason, no such fraction, or what was begun there cannot be counted so.
    """
    inventory = folder.inventory()
    now = patient_now(folder, inventory, pseudonym, clock.now())
    asked_of = (*now.questions, *now.answered)
    wanted = key.strip().lower()
    found = [one for one in asked_of if wanted and one.key.startswith(wanted)]
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} sessions of this patient that another house gave begin with {wanted[:20]!r}.",
            do_next="The patient's page and `beamkeeper handover show` name them; one record more is another "
            "question.",
        )
    if not reason.strip():
        raise ConfigError("Why has to be said.", do_next="Give --reason: whom you asked, what you read.")
    (asked,) = found
    if fraction is not None:
        _verify(now, asked, fraction)
    write(
        folder,
        Deed.ASSIGNED,
        by=" and ".join(people),
        at=clock.now(),
        pseudonym=pseudonym,
        about=asked.key,
        elsewhere=asked.house,
        fraction=fraction,
        records=list(asked.record_uids[:_RECORDS_MAX]),
        said=reason,
        signed=signed,
    )
    return patient_now(folder, inventory, pseudonym, clock.now())


def _verify(now: Now, asked: Question, fraction: int) -> None:
    plan = now.plan(asked.plan_uid)
    planned = plan.number_of_fractions_planned
    if fraction < 1 or (planned is not None and fraction > planned):
        raise ConfigError(f"The plan has {planned} fractions; there is no fraction {fraction}.")
    if not asked.is_enterable:
        raise ConfigError(
            f"This session cannot be counted as a fraction of ours: {'; '.join(asked.reasons)}.",
            do_next="Say that it does not count (--not-counted), and enter what a physicist decides: "
            "`beamkeeper paper enter`.",
        )
    at = now.at(plan)
    given = {
        state.fraction_number
        for state in (at.fractions if at else ())
        if state.complete and not set(state.record_uids) <= set(asked.record_uids)
    }
    typed = {
        one.fraction_number for one in now.written if one.plan_uid == asked.plan_uid and not one.struck_by
    }
    if fraction in given - typed:
        raise ConfigError(
            f"Fraction {fraction} was given already.", do_next="Read the records of both houses again."
        )
