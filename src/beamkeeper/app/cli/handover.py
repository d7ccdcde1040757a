"""`beamkeeper handover`: sealed bundles of patients to another house, and what comes back."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who, within
from beamkeeper.app.cli.file_mode import PeopleOption, ReasonOption
from beamkeeper.app.cli.incident import FolderOption, pseudonym_of
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption, open_vault_by
from beamkeeper.clock import SystemClock
from beamkeeper.domain.words import plural
from beamkeeper.errors import BeamkeeperError, ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.handing_over import Agreed
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.domain.position import PlanPosition

SESSIONS_MAX = 60
ConsentOption = Annotated[str, typer.Option("--consent", help="Who asked the patient, when, and the answer.")]
LawOption = Annotated[str, typer.Option("--law", help="On what ground data are passed on; else as shipped.")]
app = typer.Typer(no_args_is_help=True, help="Sealed bundles of patients to another house, and back.")


@app.command("make")
def make(
    folder: FolderOption,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Whose card: as `desk trust` took it.")],
    patients: Annotated[
        list[str] | None, typer.Argument(metavar="PATIENT...", help="Patient IDs or pseudonyms.")
    ] = None,
    placed: Annotated[
        str | None, typer.Option("--placed", metavar="SITE", help="Everybody whom the placement sends there.")
    ] = None,
    first_on: Annotated[
        str | None, typer.Option("--first-on", metavar="DATE", help="Agreed first day at the partner.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="HH:MM", help="Agreed time of day, by our clock on the wall."),
    ] = None,
    machine: Annotated[str, typer.Option("--machine", help="Agreed machine there.")] = "",
    cancel: Annotated[
        bool, typer.Option("--cancel", help="No earlier appointment stands, though no days are agreed.")
    ] = False,
    closed: Annotated[
        list[str] | None, typer.Option("--closed", metavar="DATE", help="A day on which nobody treats there.")
    ] = None,
    send_along: Annotated[
        list[str] | None, typer.Option("--accessory", help="What is sent along: mask, vacuum bag.")
    ] = None,
    consent: ConsentOption = "",
    law: LawOption = "",
    by: ByOption = None,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> int:
    """Make a patient's bundle for another house: plan, structures, dose, images, records, dossier, letter.

    Everything is taken out of the copy of the vault that the incident is of, every DICOM object is checked to
    be of this patient, and what no open plan leads to stays. The bundle is sealed to the partner's card and
    signed by ours; its three files say nothing of the patient and may travel by any way. With --placed, days
    and machine are those of the placement, and times where the partners' file says when slots begin. Days
    agreed anew cancel earlier ones that no longer stand.

    Exit status: 0 all bundles are made, 20 somebody's could not be, and is named.

    Example: beamkeeper handover make 0012345 --to "AZ Noord" --first-on 2026-11-24 --incident incident
    """
    from beamkeeper.app.jobs.handing_over import Agreed
    from beamkeeper.app.jobs.handover_desk import desk_of
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    store = open_vault_by(site, vault, identity, words, folder)
    opened = IncidentFolder.open(folder)
    card = desk_of(opened).find(to)
    days = _days(first_on, closed or [])
    agreed = Agreed(
        to=card,
        by=who(by),
        days=days,
        machine=machine,
        times=(_time(at, placed),) * len(days),
        cancels=cancel,
        accessories=tuple(send_along or ()),
        consent=within(consent),
        law=within(law),
    )
    wanted = _wanted(opened, patients or [], placed, agreed, is_silent=json_)
    made, failed = _make_all(opened, wanted, store, is_placed=placed is not None)
    _show_made(made, failed, card.name, json_=json_)
    return 20 if failed else 0


def _wanted(
    opened: IncidentFolder, patients: list[str], placed: str | None, agreed: Agreed, *, is_silent: bool
) -> dict[str, Agreed]:
    """Return who goes, and what is agreed of each: by the placement, and say which, where one is meant."""
    from dataclasses import replace

    from beamkeeper.app.jobs.handover_placed import placed_there
    from beamkeeper.app.jobs.placing_folder import PlacementFolder
    from beamkeeper.app.jobs.placing_hand import newest_words

    if not patients and placed is None:
        raise ConfigError("Nobody is named.", do_next="Name patients, or --placed SITE.")
    if placed is None:
        return {pseudonym_of(opened, patient): agreed for patient in patients}
    chosen = {pseudonym_of(opened, patient) for patient in patients}
    there = {one.pseudonym: one for one in placed_there(opened, placed)}
    if not_there := chosen - there.keys():
        raise ConfigError(
            f"{len(not_there)} of the patients named are not placed at {placed!r}.",
            do_next="`beamkeeper placement show` says who goes where.",
        )
    if not is_silent:
        print_wrapped(f"Days and machines are those of {newest_words(PlacementFolder(opened))}.")
    return {
        name: replace(agreed, days=one.days, times=one.times, machine=one.machine)
        for name, one in there.items()
        if not chosen or name in chosen
    }


def _show_made(
    made: list[dict[str, object]], failed: list[dict[str, object]], partner: str, *, json_: bool
) -> None:
    if json_:
        emit_json({"made": made, "failed": failed})
        return
    for one in made:
        size = f"{one['size_bytes'] / 1e6:.1f} MB"  # type: ignore[operator]
        out.print(f"✓ {one['name']}: {size} in {one['folder']}", soft_wrap=True, markup=False)
    for one in failed:
        print_wrapped(f"✗ {one['name']}: {one['error']} {one['do_next']}")
    if made:
        print_wrapped(f"Copy each folder whole. {partner} opens it with `beamkeeper receive`.")


def _days(first_on: str | None, closed: list[str]) -> tuple[date, ...]:
    """Return the treatment days at the partner, from the agreed one on."""
    from beamkeeper.respond.gap import Calendar

    if first_on is None:
        return ()
    holidays = frozenset(map(parse_day, closed))
    return Calendar(holidays=holidays).planned_days(parse_day(first_on), SESSIONS_MAX)


def _time(text: str | None, placed: str | None) -> time | None:
    """Return the time of day that a person typed, for patients who were named and not placed."""
    if text is not None and placed is not None:
        raise ConfigError(
            "--at would give everybody of a placement the same time.",
            do_next="In the partners' file, first_slot_at of a machine gives everybody a time.",
        )
    try:
        return None if text is None else time.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(f"{text!r} is no time of day.", do_next="Write it as 09:40.") from error


def _make_all(
    opened: IncidentFolder,
    wanted: dict[str, Agreed],
    store: OpenedVault,
    *,
    is_placed: bool,
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Make a bundle of each; who cannot be packed stops nobody else."""
    from beamkeeper.app.jobs.handing_over import hand_over
    from beamkeeper.app.jobs.handover_placed import verify_placed
    from beamkeeper.app.jobs.since import patient_now
    from beamkeeper.domain.patient import named_apart

    inventory = opened.inventory()
    clock = SystemClock()
    made: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    for name, agreed in wanted.items():
        person = next(one for one in inventory.persons if one.pseudonym == name)
        shown = named_apart(person.entry.patient)
        try:
            if is_placed:
                verify_placed(opened, name)
            patient = patient_now(opened, inventory, name, clock.now())
            header, target = hand_over(opened, store, patient, agreed, now=clock.now())
        except BeamkeeperError as error:
            failed.append({"name": shown, "error": error.message, "do_next": error.do_next})
            continue
        made.append(
            {"name": shown, "bundle_id": header.bundle_id, "size_bytes": header.size_bytes, "folder": target}
        )
    return made, failed


@app.command("send")
def send(
    folder: FolderOption,
    bundles: Annotated[
        list[str], typer.Argument(metavar="BUNDLE_ID...", help="As `handover make` named them.")
    ],
    place: Annotated[
        Path, typer.Option("--place", metavar="FILE", help="A place: the keys of one [[mirrors]] section.")
    ],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Put bundles into a place that both houses reach, and read them back: SFTP, S3, a share, a disk.

    The place needs no trust: it learns that a bundle of that size went from us to somebody. Sending the same
    bundle again is harmless. `beamkeeper desk fetch` takes it out on the other side.

    Exit status: 0 all of them lie there, 20 something else lies there under a bundle's name.

    Example: beamkeeper handover send 0a1b2c3d4e5f6071 --place line.toml --incident incident
    """
    from beamkeeper.app.jobs.carrying import open_place
    from beamkeeper.app.jobs.carrying import send as put
    from beamkeeper.app.jobs.handing_over import made_bundle, note_sent
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened, actor, sent = IncidentFolder.open(folder), who(by), []
    made, destination = [made_bundle(opened, one) for one in bundles], open_place(place)
    try:
        for bundle in made:
            sent.append(put(bundle, destination))
            note_sent(opened, sent[-1], place.stem, by=actor, now=SystemClock().now())
    finally:
        destination.close()
    if json_:
        emit_json({"sent": sent})
    else:
        print_wrapped(f"✓ {len(sent)} bundle{'s' * (len(sent) != 1)} there, read back.")
    return 0


@app.command("back")
def back(
    folder: FolderOption,
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the return bundle.")],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Take in what a partner sends back: records and report, and where the patient stands with them.

    The bundle must answer one that was made here for that house and that patient. Every record counts once,
    by its own identifier; what does not fit together is shown, never settled in silence. Taking the same
    bundle in twice changes nothing.

    Exit status: 0 taken in, 3 taken in and something is in doubt.

    Example: beamkeeper handover back /mnt/usb/0a1b2c3d4e5f6071 --incident incident
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.taking_back import take_back
    from beamkeeper.domain.patient import named_apart

    taken = take_back(IncidentFolder.open(folder), bundle, by=who(by), now=SystemClock().now())
    position = taken.now.person.position
    plans = position.plans if position else ()
    conflicts = (*(position.conflicts if position else ()), *(one for at in plans for one in at.conflicts))
    in_doubt = list(dict.fromkeys(one.text for one in conflicts))
    manifest, said = taken.manifest, taken.manifest.reply.said if taken.manifest.reply else ""
    if json_:
        emit_json(
            {
                "bundle_id": manifest.bundle_id,
                "from": manifest.sender,
                "is_new": taken.is_new,
                "records": taken.record_uids,
                "said": said,
                "not_sent": manifest.before,
                "reports": taken.reports,
                "position": position,
            }
        )
    else:
        again = "" if taken.is_new else " It was taken in before: nothing changed."
        count = len(taken.record_uids)
        print_wrapped(named_apart(taken.now.person.entry.patient))
        print_wrapped(f"✓ {plural(count, 'treatment record')} from {manifest.sender}, as signed.{again}")
        print_wrapped(f"They say: {said or 'nothing'}")
        for text in manifest.before:
            print_wrapped(f"▲ They could not send {text}")
        for path in taken.reports:
            out.print(f"  Read: {path}", soft_wrap=True, markup=False)
        _show_plans(plans, in_doubt)
        print_wrapped("Decision support: a physicist compares this with the partner's report.")
    return 3 if in_doubt or manifest.before else 0


def _show_plans(plans: tuple[PlanPosition, ...], in_doubt: list[str]) -> None:
    doubt = ", if the count is right" if in_doubt else ""
    for at in plans:
        print_wrapped(f"  {at.rt_plan_label}: {given_in_words(at)}{doubt}")
    for text in in_doubt:
        print_wrapped(f"▲ {text}")


@app.command("show")
def show(folder: FolderOption, json_: JsonOption = False) -> int:
    """Show who was handed to whom, what came back, and where each of them stands now.

    Exit status: 0 everybody was counted, 20 what came back of somebody is damaged.

    Example: beamkeeper handover show --incident incident
    """
    from beamkeeper.app.jobs.handover_desk import desk_at
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.taking_back import handed_over

    opened = IncidentFolder.open(folder)
    states = handed_over(opened, SystemClock().now())
    zone = ZoneInfo(opened.incident().time_zone)
    if json_:
        emit_json(states)
        return 20 if any(state.damaged for state in states) else 0
    if not states:
        print_wrapped('Nobody was handed over yet: `beamkeeper handover make PATIENT --to "…"`.')
    for state in states:
        one = state.transfer
        made = f"{one.made_at.astimezone(zone):%a %Y-%m-%d %H:%M}"
        print_wrapped(
            f"{state.name}: {one.house}, {one.state}."
            f" {plural(len(one.bundles), 'bundle')}, last {made}; {len(one.returns)} back"
        )
        plans = state.position.plans if state.position else ()
        texts = dict.fromkeys(one.text for at in plans for one in at.conflicts)
        _show_plans(plans, list(texts))
        if state.damaged:
            print_wrapped(f"▲ NOT COUNTED: {state.damaged}")
    for path in desk_at(opened).asides():
        print_wrapped(f"▲ {path.name} was laid aside, in clear: `desk tidy` removes it.")
    return 20 if any(state.damaged for state in states) else 0


@app.command("assign")
def assign(
    folder: FolderOption,
    patient: Annotated[str, typer.Argument(help="Patient ID, or the first letters of the pseudonym.")],
    session: Annotated[str, typer.Argument(metavar="SESSION", help="As `handover show` names it.")],
    by: PeopleOption,
    reason: ReasonOption,
    fraction: Annotated[
        int | None, typer.Option("--fraction", min=1, help="Which fraction of our plan it is.")
    ] = None,
    not_counted: Annotated[
        bool, typer.Option("--not-counted", help="It is no fraction of our plan, or entered otherwise.")
    ] = False,
    json_: JsonOption = False,
) -> int:
    """Say, two people, which fraction a session is that another house gave and that does not count by itself.

    So it is where a house treats by a recalculated plan, or numbers its fractions from 1 again. What is
    proposed is a proposal: ask the house, the patient, and read the records. The last word counts; one record
    more is another question.

    Example: beamkeeper handover assign 0012345 9f3a --fraction 13 --by "A. Jansen" --by "B. Peeters"
    --reason "AZ Noord by telephone: their first is our 13" --incident incident
    """
    from beamkeeper.app.jobs.assigning import assign as write_down
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.placement.retarget import two_people

    if (fraction is None) is not not_counted:
        raise ConfigError("One of --fraction and --not-counted has to be said.")
    opened = IncidentFolder.open(folder)
    now = write_down(
        opened,
        pseudonym_of(opened, patient),
        session,
        fraction=fraction,
        people=two_people([within(name, 200) for name in by]),
        reason=within(reason),
        clock=SystemClock(),
    )
    position = now.person.position
    if json_:
        emit_json({"position": position, "questions": now.questions})
        return 0
    plans = position.plans if position else ()
    _show_plans(plans, list(dict.fromkeys(one.text for at in plans for one in at.conflicts)))
    return 0


def given_in_words(at: PlanPosition) -> str:
    """Return where a plan stands, in a sentence for people."""
    planned = "?" if at.fractions_planned is None else str(at.fractions_planned)
    begun = f", {at.fractions_partial} begun" if at.fractions_partial else ""
    following = "none is open" if at.is_finished else f"next {at.next_fraction_number or '?'}"
    return f"{at.fractions_complete} of {planned} given{begun}; {following}"
