"""The letter on top of a bundle: what a physicist of another house must read before the first beam."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.domain.words import line, plural
from beamkeeper.protect.lists.page import (
    Column,
    Group,
    Line,
    Page,
    PageRow,
    Style,
    at,
    cell,
    identifiers,
    name_of,
)
from beamkeeper.respond.handover.manifest import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.respond.handover.manifest import Manifest, PlanTold, Session

DECIDES: Final = (
    "Decision support: the receiving physician and physicist decide whether and how treatment goes on."
)
LAW: Final = (
    "Passed on so that treatment goes on while the sender's systems are down: GDPR Art. 6(1)(d) and (e), "
    "Art. 9(2)(c) and (h), or what the law of the country says instead. Professional secrecy goes with it. "
    "Delete it when the sender has confirmed the return bundle."
)
"""Printed where the department gives no words of its own; its lawyers decide, we do not."""
BEFORE_EVERY: Final = (
    "Compare two identifiers with the patient, and the fraction number with the patient and this letter.",
    "The plan is approved for the sender's machine: your physicist decides whether yours gives it.",
    "Your physician decides whether treatment goes on.",
)
CONTACTS_MAX: Final = 6
MEGABYTES_FROM: Final = 100_000
_ROLES: Final = {Role.DICOM: "DICOM", Role.MESSAGE: "HL7 messages"}
_SESSION_DAY: Final = "%a %Y-%m-%d"


def letter_page(manifest: Manifest) -> Page:
    """Return the letter of a bundle to whoever treats on."""
    zone = ZoneInfo(manifest.time_zone)
    patient = manifest.patient
    return Page(
        title="Transfer letter",
        site_name=f"{name_of(patient)} · {identifiers(patient)}",
        night=f"Copy of the night of {manifest.night:%A %Y-%m-%d}",
        trust=manifest.trust,
        made=f"Made {at(manifest.made_at, zone)} ({zone.key}) by {line(manifest.made_by)}",
        warnings=(),
        summary=(
            f"Transfer from {manifest.sender} to {manifest.recipient}.",
            f"Bundle {manifest.bundle_id}, the {manifest.number}. of this patient to you.",
        ),
        columns=(Column("", 2), Column("", 9)),
        groups=(
            Group("Patient", "", tuple(_who(manifest))),
            Group(
                "Where the course stands",
                "counted from the treatment records",
                tuple(map(_plan, manifest.plans)),
            ),
            Group("Before the first beam", "", tuple(_before(manifest))),
            Group(
                "Sessions that are open", _session_words(manifest), tuple(_sessions(manifest.sessions, zone))
            ),
            *_no_longer(manifest, zone),
            Group("What goes along", "each file with its digest in manifest.json", tuple(_packed(manifest))),
            Group("Agreement", "", tuple(_agreement(manifest))),
        ),
        notes=("Send every treatment record back (`beamkeeper desk return`), and what was given by hand.",),
        decides=DECIDES,
        empty="Nothing is open.",
    )


def _who(manifest: Manifest) -> Iterator[PageRow]:
    """Say who it is on top; the running head repeats it on every page, and the file's title does not."""
    patient = manifest.patient
    yield PageRow(
        (cell(""), cell(Line(name_of(patient), Style.BIG), Line(identifiers(patient), Style.STRONG)))
    )
    for phone in patient.contacts[:CONTACTS_MAX]:
        said = Line(line(phone.phone), Style.STRONG)
        yield PageRow((cell(f"{line(phone.relation)} {line(phone.name)}"), cell(said)))


def _before(manifest: Manifest) -> Iterator[PageRow]:
    for said in (*manifest.before, *BEFORE_EVERY):
        yield PageRow((cell(Line("☐", Style.BIG)), cell(Line(said, Style.STRONG))))


def _plan(plan: PlanTold) -> PageRow:
    facts = (plan.dose, plan.intent, plan.machine and f"on {plan.machine}", plan.needs)
    return PageRow(
        (
            cell(Line(plan.rt_plan_label, Style.STRONG), Line(plan.given, Style.SMALL)),
            cell(
                Line(plan.next_said, Style.BIG),
                " · ".join(filter(None, facts)),
                *(Line(said, Style.MARK) for said in plan.before),
                Line(f"SOP Instance UID {plan.plan_uid}", Style.SMALL),
            ),
        )
    )


def _session_words(manifest: Manifest) -> str:
    return "a proposal; who treats decides" if manifest.sessions else "no session has a day in this bundle"


def _sessions(sessions: tuple[Session, ...], zone: ZoneInfo) -> Iterator[PageRow]:
    for day, items in groupby(
        sorted(sessions, key=lambda one: (one.day, one.rt_plan_label)), lambda one: one.day
    ):
        said = [
            f"{one.rt_plan_label}: {'the rest of ' * one.is_rest}fraction {one.fraction_number}"
            + (f", {one.starts_at.astimezone(zone):%H:%M}" if one.starts_at else "")
            + (f", {one.machine}" if one.machine else "")
            for one in items
        ]
        yield PageRow((cell(f"{day:{_SESSION_DAY}}"), cell(*said)))


def _no_longer(manifest: Manifest, zone: ZoneInfo) -> Iterator[Group]:
    for title, words, sessions in (
        ("Appointments that no longer stand", "of earlier bundles: take them out", manifest.cancelled),
        ("Appointments that were moved", "of earlier bundles: no longer there", manifest.moved),
    ):
        if sessions:
            yield Group(title, words, tuple(_sessions(sessions, zone)))


def _packed(manifest: Manifest) -> Iterator[PageRow]:
    for role in Role:
        items = [item for item in manifest.packed if item.role is role]
        if items:
            titles = "; ".join(dict.fromkeys(item.title for item in items if item.title))
            size = sum(item.size_bytes for item in items)
            shown = f"{size / 1e6:.1f} MB" if size >= MEGABYTES_FROM else f"{size / 1e3:.0f} kB"
            yield PageRow(
                (cell(_ROLES.get(role, role.value)), cell(f"{plural(len(items), 'file')}, {shown}", titles))
            )
    if manifest.left_out:
        said = f"{manifest.left_out} objects to which none of these plans leads; ask if you need them"
        yield PageRow((cell("not sent"), cell(said)))
    yield PageRow(
        (cell("accessories"), cell("; ".join(manifest.accessories) or "none that the copy names: ask"))
    )


def _agreement(manifest: Manifest) -> Iterator[PageRow]:
    asked = manifest.consent or "Nobody has written down that the patient was asked."
    yield PageRow((cell("the patient"), cell(Line(asked, Style.PLAIN if manifest.consent else Style.MARK))))
    yield PageRow((cell("the law"), cell(manifest.law or LAW)))
