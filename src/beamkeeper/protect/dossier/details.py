"""What stands after the first two pages: everything that was cut there, and where all of it is from."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.words import at, line, note, number, plural
from beamkeeper.protect.dossier.beam_table import beams_table
from beamkeeper.protect.dossier.history import history_sections
from beamkeeper.protect.dossier.sheet import Lines, Marked, Section, Shown, Table
from beamkeeper.protect.dossier.standing import in_order, is_open, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.plan import Beam
    from beamkeeper.protect.dossier.picture import Picture
    from beamkeeper.protect.dossier.sheet import Block
    from beamkeeper.protect.dossier.source import DossierSource

NOTES_SHOWN_MAX, DOCUMENTS_SHOWN_MAX, OBJECTS_SHOWN_MAX, TEXTS_SHOWN_MAX = 40, 60, 200, 100
CAPTION_CHARACTERS_MAX = 4_000
DIGEST_LETTERS = 16
OPEN_MM = 0.5
"""A leaf pair further apart than that lets the beam through."""
_MANY = frozenset({ObjectKind.IMAGE})
"""Kinds of which a patient has hundreds: one row a series."""


def detail_sections(source: DossierSource) -> tuple[Section, ...]:
    """Return everything after page 2."""
    candidates = (
        *history_sections(source),
        Section(title="Pictures", blocks=tuple(_pictures(source))),
        Section(title="Photos of the setup", blocks=tuple(map(_shown, source.setup_photos))),
        Section(title="What is missing and what disagrees", blocks=tuple(_doubts(source))),
        Section(title="Notes", blocks=tuple(_notes(source))),
        Section(title="Control points", blocks=tuple(_control(source))),
        Section(title="Finished plans and plans that treat nobody", blocks=tuple(_other_beams(source))),
        Section(title="Documents", blocks=tuple(_documents(source))),
        Section(title="What this is made from", blocks=tuple(_objects(source))),
    )
    return tuple(section for section in candidates if section.blocks)


def _pictures(source: DossierSource) -> Iterator[Block]:
    yield from _limited(Lines, list(source.picture_notes))
    yield from map(_shown, source.pictures)


def _shown(picture: Picture) -> Shown:
    """Return a picture whose words hide nothing: names of plans, beams and regions stand in them."""
    said = replace(
        picture,
        title=line(picture.title),
        caption=line(picture.caption, longest=CAPTION_CHARACTERS_MAX),
        alternative=line(picture.alternative, longest=CAPTION_CHARACTERS_MAX),
    )
    return Shown(picture=said)


def _doubts(source: DossierSource) -> Iterator[Block]:
    texts = [*source.problems, *source.entry.disagreements]
    if source.position is not None:
        texts += [conflict.text for conflict in source.position.conflicts]
        for plan in source.position.plans:
            texts += [f"{plan.rt_plan_label}: {conflict.text}" for conflict in plan.conflicts]
    for ready in source.readiness:
        texts += [f"{ready.rt_plan_label}: {text}" for text in ready.blocking]
    yield from _limited(Marked, texts)
    remarks = [f"{item.rt_plan_label}: {text}" for item in source.readiness for text in item.remarks]
    yield from _limited(Lines, remarks)
    counts = [
        (
            line(count.source),
            _plan_label(source, count.plan_uid),
            _count(count.fractions_done),
            _count(count.fractions_partial),
            _count(count.fractions_planned),
            at(count.last_treated_at, source.zone) if count.last_treated_at else "–",
        )
        for count in source.entry.counts
    ]
    if counts:
        yield Table(
            title="What others count",
            header=("Source", "Plan", "Done", "Partial", "Planned", "Last"),
            rows=tuple(counts),
            widths=("1fr", "1fr", "auto", "auto", "auto", "auto"),
            numeric=(2, 3, 4),
        )


def _limited(kind: type[Marked | Lines], texts: list[str]) -> Iterator[Block]:
    said = [line(text, longest=500) for text in dict.fromkeys(texts)]
    if (more := len(said) - TEXTS_SHOWN_MAX) > 0:
        said = [*said[:TEXTS_SHOWN_MAX], f"and {more} more, not printed."]
    if said:
        yield kind(items=tuple(said))


def _plan_label(source: DossierSource, uid: str) -> str:
    return next((label(plan) for plan in source.plans if plan.sop_instance_uid == uid), line(uid))


def _count(value: int | None) -> str:
    return "?" if value is None else str(value)


def _notes(source: DossierSource) -> Iterator[Block]:
    rows = []
    for chart in source.entry.charts:
        for item in chart.notes:
            when = at(item.written_at, source.zone) if item.written_at else "no date"
            who = "\n".join(filter(None, (when, line(item.author), item.kind.value)))
            rows.append((who, "\n".join(filter(None, (line(item.subject), note(item.text))))))
    if not rows:
        return
    yield Table(header=("Written", "Note"), rows=tuple(rows[:NOTES_SHOWN_MAX]), widths=("auto", "1fr"))
    if (more := len(rows) - NOTES_SHOWN_MAX) > 0:
        yield Lines(items=(f"{plural(more, 'note')} more, not printed.",))


def _control(source: DossierSource) -> Iterator[Block]:
    for plan in in_order(source):
        rows = tuple(_control_row(beam) for beam in plan.beams[:60] if beam.control_points)
        if rows and is_open(source, plan):
            yield Table(
                title=f"Plan {label(plan)}",
                header=(
                    "No.",
                    "Name",
                    "Points",
                    "Isocentre x, y, z mm",
                    "Final weight",
                    "Open leaves",
                    "MLC",
                ),
                rows=rows,
                widths=("auto", "1fr", "auto", "auto", "auto", "auto", "auto"),
                numeric=(0, 2, 4),
            )


def _control_row(beam: Beam) -> tuple[str, ...]:
    first, last = beam.control_points[0], beam.control_points[-1]
    centre = ", ".join(f"{value:.1f}" for value in first.isocenter_mm) if first.isocenter_mm else "–"
    leaves = first.leaf_positions_mm
    half = len(leaves) // 2
    opened = sum(b - a > OPEN_MM for a, b in zip(leaves[:half], leaves[half:], strict=False))
    return (
        str(beam.beam_number),
        line(beam.beam_name, longest=60) or "–",
        str(beam.setup.control_point_count or len(beam.control_points)),
        centre,
        number(last.cumulative_meterset_weight, 3),
        f"{opened} of {half}, first point" if half else "–",
        plural(beam.mlc_leaf_pairs, "pair") if beam.mlc_leaf_pairs else "none",
    )


def _other_beams(source: DossierSource) -> Iterator[Block]:
    for plan in in_order(source):
        if not is_open(source, plan):
            yield from beams_table(source, plan)


def _documents(source: DossierSource) -> Iterator[Block]:
    kept = [
        (
            line(item.title),
            item.media_type,
            "\n".join(filter(None, (f"kept, {item.sha256[:DIGEST_LETTERS]}", item.state))),
        )
        for item in source.documents
    ]
    named = [
        (
            line(item.title) or line(item.document_id),
            "\n".join(
                filter(None, (line(item.kind), at(item.created_at, source.zone) if item.created_at else ""))
            ),
            line(item.path),
        )
        for chart in source.entry.charts
        for item in chart.documents
    ]
    rows = [*kept, *named]
    if rows:
        yield Table(
            header=("Title", "Kind", "Where"),
            rows=tuple(rows[:DOCUMENTS_SHOWN_MAX]),
            widths=("1fr", "auto", "1fr"),
        )
    if (more := len(rows) - DOCUMENTS_SHOWN_MAX) > 0:
        yield Lines(items=(f"{plural(more, 'document')} more, not printed.",))


def _objects(source: DossierSource) -> Iterator[Block]:
    single = [item for item in source.objects if item.kind not in _MANY]
    rows = [
        (
            line(item.kind.value),
            line(item.label),
            "1",
            item.ref.sha256[:DIGEST_LETTERS],
            item.ref.sop_instance_uid,
        )
        for item in sorted(single, key=lambda item: (item.kind.value, item.label, item.ref.sop_instance_uid))
    ]
    if (more := len(rows) - OBJECTS_SHOWN_MAX) > 0:
        rows = rows[:OBJECTS_SHOWN_MAX]
    rows += list(_series([item for item in source.objects if item.kind in _MANY]))
    if not rows:
        return
    said = (
        f"Digest: the first {DIGEST_LETTERS} letters of SHA-256; of a series, that of its digests in order."
    )
    yield Lines(items=(said, *([f"{plural(more, 'object')} more, not printed."] if more > 0 else [])))
    yield Table(
        header=("Kind", "What", "Count", "Digest", "UID of the object or series"),
        rows=tuple(rows),
        widths=("auto", "1fr", "auto", "auto", "auto"),
        numeric=(2,),
    )


def _series(images: list[ClinicalObject]) -> Iterator[tuple[str, str, str, str, str]]:
    counts = Counter((item.ref.series_instance_uid, item.ref.modality) for item in images)
    for (uid, modality), count in sorted(counts.items()):
        digests = sorted(item.ref.sha256 for item in images if item.ref.series_instance_uid == uid)
        joined = hashlib.sha256("".join(digests).encode()).hexdigest()
        yield ("images", line(modality), str(count), joined[:DIGEST_LETTERS], line(uid))
