"""From facts to what stands on the dossier: a pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.words import at, line
from beamkeeper.protect.dossier.alert_words import alerts
from beamkeeper.protect.dossier.details import detail_sections
from beamkeeper.protect.dossier.first_page import doubts, first_sections, identity, made_of
from beamkeeper.protect.dossier.name_alerts import name_alerts
from beamkeeper.protect.dossier.second_page import second_sections
from beamkeeper.protect.dossier.sheet import Dossier
from beamkeeper.protect.dossier.standing import standings
from beamkeeper.protect.dossier.verdict import verdict
from beamkeeper.protect.dossier.which_plan import which_plan, without_a_promise

if TYPE_CHECKING:
    from beamkeeper.protect.dossier.source import DossierSource

CARDS_MAX = 3
"""So many plans stand large on the first page, so that whom to call stands there too."""
NOTHING = "No plan is here, and no treatment record: nothing says what to treat."
NO_PLAN = "No plan is here; treatment records are, and no plan of theirs is known."
PLANS_FEW_MAX = 5
"""Where there are more, the first alone stands large."""


def make_dossier(source: DossierSource) -> Dossier:
    """Return what stands on the dossier of one patient; the same facts give the same words."""
    found = without_a_promise(source, standings(source))
    cards = CARDS_MAX if len(found) <= PLANS_FEW_MAX else 1
    return Dossier(
        site_name=line(source.site_name),
        identity=identity(source),
        name_alerts=name_alerts(source),
        verdict=verdict(source),
        made_of=made_of(source.provenance),
        is_confirmed=bool(source.provenance.confirmed_by),
        as_of=source.as_of,
        as_of_words=f"{at(source.as_of, source.zone)} {source.as_of.astimezone(source.zone):%Z}",
        alerts=alerts(source),
        standings=found[:cards],
        nothing_to_treat="" if found else NO_PLAN if source.records else NOTHING,
        before=(*which_plan(source), *doubts(source)),
        first=first_sections(source, found[cards:]),
        second=second_sections(source),
        details=detail_sections(source),
    )
