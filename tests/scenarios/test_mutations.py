"""Nothing that decides dose or geometry changes unseen, and nothing that changes only in form alarms.

Plans are random ones of the real sets and synthetic ones of every technique. A failure prints its
seed: `pytest tests/scenarios/test_mutations.py -k 'seed_number'` runs that one again.
"""

from __future__ import annotations

import io
import random
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom import Dataset, config, dcmread
from pydicom.multival import MultiValue
from tests.unit.protect.compare.re_encoding import BIG, DEFLATED, EXPLICIT, IMPLICIT, encoded, whole
from tests.unit.protect.compare.synthetic_objects import OBJECTS
from tests.unit.protect.compare.synthetic_plans import PLANS

from beamkeeper.domain.change import Grade
from beamkeeper.protect.compare import (
    CompareRules,
    compare_objects,
    compare_with_imprint,
    content_digest,
    imprint_of,
)

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet
    from pydicom.dataelem import DataElement

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
RULES = CompareRules()
MUTATIONS = 300
RE_ENCODINGS = 300
BATCH = 25
QUICK_BATCHES = 2
"""Of each kind in `./dev test`; all of them in `./dev test-all`."""
REAL_SIZE_MAX = 1_000_000

# What decides dose or geometry, written down here a second time and from the standard, so that the
# tables under test are not proved by themselves.
DECIDES = frozenset(
    """
    BeamNumber TreatmentMachineName PrimaryDosimeterUnit SourceAxisDistance RadiationType BeamType
    TreatmentDeliveryType RTBeamLimitingDeviceType NumberOfLeafJawPairs LeafPositionBoundaries
    WedgeNumber WedgeType WedgeID WedgeAngle WedgeFactor WedgeOrientation WedgePosition
    ReferencedWedgeNumber BlockNumber BlockType BlockDivergence MaterialID BlockThickness BlockTransmission
    SourceToBlockTrayDistance BlockData BolusID AccessoryCode ReferencedROINumber
    ApplicatorID ApplicatorType FinalCumulativeMetersetWeight NumberOfControlPoints
    ControlPointIndex NominalBeamEnergy DoseRateSet GantryAngle GantryRotationDirection
    BeamLimitingDeviceAngle BeamLimitingDeviceRotationDirection PatientSupportAngle
    PatientSupportRotationDirection TableTopEccentricAngle TableTopVerticalPosition
    TableTopLongitudinalPosition TableTopLateralPosition TableTopPitchAngle TableTopRollAngle
    IsocenterPosition SourceToSurfaceDistance CumulativeMetersetWeight LeafJawPositions
    CumulativeDoseReferenceCoefficient FractionGroupNumber NumberOfFractionsPlanned NumberOfBeams
    ReferencedBeamNumber BeamMeterset BeamDose BeamDoseSpecificationPoint BeamDosePointDepth
    DoseReferenceNumber DoseReferenceType TargetPrescriptionDose DoseReferencePointCoordinates
    TargetMaximumDose TargetMinimumDose DeliveryMaximumDose OrganAtRiskMaximumDose
    PatientPosition SetupTechnique TableTopVerticalSetupDisplacement TableTopLateralSetupDisplacement
    TableTopLongitudinalSetupDisplacement GantryAngleTolerance TableTopVerticalPositionTolerance
    ScanSpotPositionMap ScanSpotMetersetWeights ScanSpotTuneID ScanningSpotSize NumberOfPaintings
    NumberOfScanSpotPositions VirtualSourceAxisDistances ScanMode RangeShifterNumber RangeShifterID
    RangeShifterType RangeShifterSetting IsocenterToRangeShifterDistance SnoutPosition SnoutID
    RangeShifterWaterEquivalentThickness LateralSpreadingDeviceSetting
    ChannelNumber ChannelLength ChannelTotalTime SourceMovementType CumulativeTimeWeight
    FinalCumulativeTimeWeight ControlPointRelativePosition ControlPoint3DPosition TotalReferenceAirKerma
    BrachyApplicationSetupDose SourceIsotopeName ReferenceAirKermaRate SourceIsotopeHalfLife
    ApprovalStatus RTPlanGeometry PlanIntent BrachyTreatmentType
    PatientID PatientName PatientBirthDate FrameOfReferenceUID
    """.split()  # noqa: SIM905 - a list of that length reads badly one a line
)
NAMES = {
    "BeamSequence": ("BeamNumber", "eam {}"),
    "IonBeamSequence": ("BeamNumber", "eam {}"),
    "ControlPointSequence": ("ControlPointIndex", "control point {}"),
    "IonControlPointSequence": ("ControlPointIndex", "control point {}"),
    "BrachyControlPointSequence": ("ControlPointIndex", "control point {}"),
    "ChannelSequence": ("ChannelNumber", "hannel {}"),
    "ReferencedBeamSequence": ("ReferencedBeamNumber", "eam {}"),
}


@dataclass(frozen=True)
class Place:
    """Where one value stands: sequence keywords and item positions, the element, the words it must get."""

    steps: tuple[tuple[str, int], ...]
    keyword: str
    words: tuple[str, ...]


def _walk(level: Dataset, steps=(), words=()):
    for element in level:
        if element.VR == "SQ":
            for at, inner in enumerate(element.value):
                number, form = NAMES.get(element.keyword, ("", ""))
                more = (
                    (form.format(int(inner[number].value)),)
                    if number and inner.get(number) is not None
                    else ()
                )
                yield from _walk(inner, (*steps, (element.keyword, at)), (*words, *more))
        elif element.keyword in DECIDES and not _empty(element):
            yield Place(steps, element.keyword, words)


def _empty(element: DataElement) -> bool:
    return element.value is None or str(element.value) == "" or (element.VM > 1 and not len(element.value))


@lru_cache(maxsize=1)
def _pool() -> list[tuple[str, bytes, bool]]:
    """Return (name, bytes, whether written without file meta information) of every plan to draw from."""
    pool = [(name, whole(build()), False) for name, build in PLANS.items()]
    for path in sorted(REAL.rglob("*")) if REAL.is_dir() else []:
        if path.is_file() and path.stat().st_size <= REAL_SIZE_MAX and path.suffix != ".txt":
            data = path.read_bytes()
            with _tolerant():
                header = dcmread(io.BytesIO(data), force=True, specific_tags=["SOPClassUID"])
            if str(header.get("SOPClassUID", "")).endswith((".481.5", ".481.8")):
                pool.append((path.name, data, data[128:132] != b"DICM"))
    return pool


@lru_cache(maxsize=64)
def _places(at: int) -> dict[str, list[Place]]:
    with _tolerant():
        found: dict[str, list[Place]] = {}
        for place in _walk(dcmread(io.BytesIO(_pool()[at][1]), force=True)):
            found.setdefault(place.keyword, []).append(place)
    return found


def _tolerant():
    """Real files bend the rules of pydicom; that is theirs, and not under test."""
    context = warnings.catch_warnings()
    context.__enter__()
    warnings.simplefilter("ignore")
    return _Closing(context)


class _Closing:
    def __init__(self, context) -> None:
        self.context = context

    def __enter__(self):
        return self

    def __exit__(self, *error: object):
        self.context.__exit__(*error)


def _other(value: object, vr: str, rng: random.Random) -> object:
    """Return a value that is not the old one, by as little as a machine could tell apart."""
    if vr in ("DS", "FL", "FD"):
        old = float(value)
        step = rng.choice([0.01, -0.01, 0.5, 1, -3, 17.25])
        return f"{old + step:.6g}" if vr == "DS" and f"{old + step:.6g}" != f"{old:.6g}" else old + step
    if vr in ("IS", "US", "UL", "SS"):
        return int(value) + rng.choice([1, 2, 7])
    if vr == "UI":
        return f"{value}.1"
    if vr == "DA":
        return "19010203"
    if vr == "PN":
        return f"{value}X"
    return f"{value}X"[-16:]


def _mutated(data: bytes, bare: bool, place: Place, rng: random.Random) -> bytes:
    dataset = dcmread(io.BytesIO(data), force=True)
    level = dataset
    for keyword, at in place.steps:
        level = level[keyword].value[at]
    element = level[place.keyword]
    if isinstance(element.value, MultiValue | list):
        at = rng.randrange(len(element.value))
        values = list(element.value)
        values[at] = _other(values[at], element.VR, rng)
        element.value = values
    else:
        element.value = _other(element.value, element.VR, rng)
    out = io.BytesIO()
    if bare:
        dataset.save_as(out, implicit_vr=True, little_endian=True)
    else:
        dataset.save_as(out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _as_written(monkeypatch):
    monkeypatch.setattr(config.settings, "_reading_validation_mode", config.IGNORE, raising=False)
    monkeypatch.setattr(config.settings, "_writing_validation_mode", config.IGNORE, raising=False)


def _batches(seeds: int) -> list[ParameterSet]:
    batches = range(seeds // BATCH)
    return [pytest.param(n, marks=() if n < QUICK_BATCHES else pytest.mark.long) for n in batches]


@pytest.mark.slow
@pytest.mark.parametrize("batch", _batches(MUTATIONS))
def test_every_altered_value_is_found_graded_clinical_and_named(batch: int) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        rng = random.Random(seed)
        at = rng.randrange(len(_pool()))
        name, data, bare = _pool()[at]
        places = _places(at)
        place = rng.choice(places[rng.choice(sorted(places))])
        with _tolerant():
            altered = _mutated(data, bare, place, rng)
        found = compare_objects(data, altered, rules=RULES)

        told = f"seed {seed}: {place} in {name}: {found.grade}, {[one.text for one in found.changes]}"
        assert found.grade is Grade.CLINICAL, told
        assert any(all(word in one.text for word in place.words) for one in found.changes), told
        assert content_digest(data, RULES) != content_digest(altered, RULES), told


@pytest.mark.slow
@pytest.mark.parametrize("batch", _batches(RE_ENCODINGS))
def test_no_re_encoding_is_graded_above_re_encoded(batch: int) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        rng = random.Random(seed)
        syntax = rng.choice([IMPLICIT, EXPLICIT, BIG, DEFLATED])
        if rng.random() < 0.5:
            name = rng.choice(sorted(OBJECTS))
            values = rng.randrange(1 << 30)
            old = whole(_with_private(OBJECTS[name](), random.Random(values)))
            new = encoded(_with_private(OBJECTS[name](), random.Random(values)), syntax=syntax, rng=rng)
        else:
            name, old, _ = rng.choice(_pool())
            with _tolerant():
                new = encoded(dcmread(io.BytesIO(old), force=True), syntax=syntax, rng=rng)
        found = compare_objects(old, new, rules=RULES)

        told = (
            f"seed {seed}: {name} as {syntax}: {[(one.path, one.old, one.new) for one in found.changes[:5]]}"
        )
        assert found.grade in {Grade.RE_ENCODED, Grade.IDENTICAL}, told
        assert content_digest(old, RULES) == content_digest(new, RULES), told


def _with_private(dataset: Dataset, rng: random.Random) -> Dataset:
    """Add private blocks of two vendors at the top and in an item."""
    levels = [dataset, *(dataset.get("BeamSequence") or [])[:1]]
    for level in levels:
        for creator in ("VENDOR ONE", "VENDOR TWO"):
            block = level.private_block(0x3253, creator, create=True)
            block.add_new(0x01, "LO", f"text {rng.randrange(100)}")
            block.add_new(0x02, "FL", 12.5)
            block.add_new(0x03, "US", rng.randrange(1, 60000))
            inner = Dataset()
            inner.PatientID = "inside"
            block.add_new(0x04, "SQ", [inner])
    return dataset


KEY = b"k" * 32
IMPRINTED = 12
"""Seeds tried in every run; ./dev test-all tries all."""


def _imprinted(seeds: range) -> None:
    """Altered values are named from an imprint as from the copy itself; the old values stand nowhere."""
    for seed in seeds:
        rng = random.Random(seed)
        at = rng.randrange(len(_pool()))
        name, data, bare = _pool()[at]
        places = _places(at)
        place = rng.choice(places[rng.choice(sorted(places))])
        with _tolerant():
            altered = _mutated(data, bare, place, rng)
        imprint = imprint_of(data, KEY, RULES)
        found = compare_with_imprint(imprint, altered, key=KEY, rules=RULES)
        whole_story = compare_objects(data, altered, rules=RULES)

        told = f"seed {seed}: {place} in {name}: {[(one.path, one.text) for one in found.changes]}"
        assert found.grade is Grade.CLINICAL, told
        assert {one.path for one in found.changes} == {one.path for one in whole_story.changes}, told
        assert any(all(word in one.text for word in place.words) for one in found.changes), told


def _imprinted_re_encodings(seeds: range) -> None:
    for seed in seeds:
        rng = random.Random(seed)
        name = rng.choice(sorted(OBJECTS))
        values = rng.randrange(1 << 30)
        syntax = rng.choice([IMPLICIT, EXPLICIT, BIG, DEFLATED])
        old = whole(_with_private(OBJECTS[name](), random.Random(values)))
        new = encoded(_with_private(OBJECTS[name](), random.Random(values)), syntax=syntax, rng=rng)
        found = compare_with_imprint(imprint_of(old, KEY, RULES), new, key=KEY, rules=RULES)

        assert found.grade is Grade.RE_ENCODED, f"seed {seed}: {name} as {syntax}: {found.changes[:3]}"


def test_an_altered_value_is_named_from_an_imprint_of_the_copy() -> None:
    _imprinted(range(IMPRINTED))


def test_a_re_encoding_is_known_from_an_imprint_of_the_copy() -> None:
    _imprinted_re_encodings(range(IMPRINTED))


@pytest.mark.long
@pytest.mark.slow
def test_every_altered_value_is_named_from_an_imprint() -> None:
    _imprinted(range(IMPRINTED, MUTATIONS))


@pytest.mark.long
@pytest.mark.slow
def test_no_re_encoding_is_taken_for_a_change_by_an_imprint() -> None:
    _imprinted_re_encodings(range(IMPRINTED, RE_ENCODINGS))
