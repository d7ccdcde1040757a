"""The pictures of a plan: seen as pixels, and complete in words whatever is missing."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import typst
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from tests.unit.protect.dossier.phantoms import Ball, directions, encoded, opener

from beamkeeper.errors import IntegrityError
from beamkeeper.protect.dossier import Picture, PictureKind, PlanMaterial, named, pictures_of
from beamkeeper.protect.dossier import pictures as drawing
from beamkeeper.protect.dossier.svg import Paper
from beamkeeper.wire.paper.glyphs import fonts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

SMALL: dict[str, Any] = {"slice_mm": 6.0, "pixel_mm": (6.0, 6.0), "half_mm": 48.0}


@pytest.fixture(scope="module")
def ball() -> Ball:
    return Ball(slice_mm=4.0, pixel_mm=(2.0, 2.0))


@pytest.fixture(scope="module")
def shown(ball: Ball) -> dict[PictureKind, Picture]:
    made = pictures_of(ball.material())
    assert made.reservations == ()
    return {picture.kind: picture for picture in made.pictures}


def test_a_plan_with_everything_has_five_kinds_of_pictures_and_no_reservation(
    shown: dict[PictureKind, Picture],
) -> None:
    assert list(shown) == [
        PictureKind.AXIAL,
        PictureKind.CORONAL,
        PictureKind.SAGITTAL,
        PictureKind.DVH,
        PictureKind.BEAMS_EYE,
    ]


@pytest.mark.parametrize("kind", [PictureKind.AXIAL, PictureKind.CORONAL, PictureKind.SAGITTAL])
def test_the_outline_is_seen_as_pixels_where_the_ball_ends(
    shown: dict[PictureKind, Picture], kind: PictureKind
) -> None:
    seen, scale, origin = rendered(shown[kind])
    for right, down in ((30.0, 0.0), (-30.0, 0.0), (0.0, 30.0), (0.0, -30.0)):
        turned = np.array([right, down]) * (1 - 1e-9)
        around = patch(seen, origin + turned * scale, 1.0 if kind is PictureKind.AXIAL else 4.0)

        assert is_red(around).any(), (kind, right, down)
    for right, down in ((20.0, 18.0), (-20.0, 18.0), (-36.0, 8.0)):
        assert not is_red(patch(seen, origin + np.array([right, down]) * scale, 0.6)).any()


def test_the_dose_line_of_100_percent_is_seen_where_the_dose_is_the_prescription(ball: Ball) -> None:
    steep = replace(ball, gradient_gy_mm=(1.0, 0.0, 0.0), rod_mm=(500.0, 0.0, 0.0))
    picture = pictures_of(steep.material(structures=None)).pictures[0]
    seen, scale, origin = rendered(picture)
    for down in (-20.0, -10.0, 10.0, 25.0):
        # 107 % and 95 % lie 3.5 and 2.5 mm beside it; the line is dashed, so a stretch of it is looked at.
        here = patch(seen, origin + np.array([0.0, down]) * scale, 2.0)
        columns = np.flatnonzero(is_orange(here).any(axis=0))

        assert len(columns), down
        assert abs(float(columns.mean()) - (here.shape[1] - 1) / 2) < 1.2 * scale


def test_bone_on_the_patients_left_is_white_on_the_right_of_the_axial_picture(
    ball: Ball, shown: dict[PictureKind, Picture]
) -> None:
    seen, scale, origin = rendered(shown[PictureKind.AXIAL])
    rod = np.array(ball.rod_mm) - ball.centre

    # Left is to the right, posterior is down.
    assert patch(seen, origin + rod[:2] * scale, 0.6)[..., :3].min() > 200
    assert patch(seen, origin - rod[:2] * scale, 0.3)[..., :3].max() < 60


@pytest.mark.parametrize("position", ["HFP", "FFS", "HFDL"])
def test_a_picture_is_the_same_however_the_patient_lay(position: str) -> None:
    way = directions(position)
    usual = Ball(**SMALL)
    other = replace(usual, images=way, dose_way=way, position=position)
    first, second = (pictures_of(one.material()).pictures[0] for one in (usual, other))
    a, b = (rendered(picture, ppi=40)[0].astype(int) for picture in (first, second))

    assert a.shape == b.shape
    assert np.abs(a - b).mean() < 3
    assert f"Patient position {position}" in second.caption


def test_the_same_input_gives_the_same_bytes(ball: Ball, shown: dict[PictureKind, Picture]) -> None:
    again = pictures_of(ball.material()).pictures

    assert [picture.svg for picture in again] == [picture.svg for picture in shown.values()]


def test_captions_say_plane_dose_levels_window_and_where_the_dvh_is_from(
    shown: dict[PictureKind, Picture],
) -> None:
    axial = shown[PictureKind.AXIAL].caption

    assert "Plane at z 47.0 mm." in axial
    assert "Centre x 12.0, y -31.0, z 47.0 mm in the patient frame." in axial
    assert "100 % = 50.00 Gy, the prescription of the plan" in axial
    assert "CT from -160 (black) to 240 HU (white)." in axial
    assert "Plane at y -31.0 mm." in shown[PictureKind.CORONAL].caption
    assert "DVH computed here, for orientation" in shown[PictureKind.DVH].caption
    assert "Ball: 113" in shown[PictureKind.DVH].alternative


def test_pictures_hold_nothing_from_elsewhere_and_no_script(shown: dict[PictureKind, Picture]) -> None:
    for picture in shown.values():
        for element in ET.fromstring(picture.svg).iter():  # noqa: S314 - made here
            name = element.tag.rpartition("}")[2]
            assert name in {"svg", "title", "rect", "path", "text", "image", "g", "clipPath"}
            for key, value in element.attrib.items():
                assert not key.startswith("on")
                if "href" in key:
                    assert value.startswith("data:image/png;base64,")


def test_a_hostile_region_name_is_text_and_nothing_else(ball: Ball) -> None:
    data = ball.structures().replace(b"Ball", b"<&\x1b>")
    made = pictures_of(replace(ball, **SMALL).material(structures=opener(data)))

    for picture in made.pictures:
        ET.fromstring(picture.svg)  # noqa: S314 - made here


def test_a_name_that_no_font_shows_stands_as_code_points_and_the_paper_stays_archivable() -> None:
    paper = Paper(60, 10)
    paper.text(1, 5, "PTV 王 é …")
    page = b'#set document(date: datetime(year: 2026, month: 1, day: 1))\n#image("p.svg", alt: "x")'
    files = {"main.typ": page, "p.svg": paper.svg("王")}

    assert "PTV ‹U+738B› é …".encode() in paper.svg("王")
    assert typst.compile(files, font_paths=fonts(), pdf_standards="a-2b", timestamp=0)


@pytest.mark.parametrize("couch", [0.0, 90.0])
@pytest.mark.parametrize("gantry", [0.0, 90.0, 180.0])
def test_the_target_is_seen_round_and_central_from_every_side(gantry: float, couch: float) -> None:
    small = Ball(**SMALL)
    made = pictures_of(small.material(plan=small.plan(gantry=gantry, couch=couch)))
    picture = made.pictures[-1]
    run = path_points(picture, "#b2182b")
    middle = 29.0

    assert picture.kind is PictureKind.BEAMS_EYE
    assert np.hypot(*(run - middle).T) == pytest.approx(30 * 29 / 45.5, abs=2.2)


@pytest.mark.parametrize(
    ("position", "gantry", "where"),
    [
        ("HFS", 0.0, (1, 0)),
        ("HFS", 180.0, (-1, 0)),
        ("HFP", 0.0, (-1, 0)),
        ("FFS", 0.0, (-1, 0)),
        ("FFP", 0.0, (1, 0)),
        ("HFDR", 270.0, (1, 0)),
        ("HFDL", 90.0, (1, 0)),
        ("FFDR", 270.0, (1, 0)),
        ("FFDL", 90.0, (1, 0)),
    ],
)
def test_a_target_on_the_patients_left_is_seen_on_its_side(
    position: str, gantry: float, where: tuple[int, int]
) -> None:
    # IEC 61217: X of the gantry points up at 270° and down at 90°. On the right side, left is up.
    small = Ball(**SMALL, position=position)
    away = (small.centre_mm[0] - 20.0, small.centre_mm[1], small.centre_mm[2])
    made = pictures_of(small.material(plan=small.plan(gantry=gantry, isocentre_mm=away)))
    seen = path_points(made.pictures[-1], "#b2182b").mean(axis=0) - 29.0

    assert np.sign(np.round(seen / 5)) == pytest.approx((where[0], -where[1]), abs=0.1)


def test_leaves_and_jaws_are_drawn_turned_with_the_collimator() -> None:
    small = Ball(**SMALL)
    picture = pictures_of(small.material(plan=small.plan(collimator=90.0))).pictures[-1]
    jaws = path_points(picture, "#000000")

    # 40 by 60 mm: turned by 90° it is wider than high.
    assert np.ptp(jaws[:, 0]) / np.ptp(jaws[:, 1]) == pytest.approx(1.5, abs=0.01)
    assert "from -20.0 to 20.0 mm along X" in picture.alternative
    assert "15.0 cm² are open" in picture.alternative


def test_of_regions_without_end_some_are_looked_at_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "REGIONS_LOOKED_AT_MAX", 0)
    made = pictures_of(Ball(**SMALL).material())

    assert "Of 1 regions the first 0, targets first, were looked at." in made.reservations
    assert PictureKind.DVH not in {picture.kind for picture in made.pictures}


def test_jaws_a_thousand_kilometres_apart_are_not_drawn_and_take_no_memory() -> None:
    """A mark every 10 mm of such a field was a hundred million marks."""
    small = Ball(**SMALL)
    plan = dcmread(DicomBytesIO(small.plan_bytes()))
    for device in plan.BeamSequence[0].ControlPointSequence[0].BeamLimitingDevicePositionSequence:
        half = len(device.LeafJawPositions) // 2
        device.LeafJawPositions = ["-1e9"] * half + ["1e9"] * half
    made = pictures_of(replace(small.material(), plan_bytes=opener(encoded(plan))))

    assert PictureKind.BEAMS_EYE not in {picture.kind for picture in made.pictures}
    assert "Of beam 1 leaves and jaws are not stated, or senseless: no beam's-eye view." in made.reservations


MISSING: dict[str, tuple[dict[str, Any], str, set[PictureKind]]] = {
    "structures": (
        {"structures": None},
        "No structure set is kept of this plan: no contours, no dose-volume histogram.",
        {PictureKind.AXIAL, PictureKind.CORONAL, PictureKind.SAGITTAL, PictureKind.BEAMS_EYE},
    ),
    "dose": (
        {"doses": ()},
        "No dose is kept of this plan: no dose lines.",
        {PictureKind.AXIAL, PictureKind.CORONAL, PictureKind.SAGITTAL, PictureKind.BEAMS_EYE},
    ),
    "images": (
        {"images": []},
        "No images are kept of this plan: contours and dose stand on white.",
        set(PictureKind) - {PictureKind.PHOTO},
    ),
    "everything": (
        {"images": [], "doses": (), "structures": None},
        "No image",
        {PictureKind.BEAMS_EYE},
    ),
}


@pytest.mark.parametrize("what", sorted(MISSING))
def test_what_is_missing_is_said_and_the_rest_is_drawn(what: str) -> None:
    changes, words, kinds = MISSING[what]
    made = pictures_of(Ball(**SMALL).material(**changes))

    assert any(note.startswith(words) for note in made.reservations)
    assert {picture.kind for picture in made.pictures} == kinds


def test_nothing_is_laid_over_another_frame_of_reference() -> None:
    other = "1.2.826.2"
    small = Ball(**SMALL)
    for field, words in (
        ("image_frame", "image slices lie in another frame of reference than the plan: not shown."),
        (
            "structure_frame",
            "Drawn in another frame of reference than the plan's, so not laid over it: Ball.",
        ),
        ("dose_frame", "A dose in another frame of reference than the plan's is not laid over it."),
    ):
        made = pictures_of(replace(small, **{field: other}).material())  # type: ignore[arg-type]

        assert any(words in note for note in made.reservations), field
        assert not pictures_with(made.pictures, field)


def pictures_with(pictures: tuple[Picture, ...], field: str) -> bool:
    mark = {"image_frame": b"<image", "structure_frame": b">1 Ball<", "dose_frame": b"% = "}[field]
    return any(mark in picture.svg for picture in pictures)


def test_a_single_slice_is_shown_and_the_planes_across_it_have_none() -> None:
    small = Ball(**SMALL)
    middle = list(small.slices())[small.slice_count // 2]
    made = pictures_of(small.material(images=[middle]))

    assert any("single slice" in note for note in made.reservations)
    assert [b"<image" in picture.svg for picture in made.pictures[:3]] == [True, False, False]


def test_slices_that_all_lie_at_one_place_are_shown_from_the_front_alone() -> None:
    small = Ball(**SMALL)
    here = dcmread(DicomBytesIO(list(small.slices())[small.slice_count // 2]))
    images = []
    for number in range(3):
        here.SOPInstanceUID = f"1.2.3.9.{number}"
        images.append(encoded(here))
    made = pictures_of(small.material(images=images))

    assert [b"<image" in picture.svg for picture in made.pictures[:3]] == [True, False, False]


def test_a_damaged_object_is_named_and_does_not_stop_the_others() -> None:
    small = Ball(**SMALL)

    def broken() -> bytes:
        raise IntegrityError("The parcel's bytes are not those that were stored.")

    slices = list(small.slices())
    material = small.material(
        images=[*slices, slices[3][:400]], structures=broken, doses=(broken, small.dose)
    )
    made = pictures_of(material)
    notes = " ".join(made.reservations)

    assert "The structure set cannot be shown: The parcel's bytes" in notes
    assert "A dose cannot be shown: The parcel's bytes" in notes
    assert "An image slice cannot be shown: Truncated" in notes
    assert made.pictures[0].kind is PictureKind.AXIAL
    assert b"<image" in made.pictures[0].svg


def test_a_dose_far_below_the_prescription_is_doubted() -> None:
    small = Ball(**SMALL)
    plan = replace(small.plan(), target_prescription_dose_gy=250.0)
    made = pictures_of(small.material(plan=plan))

    assert any("may be the dose of one fraction" in note for note in made.reservations)


def test_doses_of_beams_are_added_and_the_words_say_so() -> None:
    small = Ball(**SMALL)
    part = small.dose(summation="BEAM")
    plan = replace(small.plan(), target_prescription_dose_gy=100.0)
    made = pictures_of(small.material(plan=plan, doses=(opener(part), opener(part))))

    assert any("is the sum of the 2 partial doses kept" in note for note in made.reservations)
    assert "mean 100.00 Gy" in made.pictures[3].alternative


def test_without_an_isocentre_the_planes_go_through_the_target() -> None:
    small = Ball(**SMALL)
    plan = replace(small.plan(), beams=())
    made = pictures_of(small.material(plan=plan))

    assert "The plan names no isocentre: the planes go through the middle of Ball." in made.reservations
    assert "The cross is the isocentre." not in made.pictures[0].caption


def test_a_plan_without_metersets_is_seen_through_its_isocentre_all_the_same() -> None:
    small = Ball(**SMALL)
    (beam,) = small.plan().beams
    plan = replace(small.plan(), beams=(replace(beam, beam_meterset=None),))
    made = pictures_of(small.material(plan=plan))

    assert "The cross is the isocentre." in made.pictures[0].caption
    assert made.pictures[-1].kind is PictureKind.BEAMS_EYE


def test_what_holds_for_several_plans_is_said_once() -> None:
    small = Ball(**SMALL)
    first = pictures_of(small.material(doses=(), images=[]))
    plans = [small.plan(), replace(small.plan(), rt_plan_label="Boost")]
    both = named(zip(plans, [first, replace(first, reservations=first.reservations[:1])], strict=True))

    assert both.reservations[0].startswith("Ball, Boost: No dose is kept")
    assert both.reservations[1].startswith("Ball: No images")
    assert both.pictures[0].title.startswith("Ball: ")
    assert both.pictures[-1].title.startswith("Boost: ")
    assert named([]).reservations == ("Pictures are drawn of plans, and none is here.",)


def test_specks_of_a_grainy_dose_are_left_out_and_that_is_said() -> None:
    small = Ball(**SMALL)
    grainy = dcmread(DicomBytesIO(small.dose()))
    stored = np.frombuffer(grainy.PixelData, "<u4").copy()
    checked = np.indices(stored.shape)[0] % 2 == 0
    grainy.PixelData = np.where(checked, stored, stored // 2).astype("<u4").tobytes()
    whole, specks = (
        pictures_of(small.material(structures=None, doses=(opener(data),)))
        for data in (small.dose(), encoded(grainy))
    )

    assert "The dose is grainy" not in whole.pictures[0].caption
    assert "The dose is grainy: lines that reach less than 15 mm are left out." in specks.pictures[0].caption


def test_a_plan_of_which_nothing_is_kept_has_no_picture_and_says_so() -> None:
    made = pictures_of(PlanMaterial(plan=replace(Ball().plan(), beams=())))

    assert made.pictures == ()
    assert len(made.reservations) == 5


# Looking at pixels ---------------------------------------------------------------------------------


def rendered(picture: Picture, ppi: int = 72) -> tuple[Pixels, float, NDArray[np.float64]]:
    """Return the picture as pixels, pixels for a mm of the patient, and where its centre is."""
    page = (
        f'#set page(width: {picture.width_mm}mm, height: {picture.height_mm}mm, margin: 0pt)\n#image("p.svg")'
    )
    made = typst.compile({"main.typ": page.encode(), "p.svg": picture.svg}, format="png", ppi=ppi)
    assert isinstance(made, bytes)
    pixels = decoded(made)
    bar = re.search(r'd="M2\.50 [\d.]+L2\.50 [\d.]+L([\d.]+) ', picture.svg.decode())
    words = re.search(r">(\d+) mm</text>", picture.svg.decode())
    assert bar is not None
    assert words is not None
    paper = ppi / 25.4
    scale = (float(bar[1]) - 2.5) / float(words[1])
    arms = re.findall(r'd="M([\d.]+) ([\d.]+)L[\d.]+ [\d.]+ M([\d.]+) [\d.]+L', picture.svg.decode())
    x_1, y_1, x_2 = (float(v) for v in arms[-1])
    return pixels, scale * paper, np.array([(x_1 + x_2) / 2, y_1]) * paper


def patch(pixels: Pixels, at: NDArray[np.float64], around: float) -> Pixels:
    x, y = (round(float(v)) for v in at)
    n = max(round(around * 2.83), 1)
    return pixels[y - n : y + n + 1, x - n : x + n + 1]


def is_red(pixels: Pixels) -> NDArray[np.bool_]:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return (red > 140) & (red - green > 70) & (red - blue > 70) & (abs(green - blue) < 40)


def is_orange(pixels: Pixels) -> NDArray[np.bool_]:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return (red - blue > 50) & (red - green > 25) & (green - blue > 15)


def path_points(picture: Picture, colour: str) -> NDArray[np.float64]:
    """Return the corners of the first thick path of that colour."""
    path = r'<path d="([^"]+)" fill="none" [^>]*stroke="([^"]+)" stroke-width="([\d.]+)"'
    for found in re.finditer(path, picture.svg.decode()):
        if found[2] == colour and float(found[3]) in {0.45, 0.5}:
            return np.array([[float(v) for v in p.split()] for p in re.findall(r"[ML]([\d. -]+)", found[1])])
    raise AssertionError(f"no line of {colour}")


def decoded(png: bytes) -> Pixels:
    """Return an 8-bit RGBA PNG as (row, column, 4)."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) == (8, 6)
    at, packed = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * 4)
    rows: list[list[int]] = [[0] * (width * 4)]
    for line in raw.tolist():
        rows.append(unfiltered(line[0], line[1:], rows[-1]))
    return np.array(rows[1:], np.uint8).reshape(height, width, 4)


def unfiltered(kind: int, line: list[int], above: list[int]) -> list[int]:
    if kind == 0:
        return line
    if kind == 2:
        return [(a + b) & 255 for a, b in zip(line, above, strict=True)]
    for at, value in enumerate(line):
        left = line[at - 4] if at >= 4 else 0
        up, corner = above[at], above[at - 4] if at >= 4 else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:
            near = left + up - corner
            guess = min((left, up, corner), key=lambda v: abs(near - v))
        line[at] = (value + guess) & 255
    return line
