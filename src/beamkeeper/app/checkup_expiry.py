"""What expires and when: certificates, and the root of the vault's signed metadata."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from beamkeeper.app.finding import Finding
from beamkeeper.app.web.certificates import AUTHORITY_NAME, console_dir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

    from beamkeeper.app.site import Site

WARN_BEFORE = timedelta(days=30)
WARN_BEFORE_ROOT = timedelta(days=60)
"""The root takes three cards and the people who hold them."""
CERTIFICATES_MAX = 200
FILE_BYTES_MAX = 4 << 20


def check_expiry(site: Site, now: datetime) -> Iterator[Finding]:
    """Yield one finding for certificates and one for the root."""
    authority = console_dir(site) / AUTHORITY_NAME  # its server certificate is renewed by itself
    own = (authority,) if authority.exists() else ()
    yield _certificates(tuple(dict.fromkeys((*certificate_files(site), *own))), now)
    yield _root(site, now)


def certificate_files(section: BaseModel) -> Iterator[Path]:
    """Return every certificate a site file names, in any section: keys named `*certificate*` or `*ca`."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        items = value if isinstance(value, tuple) else (value,)
        for item in items:
            if hasattr(type(item), "model_fields"):
                yield from certificate_files(item)
            elif hasattr(item, "open") and ("certificate" in name or name.endswith("ca")):
                yield item


def _certificates(files: tuple[Path, ...], now: datetime) -> Finding:
    if not files:
        return Finding(what="certificates", verdict="good", text="the site file names none.")
    ends: list[tuple[datetime, str]] = []
    unread: list[str] = []
    for path in files:
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise ValueError("too large")  # noqa: TRY301 - as unreadable as any other
            found = x509.load_pem_x509_certificates(path.read_bytes())[:CERTIFICATES_MAX]
            ends.append((min(item.not_valid_after_utc for item in found), path.name))
        except (OSError, ValueError) as error:
            unread.append(f"{path.name} ({getattr(error, 'strerror', None) or 'no certificate'})")
    if unread:
        return Finding(
            what="certificates",
            verdict="bad",
            text=f"cannot be read: {', '.join(unread)}.",
            do_next="Mend them.",
        )
    first, name = min(ends)
    return _by_date("certificates", f"{name} is the first to expire", first, now, WARN_BEFORE)


def _root(site: Site, now: datetime) -> Finding:
    found = sorted((site.vault.directory / "metadata").glob("*.root.json"), key=_version)
    try:
        expires = json.loads(found[-1].read_bytes()[:FILE_BYTES_MAX])["signed"]["expires"]
        ends = datetime.fromisoformat(str(expires))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return Finding(
            what="vault root",
            verdict="unchecked",
            text="when the vault's root expires: because it cannot be read.",
        )
    return _by_date("vault root", "the vault's root expires", ends, now, WARN_BEFORE_ROOT)


def _version(path: Path) -> int:
    number = path.name.partition(".")[0]
    return int(number) if number.isdecimal() else -1


def _by_date(what: str, said: str, ends: datetime, now: datetime, warn_before: timedelta) -> Finding:
    days = (ends - now).days
    text = f"{said}, on {ends:%Y-%m-%d}"
    if ends <= now:
        return Finding(what=what, verdict="bad", text=f"{text}: it has expired.", do_next="Renew it now.")
    if ends - now < warn_before:
        return Finding(what=what, verdict="warning", text=f"{text}, in {days} days.", do_next="Renew it.")
    return Finding(what=what, verdict="good", text=f"{text}.")
