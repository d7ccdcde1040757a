"""Votes as files: a small JSON and its detached SSH signature, dropped in a folder of the site.

Nothing in the folder is believed, moved or deleted: what was read is remembered by its digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.app.jobs.quorum import cast, people_of, section_of
from beamkeeper.domain.ballot import Ballot, Verdict, VotePath
from beamkeeper.errors import IntegrityError, SourceUnavailable, VoteRefused
from beamkeeper.protect.quorum.casting import CLOCKS_DIFFER_MAX
from beamkeeper.wire import sshsig

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger
    from beamkeeper.protect.quorum import Person

FORMAT: Final = "beamkeeper-vote"
VERSION: Final = 1
NAMESPACE: Final = "beamkeeper-vote"
VOTE_BYTES_MAX: Final = 16 << 10
FILES_AT_A_TIME: Final = 200
_KEYS: Final = {
    "format",
    "version",
    "site",
    "night",
    "list",
    "person",
    "verdict",
    "scope",
    "signed_at",
    "reason",
}


def vote_bytes(ballot: Ballot, site_name: str) -> bytes:
    """Return a ballot as the file that its person signs."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "site": site_name,
        "night": ballot.night.isoformat(),
        "list": ballot.digest,
        "person": ballot.person,
        "verdict": ballot.verdict.value,
        "scope": None if ballot.scope is None else list(ballot.scope),
        "signed_at": ballot.at.isoformat(),
        "reason": ballot.reason,
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def read_vote(data: bytes, *, site_name: str) -> Ballot:
    """Return the ballot in a file, not yet believed.

    Raises
    ------
    IntegrityError
        It is none, or one for another site.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        if document.keys() != _KEYS or (document["format"], document["version"]) != (FORMAT, VERSION):
            raise _no_vote()
        scope = document["scope"]
        ballot = Ballot(
            night=date.fromisoformat(document["night"]),
            person=document["person"],
            verdict=Verdict(document["verdict"]),
            scope=None if scope is None else tuple(map(str, scope)),
            path=VotePath.FILE,
            at=datetime.fromisoformat(document["signed_at"]),
            digest=document["list"],
            reason=str(document["reason"]),
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise _no_vote() from error
    if document["site"] != site_name:
        raise IntegrityError("This vote is for another site.")
    return ballot


def _no_vote() -> IntegrityError:
    return IntegrityError(
        "This file is no vote of a kind that is read here.", do_next="See docs/formats/vote.md."
    )


def read_files(site: Site, ledger: Ledger, now: datetime) -> int:
    """Take every new signed vote in the site's folder; return how many counted.

    Raises
    ------
    SourceUnavailable
        The folder cannot be read.
    """
    folder = section_of(site).ballot_folder
    if folder is None:
        return 0
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".json"))
    except OSError as error:
        raise SourceUnavailable(
            f"The folder of signed votes {folder} cannot be read: {error.strerror}.",
            do_next="Is the share mounted, and may the collector's user read it?",
        ) from error
    counted = 0
    for name in names[:FILES_AT_A_TIME]:
        data = _read(folder / name)
        signature = _read(folder / f"{name}.sig")
        if data and signature:
            counted += _take_once(site, ledger, data, signature, now)
    return counted


def _read(path: Path) -> bytes:
    """Return a small regular file's bytes; b"" when it is none, or is not there (yet)."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        data = file.read(VOTE_BYTES_MAX + 1)
    return data if len(data) <= VOTE_BYTES_MAX else b""


def _take_once(site: Site, ledger: Ledger, data: bytes, signature: bytes, now: datetime) -> bool:
    key = f"file/{hashlib.sha256(data).hexdigest()}/{hashlib.sha256(signature).hexdigest()}"
    if ledger.votes.was_taken(key):
        return False
    ballot: Ballot | None = None
    person, why = "nobody", ""
    try:
        ballot = read_vote(data, site_name=site.site.name)
        person = _verified(site, ballot, data, signature).login
        _verify_new(ledger, ballot, now)
    except (VoteRefused, IntegrityError) as error:
        ballot, why = None, error.message
    counts = ballot is not None and _counts(site, ledger, ballot, now)
    ledger.votes.take_once(key, what="vote file", at=now)
    if why:
        ledger.audit.append(
            "vote refused", actor=person, outcome="refused", at=now, details={"path": "file", "why": why}
        )
    return counts


def _counts(site: Site, ledger: Ledger, ballot: Ballot, now: datetime) -> bool:
    """Cast a ballot whose person is proved; what `cast` refuses it has written into the audit log."""
    try:
        # When it was read, not when somebody says it was signed: nobody votes in time after the deadline.
        cast(site, ledger, replace(ballot, at=now), now)
    except VoteRefused:
        return False
    return True


def _verified(site: Site, ballot: Ballot, data: bytes, signature: bytes) -> Person:
    for person in people_of(site):
        if person.login == ballot.person and person.signing_key:
            sshsig.verify(data, signature, public_key=person.signing_key, namespace=NAMESPACE)
            return person
    raise IntegrityError("The site file knows no signing key of whoever this vote says it is from.")


def _verify_new(ledger: Ledger, ballot: Ballot, now: datetime) -> None:
    """Refuse an old file that somebody drops again after its person said something else."""
    mine = [b.at for b in ledger.votes.ballots(ballot.night) if b.person == ballot.person]
    if mine and ballot.at <= max(mine):
        raise VoteRefused("This vote was signed before the last one of the same person.")
    if ballot.at - now > CLOCKS_DIFFER_MAX:
        raise VoteRefused("This vote was signed by a clock that runs ahead.")
