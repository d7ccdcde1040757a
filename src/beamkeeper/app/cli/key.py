"""`beamkeeper incident key`: cards are typed once; whoever goes on types a passphrase."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.incident import FolderOption
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.app.cli.passphrases import new_passphrase, passphrase
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption, recovery_by
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError, KeyUnavailable

if TYPE_CHECKING:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.opened import OpenedVault

FROM_VARIABLE = "BEAMKEEPER_PASSPHRASE_FROM"
KINDS = ("file:", "credential:")


def command(
    folder: FolderOption,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    forget: Annotated[bool, typer.Option("--forget", help="Remove the key from the folder.")] = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Keep the recovery key in the incident's folder, encrypted to a passphrase: no cards any more.

    Commands of the incident that read the copy then ask for the passphrase, and know where the copy lies.
    You choose it (twelve characters or more, typed twice) before the cards are asked. From then on whoever
    has the folder and the passphrase reads the whole vault: take a sentence that stands nowhere else. Closing
    the incident removes the key. Without a terminal the passphrase is the first line of the input.

    Exit status: 0 kept or removed, 3 with --forget where none was kept.

    Example: beamkeeper incident key --vault /mnt/usb/vault --words --by "A. Jansen"
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_key import remove

    opened, actor = IncidentFolder.open(folder), who(by)
    if not forget:
        return _keep(opened, vault, identity, words=words, by=actor, json_=json_)
    removed = remove(opened, by=actor, at=SystemClock().now())
    if json_:
        emit_json({"removed": removed})
    else:
        print_wrapped(
            "✓ The key is removed. Copies of the folder keep it." if removed else "No key is kept there."
        )
    return 0 if removed else 3


def _keep(
    folder: IncidentFolder, vault: Path | None, identity: Path | None, *, words: bool, by: str, json_: bool
) -> int:
    from beamkeeper.app.jobs.incident_key import keep, verify_is_of
    from beamkeeper.app.jobs.incident_people import verify_passphrase
    from beamkeeper.app.opened import open_elsewhere

    if vault is None or not vault.is_dir():
        raise ConfigError("No folder of a vault's copy is named.", do_next="Give --vault DIR.")
    if identity is None and not words:
        raise ConfigError(
            "A copy of a vault opens with a key.",
            do_next="Give --identity FILE, or --words to type three recovery cards.",
        )
    folder.overview()  # what can be refused is refused before somebody types 99 words
    clock, chosen = SystemClock(), new_passphrase()
    verify_passphrase(chosen, "", by)
    recovery = recovery_by(identity, words=words)
    assert recovery is not None  # noqa: S101 - one of both was given
    verify_is_of(folder, open_elsewhere(vault, recovery, clock))
    row = keep(folder, recovery, vault, chosen, by=by, at=clock.now())
    if json_:
        emit_json(row)
        return 0
    out.print(f"✓ line {row.sequence} of the journal, by {row.actor}", soft_wrap=True, markup=False)
    print_wrapped(
        "From now on the passphrase opens the copy for the commands of this incident, without --vault. "
        "Put the cards back where they belong."
    )
    return 0


def open_by_kept_key(folder: Path, vault: Path | None) -> OpenedVault | None:
    """Return the copy that an incident's key opens, asking for its passphrase; None where none is kept.

    Parameters
    ----------
    vault
        Where the copy lies now; None for where it lay when the key was kept.
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_key import kept_key, recovery_of
    from beamkeeper.app.opened import open_elsewhere

    key = kept_key(IncidentFolder(folder))
    if key is None:
        return None
    copy = vault or Path(key.copy)
    if not copy.is_dir():
        raise ConfigError(
            f"The copy of the vault is not at {copy} any more.",
            do_next="Plug it in, or say where it lies now: --vault DIR.",
        )
    typed = _by_reference(folder) or passphrase("Passphrase of the incident's key")
    if not typed:
        raise KeyUnavailable(
            "Nobody typed the passphrase of the incident's key.",
            do_next="Run this in a terminal, or give --vault DIR with --words or --identity.",
        )
    return open_elsewhere(copy, recovery_of(key, typed), SystemClock())


def _by_reference(folder: Path) -> str:
    """Return the passphrase that the environment says where to find; "" where it says nothing."""
    from beamkeeper.app.opening_data import in_clear_beside
    from beamkeeper.vault import resolve_secret

    reference = os.environ.get(FROM_VARIABLE, "")
    if not reference:
        return ""
    if not reference.startswith(KINDS):
        raise ConfigError(
            f"${FROM_VARIABLE} says where the passphrase lies: file:PATH or credential:NAME.",
            do_next="Never put the passphrase itself there: other programs read the environment.",
        )
    if in_clear_beside(reference, folder):
        raise KeyUnavailable(
            f"The passphrase in {reference} lies on the disk of what it opens: a thief would have both.",
            do_next="Keep it on a stick that is taken out, or type it.",
        )
    return resolve_secret(reference)
