"""From a `[[copies]]` section of the site file to an open store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.peers import tls_client
from beamkeeper.app.site_copies import WebCopies
from beamkeeper.errors import ConfigError
from beamkeeper.protect.compare import DEFAULT_VOLATILE, CompareRules
from beamkeeper.protect.copies import DicomStore, Group, ReadBack, RoutingRule, Share, WebStore
from beamkeeper.vault import resolve_secret
from beamkeeper.wire.dicom.peers import Peer, Timeouts
from beamkeeper.wire.dicom.receiver import ReceiverConfig
from beamkeeper.wire.dicom.requester import Requester
from beamkeeper.wire.dicomweb import DicomWeb, WebPeer, basic, bearer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_copies import CopiesSection, DicomCopies
    from beamkeeper.protect.copies import PlainStore

NO_STUDY: Final = "2.25.0"
"""The UID of no study: a search for it answers with nothing."""


def connect(section: CopiesSection, kinds: frozenset[tuple[str, str]], own_ae_title: str) -> PlainStore:
    """Return the store a section names; nothing is sent yet.

    Parameters
    ----------
    kinds
        (SOP class, transfer syntax) of what will be sent.
    own_ae_title
        Ours, where the section gives none.

    Raises
    ------
    KeyUnavailable
        A secret it needs cannot be read.
    """
    if isinstance(section, WebCopies):
        return _web(section)
    return _dicom(section, kinds, own_ae_title)


def rule_of(section: CopiesSection) -> RoutingRule:
    """Return what goes there."""
    return RoutingRule(
        shares=frozenset(map(Share, section.what)),
        groups=frozenset(map(Group, section.patients)),
        modalities=frozenset(section.modalities),
        any_plan=section.any_plan,
        listed_days=section.listed_days,
    )


def compare_rules_of(section: CopiesSection, site: Site) -> CompareRules:
    """Return by which rules what comes back is ours.

    Raises
    ------
    ConfigError
        `may_change` names an element that must always count, or none.
    """
    return CompareRules(volatile=DEFAULT_VOLATILE | {*site.compare.volatile, *section.may_change})


def look_at(section: CopiesSection, site: Site) -> None:
    """Ask a store whether it answers: C-ECHO, or an empty search; nothing is sent.

    Raises
    ------
    SourceUnavailable, SourceAnswerInvalid, KeyUnavailable
        Why it does not.
    """
    if isinstance(section, WebCopies):
        web = DicomWeb(web_peer(section))
        try:
            web.find_in_study(NO_STUDY)
        finally:
            web.close()
        return
    own = section.own_ae_title or site.receiver.ae_title
    with Requester(own_ae_title=own, peer=_peer(section), timeouts=_timeouts(section)) as asking:
        asking.echo()


def chosen(site: Site, names: Iterable[str]) -> tuple[CopiesSection, ...]:
    """Return the sections of these names, all of them when none is named.

    Raises
    ------
    ConfigError
        The site file has none of that name.
    """
    known = {section.name: section for section in site.copies}
    wanted = tuple(names)
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"The site file names no [[copies]] {name!r}.",
                do_next=f"It names: {', '.join(known) or 'none'}.",
            )
    return tuple(known[name] for name in wanted) if wanted else site.copies


def web_peer(section: WebCopies, *, to_remove: bool = False) -> WebPeer:
    """Return the service of a section; its secret is read again for every request.

    Parameters
    ----------
    to_remove
        With the credentials that may delete, where the section has some.
    """
    own = to_remove and (section.remove_token or section.remove_user)
    return WebPeer(
        url=section.url,
        authorization=lambda: _may_delete(section) if own else _authorization(section),
        tls=tls_client(section),
        answer_s=section.silence_seconds,
    )


def _web(section: WebCopies) -> WebStore:
    _authorization(section)  # a secret that is not there is told before anything is sent
    return WebStore(
        web_peer(section),
        read_back_by=ReadBack(section.read_back),
        request_bytes_max=section.request_megabytes * 1_000_000,
    )


def _authorization(section: WebCopies) -> str:
    if section.token:
        return bearer(resolve_secret(section.token))
    if section.user and section.password:
        return basic(section.user, resolve_secret(section.password))
    return ""


def _may_delete(section: WebCopies) -> str:
    if section.remove_token:
        return bearer(resolve_secret(section.remove_token))
    return basic(section.remove_user or "", resolve_secret(section.remove_password or ""))


def dicom_requester(section: DicomCopies, site: Site) -> Requester:
    """Return whom a store of plain DICOM is asked about what it holds; nothing is connected yet."""
    return asked_requester(section, site.receiver.ae_title)


def asked_requester(section: DicomCopies, own_ae_title: str) -> Requester:
    """Return the same for who has no site file; `own_ae_title` where the section gives none."""
    own = section.own_ae_title or own_ae_title
    return Requester(own_ae_title=own, peer=asked_peer(section), timeouts=_timeouts(section))


def _dicom(section: DicomCopies, kinds: frozenset[tuple[str, str]], own_ae_title: str) -> DicomStore:
    return DicomStore(
        own_ae_title=section.own_ae_title or own_ae_title,
        peer=_peer(section),
        asked=asked_peer(section),
        kinds=kinds,
        read_back_by=ReadBack(section.read_back),
        timeouts=_timeouts(section),
        receiver=_back(section) if section.read_back == "move" else None,
    )


def _peer(section: DicomCopies) -> Peer:
    tls = tls_client(section, server_name=section.tls_name)
    return Peer(ae_title=section.ae_title, host=section.host, port=section.port, tls=tls)


def asked_peer(section: DicomCopies) -> Peer:
    """Return whom a store's objects are asked back from."""
    return Peer(
        ae_title=section.asked_ae_title or section.ae_title,
        host=section.asked_host or section.host,
        port=section.asked_port or section.port,
        tls=tls_client(section, server_name=section.tls_name),
    )


def _timeouts(section: DicomCopies) -> Timeouts:
    return Timeouts(answer_s=section.answer_seconds, pending_s=section.silence_seconds)


def _back(section: DicomCopies) -> ReceiverConfig:
    """Return how our receiver listens while objects come back."""
    assert section.back_ae_title is not None, "the site file was checked"  # noqa: S101
    assert section.back_port is not None, "the site file was checked"  # noqa: S101
    callers = {section.ae_title, section.asked_ae_title or section.ae_title}
    return ReceiverConfig(
        ae_title=section.back_ae_title,
        allowed_calling_ae_titles=frozenset(callers),
        bind_address=section.back_bind,
        port=section.back_port,
        allowed_networks=section.back_networks,
    )
