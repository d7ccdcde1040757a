"""A dossier as files: PDF always, text, HTML and DICOM when asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.errors import ConfigError
from beamkeeper.protect.dossier import (
    make_dossier,
    materials_of,
    named,
    pictures_together,
    render_html,
    render_pdf,
    render_text,
)
from beamkeeper.wire.dicom.encapsulated import EncapsulatedDocument, encapsulated_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.protect.dossier import DossierSource

KIND = "dossier"
_LED_BY = frozenset({ObjectKind.PLAN, ObjectKind.TREATMENT_RECORD})


def with_pictures(source: DossierSource, fetch: Callable[[ObjectRef], bytes]) -> DossierSource:
    """Return a dossier's facts with the pictures of each plan, and what these cannot show.

    Parameters
    ----------
    fetch
        Gives the bytes of an object; may raise any error of ours.
    """
    materials = materials_of(source.objects, fetch)
    plans = [material.plan for material in materials]
    made = named(zip(plans, pictures_together(materials), strict=True))
    return replace(source, pictures=made.pictures, picture_notes=made.reservations)


def dossier_files(
    source: DossierSource, *, text: bool = False, html: bool = False, dicom: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Yield (suffix, bytes) of one dossier; the same facts give the same bytes."""
    dossier = make_dossier(source)
    pdf = render_pdf(dossier)
    yield ".pdf", pdf
    if text:
        yield ".txt", render_text(dossier).encode()
    if html:
        yield ".html", render_html(dossier).encode()
    if dicom:
        yield ".dcm", encapsulated_pdf(_document(source), pdf)


def _document(source: DossierSource) -> EncapsulatedDocument:
    """Return what the DICOM object says: in the study of the plan, made from plans and records."""
    plans = [item for item in source.objects if item.kind is ObjectKind.PLAN]
    return EncapsulatedDocument(
        site_name=source.site_name,
        patient=source.entry.patient,
        title="Dossier for treating on",
        kind=KIND,
        made_at=source.as_of.astimezone(source.zone),
        study_instance_uid=min((item.ref.study_instance_uid for item in plans), default=""),
        source_instances=tuple(
            (item.ref.sop_class_uid, item.ref.sop_instance_uid)
            for item in source.objects
            if item.kind in _LED_BY and item.ref.sop_class_uid
        ),
    )


def write_again(path: Path, content: bytes) -> Path:
    """Write a file named by its patient, in place of an older one."""
    write_whole(path, content)
    return path


def write_new(path: Path, content: bytes) -> Path:
    """Write a file that is not there yet, or is there with the same bytes.

    Raises
    ------
    ConfigError
        Another file has the name: it may be another patient's paper.
    """
    if path.exists() and path.read_bytes() != content:
        raise ConfigError(
            f"{path} is there already, with something else in it.",
            do_next="Name another folder with --out: that one may hold another patient's paper.",
        )
    write_whole(path, content)
    return path
