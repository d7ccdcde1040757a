"""What stands on a dossier, in words: every rendering shows the same, none adds anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.protect.dossier.picture import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Labels and what they say, side by side."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a header.

    Attributes
    ----------
    widths
        One a column: "auto" for what is short, "1fr" for what may be long.
    title
        What stands above it; "" for none.
    numeric
        Columns that are set to the right.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[str, ...]
    title: str = ""
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What must be read before anything is done."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Sentences, a paragraph each."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture."""

    picture: Picture


Block = Pairs | Table | Marked | Lines | Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what belongs under it.

    Attributes
    ----------
    is_half
        Whether it may stand beside the next one.
    """

    title: str
    blocks: tuple[Block, ...]
    is_half: bool = False


class VerdictKind(StrEnum):
    """What somebody who knows nothing of the patient shall do first."""

    TREAT = "treat"
    ASK = "ask"
    DO_NOT = "do not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One line for the whole patient.

    Attributes
    ----------
    words
        "Treat fraction 8 of 15 of plan …", "Ask first: …", "Do not treat: …".
    because
        What stands small under it: up to when was counted, or what would be next once it is settled.
    """

    kind: VerdictKind
    words: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one plan stands, as large as it can be said.

    Attributes
    ----------
    next_words
        "Fraction 8 of 25", "Complete fraction 7 of 25 first", "Not begun: fraction 1 of 5", ….
    given
        "7 of 25 fractions complete, 1 partial".
    facts
        Dose so far, last, gap, machine.
    warnings
        What keeps it from being certain or from being treated from this copy, the first of them.
    plan_uid
        Which plan it is, for whoever sorts them; not shown.
    """

    plan: str
    next_words: str
    given: str
    facts: tuple[tuple[str, str], ...]
    ready: str
    warnings: tuple[str, ...] = ()
    plan_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who it is, on every page.

    Attributes
    ----------
    others
        Born, sex, language and the like.
    photo
        None where no source has one.
    """

    name: str
    patient_id: str
    others: tuple[tuple[str, str], ...]
    photo: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything on the paper, in its order.

    Attributes
    ----------
    name_alerts
        Under the name: that another patient may be taken for this one.
    verdict
        Under the name: what to do first.
    made_of
        Which night and who confirmed it, or that nobody did.
    is_confirmed
        Whether people vouch for it.
    alerts
        Allergy, pacemaker and the like: before anything else.
    before, first, second, details
        What stands before and after the standings on page 1; page 2; everything after.
    reading
        How dates, numbers and signs are meant; in the end of the first page.
    as_of
        Of what instant it speaks; the document's own date.
    """

    site_name: str
    identity: Identity
    name_alerts: tuple[str, ...]
    verdict: Verdict
    made_of: str
    is_confirmed: bool
    as_of: datetime
    as_of_words: str
    alerts: tuple[str, ...]
    standings: tuple[Standing, ...]
    nothing_to_treat: str
    before: tuple[Section, ...]
    first: tuple[Section, ...]
    second: tuple[Section, ...]
    details: tuple[Section, ...]
    reading: str = field(
        default="How to read: dates are year-month-day, numbers have a decimal point, ▲ stands before what "
        "has to be looked at first, → before what departments usually do then: your own order counts. "
        "‹U+738B› is a letter that this paper cannot show.",
    )
    decides: str = field(
        default="Decision support, not a medical device: a physicist or physician decides.",
    )
