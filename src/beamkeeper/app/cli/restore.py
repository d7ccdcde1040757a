"""`beamkeeper restore`: give patients back from the vault."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.cards import ask_cards
from beamkeeper.app.cli.console import emit_json, err, out
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import INCIDENT_VARIABLE, JsonOption, SiteOption, open_site
from beamkeeper.app.cli.who import IssuerOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.vault import RecoveryKeys, RestoreReport

VaultOption = Annotated[
    Path | None, typer.Option("--vault", metavar="DIR", help="A copy of a vault; no site file needed.")
]
IdentityOption = Annotated[
    Path | None,
    typer.Option(
        "--identity", metavar="FILE", help="Recovery identity (age), for a copy or an encrypt-only site."
    ),
]
WordsOption = Annotated[bool, typer.Option("--words", help="Type three recovery cards.")]


def open_vault_by(
    site: Path | None,
    vault: Path | None,
    identity: Path | None,
    words: bool,
    incident: Path | None = None,
) -> OpenedVault:
    """Return the vault the options mean, with what opens it.

    Parameters
    ----------
    incident
        Folder of the incident whose kept key counts where no key is named; None for a command that has none:
        then a copy that is named without a key opens with that of $BEAMKEEPER_INCIDENT.
    """
    from beamkeeper.app.cli.key import open_by_kept_key
    from beamkeeper.app.opened import OpenedVault, open_by_site, open_elsewhere

    clock = SystemClock()
    recovery = recovery_by(identity, words=words)
    if incident is None and vault is not None and (named := os.environ.get(INCIDENT_VARIABLE)):
        incident = Path(named)
    if recovery is None and site is None and incident is not None:
        opened = open_by_kept_key(incident, vault)
        if opened is not None:
            return opened
    if vault is None:
        opened = open_by_site(open_site(site), clock)
        return opened if recovery is None else OpenedVault(opened.vault, (recovery.identity,))
    if recovery is None:
        raise ConfigError(
            "A copy of a vault opens with a key.",
            do_next="Give --identity FILE, or --words to type three recovery cards.",
        )
    return open_elsewhere(vault, recovery, clock)


def recovery_by(identity: Path | None, *, words: bool) -> RecoveryKeys | None:
    """Return the recovery key the options mean; None when they name none."""
    from beamkeeper.app.opened import recovery_from_cards, recovery_from_file

    if words:
        return recovery_from_cards(ask_cards())
    return None if identity is None else recovery_from_file(identity)


def command(
    patient: Annotated[
        str | None,
        typer.Argument(help='Patient ID, the first letters of the pseudonym, or "department" for the lists.'),
    ] = None,
    out_dir: Annotated[Path, typer.Option("--out", help="Where the files shall go.")] = Path("restored"),
    all_: Annotated[
        bool, typer.Option("--all", help="Every patient, each in a folder of its own, and the lists.")
    ] = False,
    night: Annotated[
        str | None, typer.Option(metavar="DATE", help="As of that night; the newest good one by default.")
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="The newest night, also where people have not confirmed it.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Older versions and what is gone at the source, too.")
    ] = False,
    issuer: IssuerOption = None,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> int:
    """Restore a patient's files, byte for byte as they were received, each digest verified.

    Where people confirm the nights, the newest copy is taken before which nothing of that patient is
    unconfirmed or disputed; what is passed over is said. Two persons who share the Patient ID both come
    back, each in a folder named by the pseudonym, unless --issuer says whom you mean. Existing files are
    never overwritten. Works on any computer with a copy of the vault and the recovery key; or without
    Beamkeeper, with age, zstd and tar: see the runbook.

    Example: beamkeeper restore 0012345 --out /mnt/usb/0012345
    """
    if (patient is None) != all_:
        raise ConfigError("Name one patient, or say --all.", do_next="`beamkeeper patients` lists them.")
    opened = open_vault_by(site, vault, identity, words)
    as_of = parse_day(night) if night else None
    wanted = _wanted(opened, patient, issuer, as_of)
    chosen = {} if as_of or newest else good_nights(opened, wanted)
    reports = _restore(opened, patient, wanted, out_dir, night=as_of, chosen=chosen, everything=everything)
    _warn_if_stale(opened)
    if json_:
        emit_json({"reports": reports, "good": chosen})
    else:
        for report in reports:
            show(report)
    return 0 if all(report.is_complete for report in reports) else 20


def _wanted(
    opened: OpenedVault, patient: str | None, issuer: str | None, night: date | None
) -> tuple[str, ...]:
    if patient is None:
        return (*opened.vault.pseudonyms(), *opened.department)
    known = opened.find_pseudonyms(patient, issuer=issuer)
    return tuple(name for name in known if opened.vault.latest(name, night=night) is not None) or known


def good_nights(opened: OpenedVault, pseudonyms: tuple[str, ...]) -> dict[str, date | None]:
    """Return for each patient the night to take, None for the newest; say where it is not as one wishes."""
    from beamkeeper.app.jobs.good_copies import choose, held_back
    from beamkeeper.vault.metadata import DEPARTMENT

    nights: dict[str, date | None] = {}
    patients = tuple(name for name in pseudonyms if name != DEPARTMENT)  # lists say what they are of
    for name, choice in choose(opened.vault, patients).items():
        later = held_back(opened.vault, choice, name)
        usable = choice.night is not None and opened.vault.latest(name, night=choice.night) is not None
        nights[name] = choice.night if usable and later else None
        if later and usable:
            say = f"as of the night of {choice.night}; later ones that people have not confirmed: "
            say += f"{', '.join(map(str, later))}. --newest takes those."
        elif later:
            say = "NO night of this patient is confirmed by people: this is the newest copy. Look at it."
        else:
            continue
        err.print(f"▲ patient {name[:10]}: {say}", soft_wrap=True, markup=False)
    return nights


def _restore(
    opened: OpenedVault,
    patient: str | None,
    found: tuple[str, ...],
    out_dir: Path,
    *,
    night: date | None,
    chosen: dict[str, date | None],
    everything: bool,
) -> tuple[RestoreReport, ...]:
    nights = {name: chosen.get(name, night) for name in found}
    if patient is not None and len(found) == 1:
        report = opened.vault.restore_patient(
            found[0],
            identities=opened.identities,
            out_dir=out_dir,
            night=nights[found[0]],
            everything=everything,
        )
        return (report,)
    if patient is not None:
        err.print(
            f"[bold]▲ {len(found)} persons are kept under this Patient ID:[/] each comes back in a folder of "
            "its own. Look at the names in the files before you treat from them.",
            soft_wrap=True,
        )
    copies = [entry for name in found if (entry := opened.vault.latest(name, night=nights[name])) is not None]
    if not copies:
        raise ConfigError(
            "The vault holds nobody" + (f" up to the night of {night}." if night else "."),
            do_next="`beamkeeper vault list` names all patients and nights.",
        )
    return opened.vault.restore_all(
        identities=opened.identities, out_dir=out_dir, copies=copies, everything=everything
    )


def _warn_if_stale(opened: OpenedVault) -> None:
    if opened.vault.is_stale(SystemClock().now()):
        err.print(
            f"[bold]The vault is stale:[/] nobody fed it since {opened.vault.expires_at:%Y-%m-%d %H:%M} UTC."
            " Later fractions are not in it."
        )


def show(report: RestoreReport) -> None:
    """Print what was given back of one patient."""
    from beamkeeper.protect.report.words import plural
    from beamkeeper.vault.metadata import DEPARTMENT

    sign = "✓" if report.is_complete else "✗"
    whose = "department" if report.pseudonym == DEPARTMENT else f"patient {report.pseudonym[:10]}"
    total = report.written_count + report.there_count
    documents = f", {plural(report.document_count, 'document')} among them" if report.document_count else ""
    out.print(
        f"{sign} {whose}, as of the night of {report.night}: {total} files verified{documents}"
        f" ({report.written_bytes / 1e6:.1f} MB written, {report.there_count} were there already)",
        soft_wrap=True,
    )
    out.print(f"  in {report.out_dir}", soft_wrap=True)
    for failure in report.failures:
        parcel = f" [{failure.parcel}]" if failure.parcel else ""
        out.print(
            f"  ✗ {failure.name or 'everything'}: {failure.reason}{parcel}", soft_wrap=True, markup=False
        )
