"""What is found at a destination, in plain words, each with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.protect.mirror.outcome import Problem, ProblemKind

if TYPE_CHECKING:
    from beamkeeper.vault.hold import Hold


def altered(name: str) -> Problem:
    """Return the problem of an object whose bytes are not those that were sealed."""
    return Problem(
        kind=ProblemKind.ALTERED,
        name=name,
        text=f"{name} has other bytes than the ones that were sealed: it was altered there.",
        do_next="It is never overwritten. Keep it as evidence: move it out of the mirror's folder (in a"
        " bucket, bring back the version before), then run `beamkeeper mirrors run`: it is sent again.",
    )


def gone(name: str) -> Problem:
    """Return the problem of an object that was proved and is not listed any more."""
    return Problem(
        kind=ProblemKind.GONE,
        name=name,
        text=f"{name} had been proved there and is gone: somebody removed it. It is sent again.",
        do_next="Find out who can remove files there; choose a destination with write-once protection.",
    )


def listed_and_absent(name: str) -> Problem:
    """Return the problem of an object that is listed and cannot be read."""
    return Problem(
        kind=ProblemKind.LIED,
        name=name,
        text=f"{name} is listed there and is not there when it is read.",
        do_next="Do not count on this destination; have its administrator look.",
    )


def lied(name: str, *, absent: bool) -> Problem:
    """Return the problem of an object that was acknowledged and is not given back as sent."""
    what = "then has none of it" if absent else "gives other bytes back"
    return Problem(
        kind=ProblemKind.LIED,
        name=name,
        text=f"The destination said that {name} is stored and {what}.",
        do_next="Do not count on this destination; have its administrator look.",
    )


def not_here(name: str) -> Problem:
    """Return the problem of a parcel that the vault itself lacks."""
    return Problem(
        kind=ProblemKind.NOT_HERE,
        name=name,
        text=f"The vault lacks {name}, which its metadata name; this destination does not have it either.",
        do_next="Look at the other mirrors: `beamkeeper mirrors fetch` brings back what one has.",
    )


def strange(count: int) -> Problem:
    """Return the remark about objects there that signed metadata do not name."""
    objects = "1 object there is" if count == 1 else f"{count} objects there are"
    return Problem(
        kind=ProblemKind.STRANGE,
        name="",
        text=f"{objects} not named by signed metadata: left by a night that crashed, or put there by others.",
        do_next="Nothing: they are never read and never restored from.",
    )


def kept(count: int, lock: str | None) -> Problem:
    """Return the problem of parcels that were removed by rule and still lie there."""
    parcels = "1 parcel whose" if count == 1 else f"{count} parcels whose"
    why = f" ({lock})" if lock else ""
    return Problem(
        kind=ProblemKind.KEPT,
        name="",
        text=f"{parcels} time is over could not be removed there{why}.",
        do_next="Give the right to delete, have them removed there, or let a lifecycle rule of the bucket do"
        " it. It is tried again at every run.",
    )


def frozen(count: int, notice: Hold) -> Problem:
    """Return the problem of parcels that were removed by rule and are kept while an incident is open."""
    parcels = "1 parcel whose time is over is" if count == 1 else f"{count} parcels whose time is over are"
    return Problem(
        kind=ProblemKind.KEPT,
        name="",
        text=f"{parcels} not removed there. {notice.said}",
        do_next="Whoever declared it lifts it: `beamkeeper incident close`.",
    )


def turned_back(found: int, put: int) -> Problem:
    """Return the problem of a timestamp that is older than the one that was put there."""
    return Problem(
        kind=ProblemKind.TURNED_BACK,
        name="metadata/timestamp.json",
        text=f"The mirror was turned back: it shows state {found}, and state {put} had been proved there.",
        do_next="It is brought forward again now. Find out who can write there.",
    )


def timestamp_changed() -> Problem:
    """Return the problem of a timestamp that no key of the vault signed."""
    return Problem(
        kind=ProblemKind.ALTERED,
        name="metadata/timestamp.json",
        text="The signed timestamp there was replaced by something else, or removed.",
        do_next="It is put there again now. Find out who can write there.",
    )


def ahead(found: int, ours: int) -> Problem:
    """Return the problem of a destination that holds a newer state than this vault."""
    return Problem(
        kind=ProblemKind.AHEAD,
        name="metadata/timestamp.json",
        text=f"The mirror holds the signed state {found}; this vault is at {ours}, which is older.",
        do_next="Either this vault was turned back, or another collector has its keys. Nothing was"
        " changed there. Run `beamkeeper vault verify` before anything else.",
    )


def metadata_altered(name: str) -> Problem:
    """Return the problem of a signed file whose name is taken by other bytes."""
    return Problem(
        kind=ProblemKind.ALTERED,
        name=name,
        text=f"{name} has other bytes than the ones that were signed, so the newest state cannot be shown.",
        do_next="It is never overwritten: move it out of the mirror's folder, then run"
        " `beamkeeper mirrors run`.",
    )
