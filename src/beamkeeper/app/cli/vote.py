"""`beamkeeper vote`: say that a night's changes are genuine, or that they are not."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out, print_error
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock
from beamkeeper.domain.ballot import Ballot, NightFacts, Verdict, VotePath
from beamkeeper.errors import BeamkeeperError, ConfigError

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.app.jobs.quorum import Standing
    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger

app = typer.Typer(no_args_is_help=True, help="Confirm or dispute what a night found changed.")

KEY_BYTES_MAX = 64 << 10

NightOption = Annotated[
    str | None, typer.Option("--night", metavar="DATE", help="The last reported night by default.")
]
PatientOption = Annotated[
    list[str] | None,
    typer.Option("--patient", metavar="ID", help="Only this patient: ID or pseudonym; may be repeated."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in your words.")]
AsOption = Annotated[
    str | None,
    typer.Option("--as", metavar="LOGIN", help="Who you are, if your account is called otherwise."),
]
CodeOption = Annotated[
    str | None, typer.Option("--code", help="With --as: your code of the report mail; asked for otherwise.")
]


@app.command("confirm")
def confirm(
    night: NightOption = None,
    patient: PatientOption = None,
    reason: ReasonOption = "",
    as_: AsOption = None,
    code: CodeOption = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Say that the changes of a night are genuine. You looked at the list: `beamkeeper changes`.

    Who you are: the account you are logged in with, if it is named among the people of the site file;
    else --as with the code from the report mailed to you. Exit status: 43 the vote does not count.

    Example: beamkeeper vote confirm --night 2026-03-03
    """
    return _vote(Verdict.CONFIRM, night, patient, reason, as_, code, site, json_)


@app.command("dispute")
def dispute(
    night: NightOption = None,
    patient: PatientOption = None,
    reason: ReasonOption = "",
    as_: AsOption = None,
    code: CodeOption = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Say that something in a night is not genuine: people are called, nothing is purged any more.

    Withdraw by confirming later; a second person has to confirm after you did. Exit status: 43 the
    vote does not count.

    Example: beamkeeper vote dispute --night 2026-03-03 --patient 0012345
    """
    return _vote(Verdict.DISPUTE, night, patient, reason, as_, code, site, json_)


@app.command("sign")
def sign(
    verdict: Annotated[Verdict, typer.Argument(help="confirm or dispute.")],
    key: Annotated[Path, typer.Option("--key", help="Your OpenSSH Ed25519 private key.")],
    as_: Annotated[str, typer.Option("--as", metavar="LOGIN", help="Who you are in the site file.")],
    night: Annotated[str, typer.Option("--night", metavar="DATE", help="The night.")],
    list_: Annotated[
        str,
        typer.Option("--list", metavar="DIGEST", help="The list you looked at: from `quorum --json`."),
    ],
    site_name: Annotated[str, typer.Option("--site-name", help="The department, as its site file calls it.")],
    patient: Annotated[
        list[str] | None,
        typer.Option("--patient", metavar="PSEUDONYM", help="Only this patient; whole pseudonym."),
    ] = None,
    reason: ReasonOption = "",
    out_dir: Annotated[Path, typer.Option("--out", help="Where the two files shall go.")] = Path(),
    json_: JsonOption = False,
) -> int:
    """Write a signed vote as two files, to drop in the site's folder; needs no site file.

    Works on any computer. `ssh-keygen -Y sign -n beamkeeper-vote` signs the same file as well.

    Example: beamkeeper vote sign confirm --as an --night 2026-03-03 --list 3f2a...
    """
    from beamkeeper.app.jobs.ballot_files import NAMESPACE, vote_bytes
    from beamkeeper.app.jobs.notes import write_whole
    from beamkeeper.wire import sshsig

    try:
        ballot = Ballot(
            night=parse_day(night),
            person=as_,
            verdict=verdict,
            scope=tuple(sorted(patient)) if patient else None,
            path=VotePath.FILE,
            at=SystemClock().now(),
            digest=list_,
            reason=reason,
        )
    except ValueError as error:
        raise ConfigError(f"This is no vote: {error}.", do_next="Copy the list's digest whole.") from error
    data = vote_bytes(ballot, site_name)
    name = f"{ballot.night}-{ballot.person}-{ballot.at:%Y%m%dT%H%M%SZ}.json"
    signature = sshsig.sign(data, private_key=_key_bytes(key), namespace=NAMESPACE)
    write_whole(out_dir / f"{name}.sig", signature)
    write_whole(out_dir / name, data)
    if json_:
        emit_json({"vote": out_dir / name, "signature": out_dir / f"{name}.sig"})
    else:
        out.print(f"✓ {out_dir / name}", soft_wrap=True)
        out.print(f"✓ {out_dir / name}.sig", soft_wrap=True)
    return 0


def _key_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(KEY_BYTES_MAX)
    except OSError as error:
        raise ConfigError(f"The key {path} cannot be read: {error.strerror}.") from error


def _vote(
    verdict: Verdict,
    night: str | None,
    patients: list[str] | None,
    reason: str,
    as_: str | None,
    code: str | None,
    site_path: Path | None,
    json_: bool,
) -> int:
    from beamkeeper.app.jobs.quorum import cast, section_of, take_reports
    from beamkeeper.app.jobs.runtime import open_ledger
    from beamkeeper.app.jobs.signed_votes import publish_votes
    from beamkeeper.app.jobs.vote_codes import use_code

    site, clock = open_site(site_path), SystemClock()
    section_of(site)
    ledger, now = open_ledger(site), clock.now()
    take_reports(site, ledger, now)
    facts = _meant(ledger, parse_day(night) if night else None)
    person, by_code = _who(site, ledger, facts, as_, code, now)
    ballot = Ballot(
        night=facts.night,
        person=person,
        verdict=verdict,
        scope=_scope(ledger, patients),
        path=VotePath.CLI,
        at=now,
        digest=facts.digest,
        reason=reason,
    )
    after = cast(site, ledger, ballot, now)
    if by_code:
        use_code(ledger, facts, person, now)
    try:
        publish_votes(site, ledger, clock)
    except BeamkeeperError as error:
        err.print("Your vote counts. It could not be signed into the vault yet; the next look tries again:")
        print_error(error)
    if json_:
        emit_json({"ballot": ballot, "night": after.night, "state": after.state})
    else:
        _show(after, site)
    return 0


def _meant(ledger: Ledger, night: date | None) -> NightFacts:
    reported = [facts for facts in ledger.votes.all_facts() if facts.reported_at is not None]
    found = [facts for facts in reported if night in {None, facts.night}]
    if not found:
        raise ConfigError(
            f"There is no report of {f'the night of {night}' if night else 'any night'} to vote on.",
            do_next="`beamkeeper quorum` lists the nights that can be voted on.",
        )
    return found[-1]


def _who(
    site: Site, ledger: Ledger, facts: NightFacts, as_: str | None, code: str | None, now: datetime
) -> tuple[str, bool]:
    """Return who votes, and whether a code proved it."""
    from beamkeeper.app.jobs.quorum import people_of
    from beamkeeper.app.jobs.vote_codes import verify_code

    account = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
    account = account or getpass.getuser()
    logins = {person.login for person in people_of(site)}
    if as_ in {None, account} and account in logins:
        return account, False
    if as_ is None or as_ not in logins:
        raise ConfigError(
            f"The account {as_ or account} is nobody among the people of the site file.",
            do_next="Say who you are with --as, and have the code of your report mail at hand.",
        )
    typed = code or typer.prompt("Your code", err=True)
    verify_code(site, ledger, facts, person=as_, typed=typed, now=now)
    return as_, True


def _scope(ledger: Ledger, patients: list[str] | None) -> tuple[str, ...] | None:
    return tuple(sorted({_pseudonym(ledger, given) for given in patients})) if patients else None


def _pseudonym(ledger: Ledger, given: str) -> str:
    found = {row.pseudonym for row in ledger.patient_by_id(given)} or {
        row.pseudonym for row in ledger.patients() if row.pseudonym.startswith(given)
    }
    if len(found) != 1:
        raise ConfigError(
            "No patient is known by that." if not found else f"{len(found)} patients fit that.",
            do_next="`beamkeeper patients` lists everybody; a Patient ID must be written exactly.",
        )
    return found.pop()


def _show(after: Standing, site: Site) -> None:
    from beamkeeper.app.cli.quorum import in_words

    out.print("✓ Your vote counts.")
    out.print(in_words(after, site), soft_wrap=True, markup=False)
