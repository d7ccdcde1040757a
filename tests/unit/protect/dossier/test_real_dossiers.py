"""Every real set gives a dossier, and what its tables say is what pydicom reads in the files."""

from __future__ import annotations

import subprocess
import warnings
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

import pydicom
import pytest

from beamkeeper.app.cli.dossier_folder import read_folder
from beamkeeper.clock import zone
from beamkeeper.protect.dossier import make_dossier, render_pdf
from beamkeeper.protect.dossier.standing import is_open

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydicom import Dataset

    from beamkeeper.protect.dossier import DossierSource

AS_OF = datetime(2026, 11, 22, 8, tzinfo=UTC)
SETS = (
    "eclipse-breast-dicompyler",
    "eclipse-prostate-slicerrt",
    "ihero-brto-fullrefset",
    "ihero-brto-older-release",
    "ihero-mmro-transparency",
    "ihero-treatment-records",
    "monaco-hn-proknow",
    "oncentra-phantom-rtkit",
    "proton-dcpt-let",
    "rtimage-portal",
    "tps-singles-pymedphys",
)


def sources(folder: Path) -> tuple[DossierSource, ...]:
    reading = read_folder(folder, zone=zone("Europe/Brussels"), as_of=AS_OF, track=lambda files: files)
    assert not reading.broken
    return reading.sources


def objects_in(folder: Path) -> dict[str, Dataset]:
    """Return what pydicom reads of plans and records, by SOP Instance UID: not our own reader."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values are what the sets are for
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                try:
                    item = pydicom.dcmread(path, force=True)
                    if item.get("Modality") in {"RTPLAN", "RTRECORD"} and "SOPInstanceUID" in item:
                        found[str(item.SOPInstanceUID)] = item
                except (pydicom.errors.InvalidDicomError, ValueError, AttributeError, NotImplementedError):
                    continue
    return found


def expected_of(plan: Dataset) -> Iterator[str]:
    """Yield what the beams table has to say of a plan, as it prints it."""
    metersets = {
        int(ref.ReferencedBeamNumber): ref.get("BeamMeterset")
        for group in plan.get("FractionGroupSequence", ())
        for ref in group.get("ReferencedBeamSequence", ())
    }
    for group in plan.get("FractionGroupSequence", ()):
        if group.get("NumberOfFractionsPlanned") is not None:
            yield str(group.NumberOfFractionsPlanned)
    for beam in chain(plan.get("BeamSequence", ()), plan.get("IonBeamSequence", ())):
        points = beam.get("ControlPointSequence") or beam.get("IonControlPointSequence") or ()
        yield str(beam.BeamNumber)
        yield from str(beam.get("BeamName") or "").split()[:1]
        if points and points[0].get("GantryAngle") is not None:
            yield f"{float(points[0].GantryAngle):.1f}"
        if points and points[0].get("BeamLimitingDeviceAngle") is not None:
            yield f"{float(points[0].BeamLimitingDeviceAngle):.1f}"
        if metersets.get(int(beam.BeamNumber)) is not None:
            yield f"{float(metersets[int(beam.BeamNumber)]):.2f}"
        for device in points[0].get("BeamLimitingDevicePositionSequence", ()) if points else ():
            if not device.RTBeamLimitingDeviceType.startswith("MLC"):
                yield from (f"{float(value):.1f}" for value in device.LeafJawPositions)


def rows_of(plan: Dataset) -> Iterator[tuple[str, ...]]:
    """Yield what has to stand in one line of the beams table, in this order: no figure of another beam."""
    metersets = {
        int(ref.ReferencedBeamNumber): ref.get("BeamMeterset")
        for group in plan.get("FractionGroupSequence", ())
        for ref in group.get("ReferencedBeamSequence", ())
    }
    for beam in chain(plan.get("BeamSequence", ()), plan.get("IonBeamSequence", ())):
        points = beam.get("ControlPointSequence") or beam.get("IonControlPointSequence") or ()
        angles = ("GantryAngle", "BeamLimitingDeviceAngle", "PatientSupportAngle")
        stated = [points[0].get(keyword) for keyword in angles] if points else []
        figures = [f"{float(angle):.1f}" for angle in stated if angle is not None]
        if (meterset := metersets.get(int(beam.BeamNumber))) is not None:
            figures.append(f"{float(meterset):.2f}")
        yield (str(beam.BeamNumber), *figures)


def has_row(page: str, row: tuple[str, ...]) -> bool:
    """Whether one line begins with the first of these words and has the others behind it, in this order."""
    for line in page.splitlines():
        words = iter(line.split())
        if next(words, None) == row[0] and all(one in words for one in row[1:]):
            return True
    return False


def setup_of(plan: Dataset) -> Iterator[str]:
    """Yield what the tables of prescription, setup, tolerance and control points have to say."""
    beams = [*plan.get("BeamSequence", ()), *plan.get("IonBeamSequence", ())]
    for item in plan.get("DoseReferenceSequence", ())[:12]:
        for keyword in ("TargetPrescriptionDose", "DeliveryMaximumDose"):
            if (dose := item.get(keyword)) is not None and 1e-3 < float(dose) < 1e3:
                yield f"{float(dose):.2f}"
                break
    used = {beam.get("ReferencedPatientSetupNumber") for beam in beams}
    for item in plan.get("PatientSetupSequence", ()):
        if item.get("PatientSetupNumber") in used:
            yield from str(item.get("PatientPosition") or "").split()[:1]
            for way in ("Vertical", "Longitudinal", "Lateral"):
                if (shift := item.get(f"TableTop{way}SetupDisplacement")) is not None:
                    yield f"{float(shift):.1f}"
    tables = [*plan.get("ToleranceTableSequence", ()), *plan.get("IonToleranceTableSequence", ())]
    labels = {item.get("ToleranceTableNumber"): item.get("ToleranceTableLabel") for item in tables}
    for beam in beams[:60]:
        if beam.get("ReferencedPatientSetupNumber") is not None:
            yield from str(labels.get(beam.get("ReferencedToleranceTableNumber")) or "").split()[:1]
        points = beam.get("ControlPointSequence") or beam.get("IonControlPointSequence") or ()
        if points and (centre := points[0].get("IsocenterPosition")):
            yield from (f"{float(value):.1f}," for value in centre[:2])
            yield f"{float(centre[2]):.1f}"
        if points and (weight := points[-1].get("CumulativeMetersetWeight")) is not None:
            yield f"{float(weight):.3f}"


def delivered_of(record: Dataset) -> Iterator[str]:
    """Yield what the table of fractions has to say of a record."""
    beams = chain(
        record.get("TreatmentSessionBeamSequence", ()), record.get("TreatmentSessionIonBeamSequence", ())
    )
    for beam in beams:
        for keyword in ("DeliveredPrimaryMeterset", "SpecifiedPrimaryMeterset"):
            if (meterset := beam.get(keyword)) is not None:
                yield f"{float(meterset):.2f}"
        if beam.get("TreatmentTerminationStatus"):
            yield str(beam.TreatmentTerminationStatus)


def counted(source: DossierSource) -> set[str]:
    """Return the records that stand for a fraction."""
    plans = () if source.position is None else source.position.plans
    return {uid for plan in plans for fraction in plan.fractions for uid in fraction.record_uids}


@pytest.mark.parametrize("name", SETS)
def test_every_patient_of_a_real_set_gets_a_dossier_that_says_what_the_files_say(
    name: str, real_data: Path, tmp_path: Path, program: Callable[[str], str]
) -> None:
    read = sources(real_data / name)
    assert read
    stated = objects_in(real_data / name)
    lacking = []
    for number, source in enumerate(read):
        pdf = tmp_path / f"{number}.pdf"
        pdf.write_bytes(render_pdf(make_dossier(source)))
        done = subprocess.run(
            [program("pdftotext"), "-layout", str(pdf), "-"], capture_output=True, check=True
        )
        page = done.stdout.decode()
        words = page.split()
        assert source.entry.patient.patient_id.split()[0] in words
        for plan in source.plans:
            file = stated[plan.sop_instance_uid]
            said = chain(expected_of(file), setup_of(file) if is_open(source, plan) else ())
            lacking += [(plan.rt_plan_label, text) for text in said if text not in words]
            lacking += [
                (plan.rt_plan_label, " ".join(row)) for row in rows_of(file) if not has_row(page, row)
            ]
        for record in counted(source):
            said = delivered_of(stated[record])
            lacking += [(record, text) for text in said if text not in words]

    assert lacking == []


def test_the_sets_here_are_the_sets_that_are_tried(real_data: Path) -> None:
    assert tuple(sorted(path.name for path in real_data.iterdir() if path.is_dir())) == SETS


def test_a_proton_fraction_that_was_cut_is_what_comes_next(real_data: Path) -> None:
    read = sources(real_data / "ihero-treatment-records")
    (cut,) = [source for source in read if source.entry.patient.patient_id == "IHE-RO TDW-II 2013"]
    standings = make_dossier(cut).standings

    assert standings[0].next_words == "Ask first: complete fraction 4? of 30"  # no record of the first three
    assert "had 4294.7 of 9335.7 MU" in standings[0].given
