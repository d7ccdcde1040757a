"""A look at the computer under the collector; whatever could not be looked at says why.

On a site with `[window]` the computer is meant to be the collector alone: what would be a warning
elsewhere is bad there. Where the collector only encrypts, so is what could bring patients' data to a disk
in clear.
"""

from __future__ import annotations

import resource
import shutil
import stat
from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.host import CannotTellError
from beamkeeper.app.sealed_data import Sealed, standing
from beamkeeper.protect.isolate.host_files import (
    LOGON_PORTS,
    core_dumps_go_nowhere,
    names_come_from_files_alone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.app.finding import Verdict
    from beamkeeper.app.host import Host
    from beamkeeper.app.site import Site

SHOWN_MAX = 8
GUIDE = "docs/guide/hardening-debian.md"


def check_host(site: Site, host: Host) -> Iterator[Finding]:
    """Yield one finding a check."""
    severe: Verdict = "warning" if site.window is None else "bad"
    secret: Verdict = "bad" if site.vault.encrypt_only else severe
    checks: tuple[tuple[str, str, Callable[[], Finding]], ...] = (
        ("logon", "whether anybody can log on from elsewhere", lambda: _logon(host, severe)),
        ("listening", "whether anything else listens", lambda: _listening(site, host, severe)),
        ("encryption", "whether the disks are encrypted", lambda: _encryption(site, host, secret)),
        ("swap", "whether memory is written to a disk in clear", lambda: _swap(host, secret)),
        ("core dumps", "whether a crash writes memory to the disk", lambda: _core_dumps(host, secret)),
        ("clock sync", "whether the clock is kept right", lambda: _clock(host)),
        ("radio", "whether there is a radio", lambda: _radio(host, severe)),
        ("names", "where host names come from", lambda: _names(site, host)),
        ("places", "whether ledger and vault are on this computer", lambda: _places(site, host)),
        ("keys folder", "who may exchange the keys", lambda: _keys_folder(site)),
    )
    for what, question, check in checks:
        try:
            host.verify_linux()
            yield check()
        except CannotTellError as error:
            yield Finding(what=what, verdict="unchecked", text=f"{question}: because {error}.")
    yield from _beyond_sight()


def _logon(host: Host, severe: Verdict) -> Finding:
    programs = host.logon_programs()
    doors = [item for item in host.listeners() if not item.is_local and item.port in LOGON_PORTS]
    if programs or doors:
        said = ", ".join([*programs, *(item.in_words() for item in doors)])
        return Finding(
            what="logon",
            verdict=severe,
            text=f"somebody can log on from elsewhere: {said}.",
            do_next=f"Remove it (`apt purge openssh-server`); see {GUIDE}.",
        )
    return Finding(what="logon", verdict="good", text="no remote logon is running.")


def _listening(site: Site, host: Host, severe: Verdict) -> Finding:
    open_to_others = [
        item
        for item in host.listeners()
        if not item.is_local
        and not (item.transport == "udp" and site.window is None)
        and item.port not in {site.receiver.port, *LOGON_PORTS}
    ]
    if open_to_others:
        said = ", ".join(item.in_words() for item in open_to_others[:SHOWN_MAX])
        more = len(open_to_others) - SHOWN_MAX
        return Finding(
            what="listening",
            verdict=severe,
            text=f"others listen too: {said}{f' and {more} more' if more > 0 else ''}.",
            do_next="See whose they are with `ss -tulpen` as root; remove them, or bind them to loopback.",
        )
    return Finding(
        what="listening", verdict="good", text=f"nothing but port {site.receiver.port} may ever be reached."
    )


def _encryption(site: Site, host: Host, severe: Verdict) -> Finding:
    clear, in_memory = [], []
    for name, path in (("data", site.data_dir), ("keys", site.vault.keys_dir)):
        found = standing(path, host)
        if found.why:
            raise CannotTellError(found.why)
        if found.sealed is Sealed.MEMORY:
            in_memory.append(name)
        elif found.sealed is None:
            clear.append(f"{name} ({host.mount_of(path).source})")
    if clear:
        return Finding(
            what="encryption",
            verdict=severe,
            text=f"no dm-crypt under {' and '.join(clear)}: ledger, spool and keys lie there in clear. "
            "A disk that encrypts by itself cannot be seen from here.",
            do_next="Put them on LUKS; see docs/security.md.",
        )
    if in_memory:
        return Finding(
            what="encryption",
            verdict="warning",
            text=f"{' and '.join(in_memory)} lie in memory, and are gone at the next start.",
            do_next="Put them on an encrypted disk.",
        )
    return Finding(what="encryption", verdict="good", text="data and keys lie on dm-crypt or gocryptfs.")


def _swap(host: Host, severe: Verdict) -> Finding:
    clear = [name for name, is_secret in host.swaps().items() if not is_secret]
    if clear:
        return Finding(
            what="swap",
            verdict=severe,
            text=f"memory is written in clear to {', '.join(clear)}: keys among it.",
            do_next="swapoff -a, and encrypt it or take it out of /etc/fstab.",
        )
    return Finding(what="swap", verdict="good", text="none, or encrypted.")


def _core_dumps(host: Host, severe: Verdict) -> Finding:
    pattern = host.text("proc/sys/kernel/core_pattern").strip()
    limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    if core_dumps_go_nowhere(pattern) or (limit == 0 and not pattern.startswith("|")):
        return Finding(what="core dumps", verdict="good", text="a crash writes no memory to the disk.")
    return Finding(
        what="core dumps",
        verdict=severe if pattern.startswith("|") or limit != 0 else "warning",
        text=f"a crash may write memory, with keys and patients in it, to {pattern or 'a file'}.",
        do_next="kernel.core_pattern = |/bin/false in /etc/sysctl.d/90-beamkeeper.conf",
    )


def _clock(host: Host) -> Finding:
    if host.clock_is_synchronised():
        return Finding(what="clock sync", verdict="good", text="something keeps it right (adjtimex).")
    return Finding(
        what="clock sync",
        verdict="warning",
        text="nothing keeps the clock right: signed metadata expire by it, and nights are named by it.",
        do_next="systemd-timesyncd or chrony, its server in [[window.allow]]; or set it each month.",
    )


def _radio(host: Host, severe: Verdict) -> Finding:
    if radios := host.radios():
        return Finding(
            what="radio",
            verdict=severe,
            text=f"there is a radio: {', '.join(radios)}. The window does not switch it.",
            do_next="Take it out, or off in the firmware.",
        )
    return Finding(what="radio", verdict="good", text="no wireless card, no Bluetooth.")


def _names(site: Site, host: Host) -> Finding:
    alone = names_come_from_files_alone(host.text("etc/nsswitch.conf"))
    if site.window is None or alone:
        text = "from the hosts file alone." if alone else "a name server is asked."
        return Finding(what="names", verdict="good", text=text)
    return Finding(
        what="names",
        verdict="warning",
        text="programs ask a name server that the window does not let through, and wait for it.",
        do_next="Write `hosts: files` in /etc/nsswitch.conf.",
    )


def _places(site: Site, host: Host) -> Finding:
    elsewhere = [
        f"{name} ({mount.kind} {mount.source})"
        for name, path in (("data", site.data_dir), ("vault", site.vault.directory))
        if (mount := host.mount_of(path)).is_elsewhere
    ]
    if not elsewhere:
        return Finding(what="places", verdict="good", text="data and vault are on this computer.")
    return Finding(
        what="places",
        verdict="warning" if site.window is None else "bad",
        text=f"on another computer: {' and '.join(elsewhere)}."
        + ("" if site.window is None else " They are needed while the window is shut."),
        do_next="Keep the vault here, and let the share be a mirror of it.",
    )


def _keys_folder(site: Site) -> Finding:
    try:
        loose = [
            str(path)
            for path in (site.vault.keys_dir, site.vault.keys_dir.parent)
            if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not path.stat().st_mode & stat.S_ISVTX
        ]
    except OSError as error:
        raise CannotTellError(f"{site.vault.keys_dir} cannot be looked at ({error.strerror})") from error
    if loose:
        return Finding(
            what="keys folder",
            verdict="bad",
            text=f"others may put files into {' and '.join(loose)}.",
            do_next=f"chmod go-w {' '.join(loose)}",
        )
    return Finding(what="keys folder", verdict="good", text="nobody else may exchange the keys' folder.")


def _beyond_sight() -> Iterator[Finding]:
    for what, text in (
        ("recovery", "whether the recovery cards still exist and can be read: no program sees paper."),
        (
            "firmware",
            "whether the firmware has a password and starts from this disk alone: it cannot be seen.",
        ),
        ("room", "who can walk up to the machine: it cannot be seen."),
    ):
        do_next = "Once a year: beamkeeper vault verify --vault DIR --words" if what == "recovery" else ""
        yield Finding(what=what, verdict="unchecked", text=text, do_next=do_next)


def free_bytes(path: Path) -> int | None:
    """Return the room on the disk of a path, bytes; None when neither it nor a folder above is there."""
    there = next((folder for folder in (path, *path.parents) if folder.is_dir()), None)
    return None if there is None else shutil.disk_usage(there).free
