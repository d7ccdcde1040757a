"""The patterns of the sentences that the rules make, and their words; see `rule_words`.

Groups named `n`, `all`, `more` and `points` are whole numbers, `name` is a DICOM element, `where` a place;
everything else is copied. A pattern stands beside the rule that it repeats: the tests
let the rules speak and fail when a frequent sentence is not known here any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from beamkeeper.app.web.words import Words

    Patterns = Mapping[str, _StrPromise | str]

NOUNS: Final[Words] = {
    "beam": pgettext_lazy("a place", "beam"),
    "control point": pgettext_lazy("a place", "control point"),
    "leaf pair": pgettext_lazy("a place", "leaf pair"),
    "bank": pgettext_lazy("a place", "bank"),
    "jaw": pgettext_lazy("a place", "jaw"),
    "x jaws": pgettext_lazy("a place", "X jaws"),
    "y jaws": pgettext_lazy("a place", "Y jaws"),
    "spot": pgettext_lazy("a place", "spot"),
    "weight": pgettext_lazy("a place", "weight"),
    "fraction group": pgettext_lazy("a place", "fraction group"),
    "dose reference": pgettext_lazy("a place", "dose reference"),
    "patient setup": pgettext_lazy("a place", "patient setup"),
    "tolerance table": pgettext_lazy("a place", "tolerance table"),
    "application setup": pgettext_lazy("a place", "application setup"),
    "channel": pgettext_lazy("a place", "channel"),
    "source": pgettext_lazy("a place", "source"),
    "wedge": pgettext_lazy("a place", "wedge"),
    "block": pgettext_lazy("a place", "block"),
    "compensator": pgettext_lazy("a place", "compensator"),
    "range shifter": pgettext_lazy("a place", "range shifter"),
    "bolus roi": pgettext_lazy("a place", "bolus ROI"),
}
"""Where in an object, as `protect.compare.places` says it."""

ELEMENTS: Final[Words] = {
    "Approval Status": pgettext_lazy("an element", "approval status"),
    "Beam Dose": pgettext_lazy("an element", "beam dose"),
    "Beam Limiting Device Angle": pgettext_lazy("an element", "collimator angle"),
    "Beam Meterset": pgettext_lazy("an element", "beam meterset"),
    "Beam Name": pgettext_lazy("an element", "beam name"),
    "Cumulative Meterset Weight": pgettext_lazy("an element", "cumulative meterset weight"),
    "Dose Grid Scaling": pgettext_lazy("an element", "dose grid scaling"),
    "Dose Rate Set": pgettext_lazy("an element", "dose rate set"),
    "Final Cumulative Meterset Weight": pgettext_lazy("an element", "final cumulative meterset weight"),
    "Gantry Angle": pgettext_lazy("an element", "gantry angle"),
    "Gantry Rotation Direction": pgettext_lazy("an element", "gantry rotation direction"),
    "Isocenter Position": pgettext_lazy("an element", "isocentre"),
    "Nominal Beam Energy": pgettext_lazy("an element", "nominal beam energy"),
    "Number of Beams": pgettext_lazy("an element", "number of beams"),
    "Number of Fractions Planned": pgettext_lazy("an element", "number of fractions planned"),
    "Patient Position": pgettext_lazy("an element", "patient position"),
    "Patient Support Angle": pgettext_lazy("an element", "couch angle"),
    "Plan Intent": pgettext_lazy("an element", "plan intent"),
    "RT Plan Label": pgettext_lazy("an element", "plan label"),
    "RT Plan Name": pgettext_lazy("an element", "plan name"),
    "ROI Name": pgettext_lazy("an element", "ROI name"),
    "Source to Surface Distance": pgettext_lazy("an element", "source to surface distance"),
    "Structure Set Label": pgettext_lazy("an element", "structure set label"),
    "Structure Set Name": pgettext_lazy("an element", "structure set name"),
    "Table Top Lateral Position": pgettext_lazy("an element", "couch, lateral"),
    "Table Top Longitudinal Position": pgettext_lazy("an element", "couch, longitudinal"),
    "Table Top Vertical Position": pgettext_lazy("an element", "couch, vertical"),
    "Target Prescription Dose": pgettext_lazy("an element", "dose prescribed to the target"),
    "Treatment Delivery Type": pgettext_lazy("an element", "treatment delivery type"),
    "Treatment Machine Name": pgettext_lazy("an element", "treatment machine"),
    "Wedge Angle": pgettext_lazy("an element", "wedge angle"),
}
"""DICOM elements that physicists read most; a sentence about another one stays in English."""

_NAME: Final = f"(?P<name>{'|'.join(sorted(ELEMENTS, key=len, reverse=True))})"
_FROM_TO: Final = r"(?P<old>\S.*?) → (?P<new>.+)"
_SLICES: Final = r"\(slices? z = (?P<slices>-?[0-9.e+-]+(?: to -?[0-9.e+-]+)? mm)\)"
_LARGEST: Final = r"; largest: (?P<where>[a-zA-Z0-9, ()]+), (?P<old>\S+) → (?P<new>\S+(?: mm)?)"
_CHANGED_AT: Final = r"(?P<n>[\d,]+) {things} changed at (?P<points>\d+) control points?" + _LARGEST

WHATS: Final[Patterns] = {
    rf"{_NAME} {_FROM_TO}": "%(name)s %(old)s → %(new)s",
    rf"{_NAME}: (?P<n>\d+) values → (?P<new>\d+) values": _("%(name)s: %(n)s → %(new)s values"),
    rf"{_NAME}: value (?P<at>\d+) of (?P<all>\d+): {_FROM_TO}": _(
        "%(name)s: value %(at)s of %(all)s: %(old)s → %(new)s"
    ),
    rf"{_NAME}: value (?P<at>\d+) of (?P<all>\d+) and (?P<more>\d+) more: {_FROM_TO}": _(
        "%(name)s: value %(at)s of %(all)s and %(more)s more: %(old)s → %(new)s"
    ),
    rf"{_NAME} added: (?P<new>.+)": _("%(name)s added: %(new)s"),
    rf"{_NAME} removed \(was (?P<old>.+)\)": _("%(name)s removed (was %(old)s)"),
    rf"{_NAME} added": _("%(name)s added"),
    rf"{_NAME} removed": _("%(name)s removed"),
    rf"{_NAME} changed": _("%(name)s changed"),
    r"added": _("added"),
    r"removed": _("removed"),
    r"(?P<old>[-+\d.e]+) → (?P<new>[-+\d.e]+(?: mm)?)": "%(old)s → %(new)s",
    _CHANGED_AT.format(things="leaf and jaw positions"): ngettext_lazy(
        "%(n)s leaf and jaw positions changed at %(points)s control point; "
        "largest: %(where)s, %(old)s → %(new)s",
        "%(n)s leaf and jaw positions changed at %(points)s control points; "
        "largest: %(where)s, %(old)s → %(new)s",
        "points",
    ),
    r"(?P<n>[\d,]+) contours? moved, at most (?P<far>\S+) mm " + _SLICES: ngettext_lazy(
        "%(n)s contour moved, at most %(far)s mm (z = %(slices)s)",
        "%(n)s contours moved, at most %(far)s mm (z = %(slices)s)",
        "n",
    ),
    r"(?P<n>[\d,]+) contours? added " + _SLICES: ngettext_lazy(
        "%(n)s contour added (z = %(slices)s)", "%(n)s contours added (z = %(slices)s)", "n"
    ),
    r"(?P<n>[\d,]+) contours? removed " + _SLICES: ngettext_lazy(
        "%(n)s contour removed (z = %(slices)s)", "%(n)s contours removed (z = %(slices)s)", "n"
    ),
    r"(?P<n>[\d,]+) details of contours changed, no point moved": _(
        "%(n)s details of contours changed, no point moved"
    ),
}
"""What became of it, as `protect.compare` says it: words, delivery, contours."""

AT_A_PLACE: Final = _("%(place)s: %(what)s")
NEUTRAL: Final = {
    "slices": (r" to ", " … "),
    "uids": (r" and (\d+) more$", r", … (+\1)"),
    "old": (r", (\S+ Gy) in all$", r" (Σ \1)"),
    "new": (r", (\S+ Gy) in all$", r" (Σ \1)"),
}
"""English words inside values, by their group, and the signs that say the same in any language."""

_VOXELS: Final = r"Pixel Data: (?P<n>[\d,]+) of (?P<all>[\d,]+) voxels changed, by at most (?P<far>[^;]+)"
_RX: Final = (
    r"The OIS prescribes otherwise, prescription (?P<rx>\d+) of course (?P<course>\d+): (?P<old>[^→]+) → "
)
_COUNTED: Final = r"The OIS counts otherwise, (?P<which>.+): (?P<old>[\d?]+) → (?P<new>[\d?]+) "
_WHOSE: Final = r": a person must say whose it is\."

WHOLE: Final[Patterns] = {
    _VOXELS + r"; maximum dose (?P<old>\S+) → (?P<new>[^;]+)": _(
        "Dose: %(n)s of %(all)s voxels changed, by at most %(far)s; maximum dose %(old)s → %(new)s"
    ),
    _VOXELS + r"; maximum dose (?P<old>[^;→]+), unchanged": _(
        "Dose: %(n)s of %(all)s voxels changed, by at most %(far)s; maximum dose %(old)s, unchanged"
    ),
    r"Pixel Data: (?P<n>[\d,]+) of (?P<all>[\d,]+) pixels changed, by at most (?P<far>\S+)": _(
        "Image: %(n)s of %(all)s pixels changed, by at most %(far)s"
    ),
    r"Dose Grid Scaling changed: every voxel is scaled, maximum dose (?P<old>\S+) → (?P<new>[^;]+)": _(
        "Dose grid scaling changed: every voxel is scaled, maximum dose %(old)s → %(new)s"
    ),
    r"and (?P<n>[\d,]+) more differences": ngettext_lazy(
        "and %(n)s more difference", "and %(n)s more differences", "n"
    ),
    r"More than (?P<n>[\d,]+) differences: this is another object": _(
        "More than %(n)s differences: this is another object"
    ),
    r"The source no longer lists it\. The vault keeps the last copy\.": _(
        "The source no longer lists it. The vault keeps the last copy."
    ),
    r"It names no plan that is kept here: a person must say which plan and fraction it belongs to\.": _(
        "It names no plan that is kept here: a person must say which plan and fraction it belongs to."
    ),
    r"It names another Patient ID or SOP Instance UID than it was asked for by" + _WHOSE: _(
        "It names another Patient ID or SOP Instance UID than it was asked for by: "
        "a person must say whose it is."
    ),
    r"An object of the same SOP Instance UID is kept under another patient" + _WHOSE: _(
        "An object of the same SOP Instance UID is kept under another patient: a person must say whose it is."
    ),
    _RX + r"nothing any more\.": _(
        "The OIS prescribes otherwise, prescription %(rx)s of course %(course)s: %(old)s → nothing any more."
    ),
    _RX + r"(?P<new>\d.+)\.": _(
        "The OIS prescribes otherwise, prescription %(rx)s of course %(course)s: %(old)s → %(new)s."
    ),
    _COUNTED + r"fractions planned\.": _(
        "The OIS counts otherwise, %(which)s: %(old)s → %(new)s fractions planned."
    ),
    _COUNTED + r"fractions done\.": _(
        "The OIS counts otherwise, %(which)s: %(old)s → %(new)s fractions done."
    ),
    r"Not approved: the plan says (?P<status>\w+)\.": _("Not approved: the plan says %(status)s."),
    r"Not approved as far as anyone can tell: the plan says nothing about approval\.": _(
        "Not approved as far as anyone can tell: the plan says nothing about approval."
    ),
    r"The plan itself is not among the objects kept\.": _("The plan itself is not among the objects kept."),
    r"The plan refers to no structure set\.": _("The plan refers to no structure set."),
    r"The structure set is missing \((?P<uid>[\d.]+)\)\.": _("The structure set is missing (%(uid)s)."),
    r"(?P<n>[\d,]+) of (?P<all>[\d,]+) planning images are missing \((?P<uids>[^()]+)\)\.": _(
        "%(n)s of %(all)s planning images are missing (%(uids)s)."
    ),
    r"No planning image is here\.": _("No planning image is here."),
    r"A dose the plan refers to is missing \((?P<uids>[^()]+)\)\.": _(
        "A dose the plan refers to is missing (%(uids)s)."
    ),
    r"No dose refers to the plan\.": _("No dose refers to the plan."),
    r"Where the course stands is not known\.": _("Where the course stands is not known."),
    r"All (?P<n>\d+) fractions are given\.": _("All %(n)s fractions are given."),
    r"Fraction (?P<at>\d+) was begun and must be completed first\.": _(
        "Fraction %(at)s was begun and must be completed first."
    ),
    r"nothing passes; (?P<card>\S+) is down": _("nothing passes; %(card)s is down"),
    r"nothing passes; (?P<card>\S+) is not there": _("nothing passes; %(card)s is not there"),
    r"(?P<n>\d+) peers may pass; (?P<card>\S+) is up": ngettext_lazy(
        "%(n)s peer may pass; %(card)s is up", "%(n)s peers may pass; %(card)s is up", "n"
    ),
}
"""Sentences without a place: doses and images, what is missing of a plan, prescriptions, the window."""
