"""`site.json`: what a rebuilt collector needs to go on under the same pseudonyms, sealed in the vault."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import IntegrityError

if TYPE_CHECKING:
    from beamkeeper.vault.keys import SiteKeys

SITE_FORMAT: Final = "beamkeeper-site"
SITE_NAME: Final = "site.json"
_KEYS: Final = frozenset({"format", "version", "site_name", "pseudonym_key", "recipients"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What the vault knows of its site.

    Attributes
    ----------
    pseudonym_key
        The HMAC key behind every pseudonym in this vault.
    recipients
        Who could open the vault when this was sealed.
    """

    site_name: str
    pseudonym_key: bytes = field(repr=False)
    recipients: tuple[str, ...]

    @staticmethod
    def of(keys: SiteKeys, *, site_name: str) -> SiteFacts:
        """Return the facts of a site with these keys."""
        return SiteFacts(site_name=site_name, pseudonym_key=keys.pseudonym_key, recipients=keys.recipients)


def site_bytes(facts: SiteFacts) -> bytes:
    """Return `facts` as the bytes of a site.json."""
    document = {
        "format": SITE_FORMAT,
        "version": 1,
        "site_name": facts.site_name,
        "pseudonym_key": facts.pseudonym_key.hex(),
        "recipients": list(facts.recipients),
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def read_site(data: bytes) -> SiteFacts:
    """Return the facts that the bytes of a site.json hold.

    Raises
    ------
    IntegrityError
        Not a site.json of this format and version.
    """
    try:
        document = json.loads(data)
        if document.keys() == _KEYS and (document["format"], document["version"]) == (SITE_FORMAT, 1):
            return SiteFacts(
                site_name=str(document["site_name"]),
                pseudonym_key=bytes.fromhex(document["pseudonym_key"]),
                recipients=tuple(map(str, document["recipients"])),
            )
        found: Exception | None = None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        found = error
    raise IntegrityError(
        "The site's sealed facts (site.json) are not of a version this Beamkeeper reads.",
        do_next="Use a newer Beamkeeper.",
    ) from found
