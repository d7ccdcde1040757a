"""Whose record it is, when a patient has two numbers: the home hospital's and a partner's.

A record that comes back is never altered: it is *recognised* as of a patient who went there, by the number it
stands under, by other numbers that it states, and by the plan that it is of. The plan's UID went along
unchanged, so number and plan must say the same patient; where they do not, a person looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from beamkeeper.domain.identity import likeness
from beamkeeper.domain.patient import Patient


class KnownBy(StrEnum):
    """By what an object is taken for a patient's."""

    PARTNER_NUMBER = "it stands under the partner's number"
    HOME_NUMBER = "it stands under the home number"
    OTHER_NUMBER = "it states the home number among other numbers"
    NOTHING = "it is not known whose it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One patient under two numbers; one who has several there has several links.

    Attributes
    ----------
    partner
        By the partner's number; name and birth date as the partner writes them, "" and None as at home.
    plan_uids
        Plans that went along with this patient.
    """

    home: Patient
    partner: Patient
    plan_uids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What an object says of whose it is.

    Attributes
    ----------
    patient
        None when it has no Patient ID.
    other_ids
        (number, issuer) of Other Patient IDs Sequence (0010,1002).
    plan_uids
        Plans that it refers to.
    """

    patient: Patient | None
    other_ids: tuple[tuple[str, str], ...] = ()
    plan_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """Whose an object is.

    Attributes
    ----------
    home
        The patient by the home hospital's facts; None when a person has to say.
    doubts
        What a person should know or decide, in sentences without names.
    """

    home: Patient | None
    known_by: KnownBy
    doubts: tuple[str, ...] = ()


def home_of(stated: Stated, links: Iterable[Link]) -> Recognition:
    """Return which of the patients who went to a partner an object is of."""
    links = tuple(links)
    found = [(link, how) for link in links if (how := _known_by(stated, link)) is not KnownBy.NOTHING]
    by_plan = [link for link in links if link.plan_uids & set(stated.plan_uids)]
    homes = {link.home for link, _ in found}
    if len(homes) != 1:
        return _unknown(_why_not(len(homes), by_plan))
    link, how = found[0]
    if by_plan and link.home not in {other.home for other in by_plan}:
        return _unknown("Its number is one patient's, and its plan went along with another.")
    return Recognition(home=link.home, known_by=how, doubts=tuple(_doubts(stated, link, by_plan)))


def _known_by(stated: Stated, link: Link) -> KnownBy:
    patient = stated.patient
    if patient is None:
        return KnownBy.NOTHING
    for known, how in ((link.partner, KnownBy.PARTNER_NUMBER), (link.home, KnownBy.HOME_NUMBER)):
        if _is_number_of(patient.patient_id, patient.issuer_of_patient_id, known):
            return KnownBy.NOTHING if _is_other(patient, link) else how
    for number, issuer in stated.other_ids:
        if _is_number_of(number, issuer, link.home) and not _is_other(patient, link):
            return KnownBy.OTHER_NUMBER
    return KnownBy.NOTHING


def _is_number_of(number: str, issuer: str, known: Patient) -> bool:
    """Return whether a number is a patient's; an issuer that is not stated differs from none."""
    issuers = {issuer.strip().casefold(), known.issuer_of_patient_id.strip().casefold()} - {""}
    return number == known.patient_id and len(issuers) <= 1


def _is_other(patient: Patient, link: Link) -> bool:
    """Return whether name and birth date are neither as the home hospital nor as the partner writes them."""
    said = _person(patient, link)
    return all(likeness(said, _person(known, link)).is_other for known in (link.home, link.partner))


def _person(patient: Patient, link: Link) -> Patient:
    """Return only name and birth date, for the numbers were compared before; the partner's as at home."""
    as_at_home = patient is link.partner
    return Patient(
        patient_id=link.home.patient_id,
        name=patient.name or (link.home.name if as_at_home else ""),
        birth_on=patient.birth_on or (link.home.birth_on if as_at_home else None),
    )


def _doubts(stated: Stated, link: Link, by_plan: Sequence[Link]) -> Iterable[str]:
    if stated.patient is not None:
        how = [
            likeness(_person(stated.patient, link), _person(known, link))
            for known in (link.home, link.partner)
        ]
        if all(one.is_doubtful for one in how):
            yield "Its name or birth date is not written as anybody wrote it before."
    if not stated.plan_uids:
        yield "It names no plan."
    elif not by_plan:
        yield "Its plan did not go along with the patient: a plan made there, or somebody else's."
    elif len({other.home for other in by_plan}) > 1:
        yield "Its plan went along with more than one patient."


def _why_not(count: int, by_plan: Sequence[Link]) -> str:
    if count:
        return f"Its number is that of {count} patients who went there."
    if by_plan:
        return "Its plan went along with a patient, but it stands under another number, name or birth date."
    return "Nobody who went there has its number."


def _unknown(why: str) -> Recognition:
    return Recognition(home=None, known_by=KnownBy.NOTHING, doubts=(why,))
