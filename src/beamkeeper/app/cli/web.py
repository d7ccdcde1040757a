"""`beamkeeper console`: make the pages, serve them, and give people accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, find_site, open_site
from beamkeeper.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.web.accounts import Invited
    from beamkeeper.app.web.console import Console

app = typer.Typer(no_args_is_help=True, help="The pages: serve them, and give people accounts.")

LoginArgument = Annotated[str, typer.Argument(help="The person's short name, as in the site file.")]


def _console(site: Path | None) -> Console:
    from beamkeeper.app.web.serving import console_certificates
    from beamkeeper.app.web.settings import prepare

    chosen, clock = open_site(site), SystemClock()
    console_certificates(chosen, clock)
    prepare(chosen, clock)
    from beamkeeper.app.web.console import the_console

    return the_console()


@app.command("init")
def init(
    new_authority: Annotated[
        bool, typer.Option("--new-authority", help="Make another authority too; browsers must be told again.")
    ] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> None:
    """Make the console's certificates and database, or bring them up to date; harmless to repeat.

    The authority's certificate goes to the browsers once; compare the fingerprint when you do.

    Example: beamkeeper console init
    """
    from beamkeeper.app.web.serving import console_certificates
    from beamkeeper.app.web.settings import prepare

    chosen, clock = open_site(site), SystemClock()
    made = console_certificates(chosen, clock, new_authority=new_authority)
    prepare(chosen, clock)
    if json_:
        emit_json({"address": chosen.console.address, "certificates": made})
        return
    out.print(f"The pages: {chosen.console.address}", soft_wrap=True)
    out.print(f"Give this to the browsers: {made.authority}", soft_wrap=True)
    print_wrapped(f"  SHA-256 {made.fingerprint}")
    print_wrapped(
        f"Server certificate until {made.server_ends_at:%Y-%m-%d}, renewed by itself;"
        f" authority until {made.authority_ends_at:%Y-%m-%d}."
    )


@app.command("serve")
def serve(site: SiteOption = None) -> None:
    """Serve the pages until stopped, in the foreground; systemd runs it.

    Example: beamkeeper console serve
    """
    from beamkeeper.app.web.serving import serve as serve_pages

    path = find_site(site)
    chosen = open_site(path, with_key=True)
    err.print(f"The pages: {chosen.console.address}", soft_wrap=True)
    serve_pages(chosen, path.resolve(), SystemClock())


@app.command("add-person")
def add_person(
    login: LoginArgument,
    role: Annotated[str, typer.Option(help="physicist, physician, therapist, it or auditor.")],
    name: Annotated[str, typer.Option(help="As pages show it; from the site file by default.")] = "",
    language: Annotated[str, typer.Option(help="nl, fr, de or en; from the site file by default.")] = "",
    site: SiteOption = None,
    json_: JsonOption = False,
) -> None:
    """Make an account, and print the invitation by which its person sets the password, once.

    Hand the link over yourself, to the person: whoever opens it first is them. There is no other way
    to an account, and no default password.

    Example: beamkeeper console add-person an --role physicist
    """
    console = _console(site)
    from beamkeeper.app.web.accounts import add_person as make

    _tell(make(console, login, role, name=name, language=language), console, json_=json_)


@app.command("invite")
def invite(login: LoginArgument, site: SiteOption = None, json_: JsonOption = False) -> None:
    """Give somebody a new start who forgot the password or lost the telephone.

    What they had of both, and their sessions, end now.

    Example: beamkeeper console invite an
    """
    console = _console(site)
    from beamkeeper.app.web.accounts import invite_again

    _tell(invite_again(console, login), console, json_=json_)


@app.command("remove-person")
def remove_person(login: LoginArgument, site: SiteOption = None, json_: JsonOption = False) -> None:
    """Switch an account off: sessions end, nobody logs in to it; what it did stays in the audit log.

    Example: beamkeeper console remove-person an
    """
    console = _console(site)
    from beamkeeper.app.web.accounts import remove_person as switch_off

    switch_off(console, login)
    if json_:
        emit_json({"removed": login})
    else:
        out.print(f"✓ {login} cannot log in any more.")


@app.command("people")
def people(site: SiteOption = None, json_: JsonOption = False) -> None:
    """List the accounts: role, whether in use, invited or switched off, second factor.

    Example: beamkeeper console people
    """
    _console(site)
    from beamkeeper.app.web.accounts import everybody

    found = everybody()
    if json_:
        emit_json({"people": found})
        return
    for one in found:
        factor = "second factor" if one.second_factor else "no second factor"
        print_wrapped(f"{one.login}: {one.name}, {one.role}, {one.state}, {factor}")
    if not found:
        out.print("Nobody yet: beamkeeper console add-person LOGIN --role physicist")


def _tell(invited: Invited, console: Console, *, json_: bool) -> None:
    if json_:
        emit_json({"invited": invited})
        return
    until = invited.expires_at.astimezone(console.site.zone)
    out.print(f"✓ {invited.name} ({invited.login}, {invited.role}) is invited:", markup=False, soft_wrap=True)
    out.print(f"  {invited.link}", markup=False, soft_wrap=True)
    print_wrapped(f"It counts once, until {until:%Y-%m-%d %H:%M}. Hand it to the person, nobody else.")
    if invited.role in {"physicist", "physician"} and not invited.votes:
        print_wrapped("▲ Votes of this account do not count: [quorum] in the site file names nobody so.")
