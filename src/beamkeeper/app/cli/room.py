"""`beamkeeper incident room`: serve an incident's pages, and let people sign on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, HoldOption, who
from beamkeeper.app.cli.incident import FolderOption, app
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.app.cli.passphrases import new_passphrase
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.incident_people import Member
    from beamkeeper.app.web.room.serving import Place, Undeclared

PORT, LOOPBACK = 8444, "127.0.0.1"
LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="A short name: an.")]


@app.command("room")
def room(
    folder: FolderOption,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="Port to serve at.")] = PORT,
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="ADDRESS", help="Another address of this computer, with TLS."),
    ] = LOOPBACK,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="With --listen: a name browsers may ask by, for the certificate."),
    ] = None,
    vault: Annotated[
        Path | None,
        typer.Option("--vault", metavar="DIR", help="Not declared yet: the copy to declare from, on a page."),
    ] = None,
    hold: HoldOption = None,
) -> None:
    """Serve the pages of an incident in a browser: numbers, patients, order, checklist, journal.

    On this computer alone, unless --listen names an address; then with a certificate, whose authority the
    browsers are given once. The printed address lets one browser in, to read. Whoever signs is one of the
    incident's people and gives a passphrase: `beamkeeper incident admit`. Serves until it is stopped.

    With --vault, and no incident in the folder yet, the first page declares it: three cards are typed there.

    Example: beamkeeper incident room --incident /mnt/usb/incident
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.web.room.serving import certificates, new_token, place, serve

    where, token, clock = place(listen, port, tuple(name or ())), new_token(), SystemClock()
    undeclared = _undeclared(folder, vault, hold, where)
    if undeclared is None:
        IncidentFolder.open(folder).overview()  # refused before an address is shown that leads nowhere
    made = None if undeclared else certificates(IncidentFolder.open(folder), where, clock.now())
    if made is not None:
        err.print(f"Give this to the browsers: {made.authority}", soft_wrap=True, markup=False)
        err.print(f"  SHA-256 {made.fingerprint}", soft_wrap=True, markup=False)
    err.print("Open this once, in one browser; Ctrl-C ends the room:", markup=False)
    err.print(f"  {where.address}open/{token}/", soft_wrap=True, markup=False)
    serve(folder.absolute(), where, token, clock, undeclared)


def _undeclared(folder: Path, vault: Path | None, hold: list[Path] | None, where: Place) -> Undeclared | None:
    """Return what to declare from; None where the folder holds a whole incident, or no copy is named."""
    from beamkeeper.app.host import Host
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.web.room.serving import Undeclared

    if vault is None or IncidentFolder(folder).listed() is not None:
        return None
    if not where.is_loopback:
        raise ConfigError(
            "Cards are typed on this computer only.", do_next="Declare first, then start again with --listen."
        )
    if not vault.is_dir():
        raise ConfigError(f"{vault} is not a folder.", do_next="Name the folder of the vault's copy.")
    return Undeclared(
        vault=vault.absolute(),
        holds=tuple(one.absolute() for one in hold or ()),
        zone_name=Host().zone_name(),
    )


@app.command("admit")
def admit(
    login: LoginArgument,
    folder: FolderOption,
    name: Annotated[str, typer.Option("--name", help="As the journal shows it.")],
    duty: Annotated[str, typer.Option("--duty", help="physician, physicist, therapist, coordinator or it.")],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Let somebody sign on the pages: they type a passphrase of twelve characters or more, twice.

    The same login once more gives a new passphrase. It stands in the journal. Without a terminal the
    passphrase is the first line of the input.

    Example: beamkeeper incident admit an --name "An Peeters" --duty physician --incident incident
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_people import admit as admit_person

    opened, actor = IncidentFolder.open(folder), who(by)
    typed = new_passphrase()
    member = admit_person(
        opened, login, name=name, duty=duty, passphrase=typed, by=actor, at=SystemClock().now()
    )
    if json_:
        emit_json({"admitted": _plain(member)})
    else:
        out.print(f"✓ {member.words} can sign, as {member.login}", soft_wrap=True, markup=False)
    return 0


@app.command("dismiss")
def dismiss(
    login: LoginArgument, folder: FolderOption, by: ByOption = None, json_: JsonOption = False
) -> int:
    """Let somebody sign no more; what they signed stays.

    Example: beamkeeper incident dismiss an --incident incident
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_people import dismiss as dismiss_person

    dismiss_person(IncidentFolder.open(folder), login, by=who(by), at=SystemClock().now())
    if json_:
        emit_json({"dismissed": login})
    else:
        out.print(f"✓ {login} can sign no more", soft_wrap=True, markup=False)
    return 0


@app.command("people")
def people(folder: FolderOption, json_: JsonOption = False) -> int:
    """List who can sign, and any entry that is not the one the journal speaks of.

    Exit status: 0 all entries are what was written, 20 one was changed.

    Example: beamkeeper incident people --incident incident
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_people import exchanged, members

    opened = IncidentFolder.open(folder)
    rows = opened.journal.rows()
    found, changed = members(opened, rows), exchanged(opened, rows)
    if json_:
        emit_json({"people": [_plain(one) for one in found], "changed": changed})
    else:
        for one in found:
            print_wrapped(f"{one.login}: {one.words}")
        for login in changed:
            print_wrapped(f"▲ {login}: not the entry the journal speaks of; it counts for nobody.")
        if not found and not changed:
            print_wrapped("Nobody yet: beamkeeper incident admit LOGIN --name NAME --duty physician")
    return 20 if changed else 0


def _plain(member: Member) -> dict[str, object]:
    """Return what may be shown: everything but the hash."""
    return {
        "login": member.login,
        "name": member.name,
        "duty": member.duty,
        "admitted_at": member.admitted_at,
    }
