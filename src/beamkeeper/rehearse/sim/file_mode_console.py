"""A likeness of a machine's console in File Mode: opens the one plan of its share, gives it, leaves records.

What a real console writes, and how it names it, is known from one clinic's notes only (`protocols` 4.1). This
one is for practice and for our tests: it knows no fraction unless the folder's name says one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import generate_uid

from beamkeeper.errors import ConfigError
from beamkeeper.rehearse.sim.objects import CT, RT_BEAMS_RECORD, RT_PLAN, da, ds, encode, item, reference, tm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset

MARK: Final = "BEAMKEEPER-SIMULATOR.txt"
_MARK_SAYS: Final = b"The share of a simulated machine. No patient is treated from here.\n"
_FRACTION: Final = re.compile(r"fraction-(\d{1,3})_d\d+$")
TREATMENT, LOGS = "Treatment", "Logs"


@dataclass(frozen=True, slots=True)
class Console:
    """One simulated console at its share."""

    share: Path

    @classmethod
    def at(cls, share: Path) -> Console:
        """Return the console of a share; an empty folder, or none, becomes one.

        Raises
        ------
        ConfigError
            The folder holds something and is not a simulator's.
        """
        if not (share / MARK).is_file():
            if share.is_dir() and any(share.iterdir()):
                raise ConfigError(
                    f"{share} is not empty and not the share of a simulator.",
                    do_next="Name an empty folder; a real share is never simulated on.",
                )
            for folder in (share, share / TREATMENT, share / LOGS):
                folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            (share / MARK).write_bytes(_MARK_SAYS)
        return cls(share)

    def treat(
        self, now: datetime, *, stop_after: float | None = None, is_numbered: bool = True
    ) -> tuple[str, ...]:
        """Give the one plan that lies there; return the names of the files written, () without a plan.

        Parameters
        ----------
        now
            Aware; the console's wall clock is UTC.
        stop_after
            Part of the first beam after which the machine stops; None to give everything.
        is_numbered
            Whether records say the fraction that the folder's name says.

        Raises
        ------
        ConfigError
            More than one plan lies there: the console does not choose.
        """
        found = list(self._plans())
        if len(found) > 1:
            raise ConfigError(f"{len(found)} plans lie on the share: one at a time.")
        if not found:
            return ()
        path, plan = found[0]
        numbered = _FRACTION.search(path.parent.name) if is_numbered else None
        fraction = numbered.group(1) if numbered else ""
        records = list(_records(plan, now, fraction, stop_after))
        written = {f"{TREATMENT}/RT.{one.SOPInstanceUID}.dcm": encode(one) for one in records}
        image = _cbct(plan, now)
        written[f"{path.parent.name}/CBCT.{image.SOPInstanceUID}.dcm"] = encode(image)
        written[f"{LOGS}/{now:%Y%m%d%H%M%S}.bin"] = b"VOSTL\0" + now.isoformat().encode()
        for name, data in written.items():
            (self.share / name).write_bytes(data)
        return tuple(written)

    def _plans(self) -> Iterator[tuple[Path, Dataset]]:
        for path in sorted(self.share.glob("[!.]*/*.dcm")):
            if path.parent.name in {TREATMENT, LOGS}:
                continue
            try:
                read = dcmread(BytesIO(path.read_bytes()))
            except InvalidDicomError:
                continue
            if read.SOPClassUID == RT_PLAN:
                yield path, read


def _records(plan: Dataset, now: datetime, fraction: str, stop_after: float | None) -> Iterator[Dataset]:
    """Yield a record for each beam with a meterset, until the machine stops."""
    group = plan.FractionGroupSequence[0]
    metersets = {
        int(one.ReferencedBeamNumber): float(one.BeamMeterset)
        for one in group.ReferencedBeamSequence
        if one.get("BeamMeterset") and float(one.BeamMeterset) > 0
    }
    for count, beam in enumerate(one for one in plan.BeamSequence if int(one.BeamNumber) in metersets):
        at = now + timedelta(minutes=2 * count)
        share = 1.0 if stop_after is None else stop_after
        meterset = metersets[int(beam.BeamNumber)]
        yield _record(plan, beam, at, meterset=meterset, share=share, fraction=fraction)
        if stop_after is not None:
            return


def _record(
    plan: Dataset, beam: Dataset, at: datetime, *, meterset: float, share: float, fraction: str
) -> Dataset:
    delivered = meterset * share
    given = item(
        ReferencedBeamNumber=str(beam.BeamNumber),
        BeamName=str(beam.get("BeamName", "")),
        BeamType=str(beam.BeamType),
        RadiationType=str(beam.get("RadiationType", "PHOTON")),
        NumberOfWedges="0",
        NumberOfCompensators="0",
        NumberOfBoli="0",
        NumberOfBlocks="0",
        CurrentFractionNumber=fraction,
        TreatmentDeliveryType="TREATMENT",
        TreatmentTerminationStatus="NORMAL" if share >= 1 else "MACHINE",
        TreatmentVerificationStatus="VERIFIED",
        SpecifiedPrimaryMeterset=ds(meterset, 3),
        DeliveredPrimaryMeterset=ds(delivered, 4),
        NumberOfControlPoints="2",
        BeamLimitingDeviceLeafPairsSequence=[
            item(RTBeamLimitingDeviceType="ASYMX", NumberOfLeafJawPairs="1")
        ],
    )
    given.ControlPointDeliverySequence = list(_points(at, delivered))
    dataset = _of_patient(plan, RT_BEAMS_RECORD, "RTRECORD", at)
    dataset.update(
        item(
            TreatmentDate=da(at),
            TreatmentTime=tm(at),
            NumberOfFractionsPlanned=str(plan.FractionGroupSequence[0].get("NumberOfFractionsPlanned", "")),
            PrimaryDosimeterUnit=str(beam.get("PrimaryDosimeterUnit", "MU")),
            ReferencedRTPlanSequence=[reference(RT_PLAN, str(plan.SOPInstanceUID))],
            TreatmentMachineSequence=[
                item(TreatmentMachineName=str(beam.TreatmentMachineName), Manufacturer="Simulated")
            ],
            TreatmentSessionBeamSequence=[given],
        )
    )
    return dataset


def _points(at: datetime, delivered: float) -> Sequence[Dataset]:
    return [
        item(
            ReferencedControlPointIndex=str(index),
            TreatmentControlPointDate=da(at),
            TreatmentControlPointTime=tm(at + timedelta(seconds=30 * index)),
            SpecifiedMeterset=ds(value, 4),
            DeliveredMeterset=ds(value, 4),
            DoseRateSet="600",
            DoseRateDelivered="598",
        )
        for index, value in enumerate((0.0, delivered))
    ]


def _cbct(plan: Dataset, at: datetime) -> Dataset:
    """Return one slice of a cone-beam CT, two by two pixels: that it comes back is what matters."""
    dataset = _of_patient(plan, CT, "CT", at)
    dataset.update(
        item(
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            FrameOfReferenceUID=str(plan.get("FrameOfReferenceUID", "")),
            ImagePositionPatient=["0", "0", "0"],
            ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
            PixelSpacing=["1", "1"],
            SliceThickness="2",
            SamplesPerPixel=1,
            PhotometricInterpretation="MONOCHROME2",
            Rows=2,
            Columns=2,
            BitsAllocated=16,
            BitsStored=16,
            HighBit=15,
            PixelRepresentation=0,
            RescaleIntercept="0",
            RescaleSlope="1",
            PixelData=bytes(8),
        )
    )
    dataset["PixelData"].VR = "OW"
    return dataset


def _of_patient(plan: Dataset, sop_class: str, modality: str, at: datetime) -> Dataset:
    return item(
        SpecificCharacterSet=plan.get("SpecificCharacterSet", "ISO_IR 192"),
        SOPClassUID=sop_class,
        SOPInstanceUID=str(generate_uid(prefix=None)),
        StudyDate=da(at),
        StudyTime=tm(at),
        AccessionNumber="",
        Modality=modality,
        Manufacturer="Beamkeeper simulated console",
        ReferringPhysicianName="",
        PatientName=plan.PatientName,
        PatientID=str(plan.PatientID),
        PatientBirthDate=str(plan.get("PatientBirthDate", "")),
        PatientSex=str(plan.get("PatientSex", "")),
        StudyInstanceUID=str(plan.StudyInstanceUID),
        SeriesInstanceUID=str(generate_uid(prefix=None)),
        StudyID="1",
        SeriesNumber="1",
        InstanceNumber="1",
        OperatorsName="Operator^Simulated",
    )
