"""`beamkeeper data`: open and close the sealed data directory of a collector that only encrypts."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import typer

from beamkeeper.app.cli.console import emit_json, err, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, read_site
from beamkeeper.app.cli.restore import IdentityOption, WordsOption, recovery_by
from beamkeeper.errors import DataClosed, KeyUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site import Site

app = typer.Typer(no_args_is_help=True, help="Open and close the sealed data directory, and look at it.")


@app.command("open")
def open_(
    site: SiteOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> None:
    """Open the data directory: with the key the site file names, else with the passphrase you type.

    It stays open until `beamkeeper data close` or the computer stops. --words: three recovery cards give
    the passphrase.

    Example: beamkeeper data open
    """
    from beamkeeper.app.opening_data import open_data

    chosen = read_site(site)
    was_shut = open_data(chosen, _passphrase(chosen, identity, words=words))
    if json_:
        emit_json({"data_dir": chosen.data_dir, "open": True, "was_open": not was_shut})
    else:
        out.print(f"✓ {chosen.data_dir} {'is' if was_shut else 'was'} open.", soft_wrap=True)


def _passphrase(site: Site, identity: Path | None, *, words: bool) -> str:
    from beamkeeper.app.opening_data import passphrase_by_cards, passphrase_by_reference

    recovery = recovery_by(identity, words=words)
    if recovery is not None:
        return passphrase_by_cards(site, recovery)
    if site.vault.data_key:
        try:
            return passphrase_by_reference(site)
        except KeyUnavailable as error:
            if not sys.stdin.isatty():
                raise
            err.print(error.message, markup=False, soft_wrap=True)
    if not sys.stdin.isatty():
        raise DataClosed(
            "The data directory is sealed, and nobody is there to type its passphrase.",
            do_next="Run this in a terminal, or name a data_key in the site file.",
        )
    return getpass.getpass("Passphrase of the data directory: ").strip()


@app.command("close")
def close(site: SiteOption = None, json_: JsonOption = False) -> None:
    """Close the data directory; refused while a command or the service works with it.

    Example: beamkeeper data close
    """
    from beamkeeper.app.opening_data import close_data

    chosen = read_site(site)
    was_open = close_data(chosen)
    if json_:
        emit_json({"data_dir": chosen.data_dir, "open": False, "was_open": was_open})
    else:
        out.print(f"✓ {chosen.data_dir} {'is' if was_open else 'was'} shut.", soft_wrap=True)


@app.command("status")
def status(site: SiteOption = None, json_: JsonOption = False) -> int:
    """Say how the data directory is sealed, and whether it is open.

    Exit status: 0 it can be used, 27 it is shut, 2 it lies in clear although the site file says encrypt_only.

    Example: beamkeeper data status
    """
    from beamkeeper.app.checkup_data import check_data
    from beamkeeper.app.host import Host
    from beamkeeper.app.sealed_data import standing

    chosen, host = read_site(site), Host()
    found, finding = standing(chosen.data_dir, host), check_data(chosen, host)
    if json_:
        emit_json(
            {"data_dir": chosen.data_dir, "sealed_by": found.sealed, "shut": found.shut, "text": finding.text}
        )
    else:
        print_wrapped(finding.text)
        if finding.do_next:
            print_wrapped(f"  → {finding.do_next}")
    if found.shut is not None:
        return 27
    return 2 if chosen.vault.encrypt_only and found.sealed is None else 0
