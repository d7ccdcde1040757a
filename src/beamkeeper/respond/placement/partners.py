"""The partners' file: who could take patients, with which machines, how many, and by which rules.

A machine is a table of the machine file with its slots beside; a site says what its staff can do in a day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement.instance import (
    HORIZON_DAYS,
    LEAD_DAYS,
    Day,
    Days,
    MachineSlots,
    Minutes,
    Name,
    SiteFacts,
    Weights,
    YesNo,
)
from beamkeeper.respond.placement.machine import MachineProfile, machines_of

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_MAX: Final = 16 << 20
SITES_MAX: Final = 500
_SLOTS: Final = ("slots", "other_days", "first_slot_at", "slot_minutes")
DESCRIBED: Final = "docs/formats/partners.md describes it."


class PartnerSite(SiteFacts):
    """A department, as the partners' file describes it.

    Attributes
    ----------
    name
        As it is printed; "" for the id.
    own
        Whether it is the attacked department itself, with an emergency system.
    travel_min, distance_km
        One way, for most patients.
    accessories
        What its machines have besides their own: general accessories as plans name them.
    contact
        Whom to phone there.
    """

    name: str = ""
    own: YesNo = False
    travel_min: Minutes = 0
    distance_km: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] | None = None
    accessories: tuple[Name, ...] = ()
    contact: str = ""

    @property
    def title(self) -> str:
        """As people call it."""
        return self.name or self.id


class Partners(BaseModel):
    """Everything that the file says but for what the machines can do.

    Attributes
    ----------
    untested
        What holds where nobody has tested a technique on a machine from image to dose: the machine is not
        used for it ("refuse"), or the test has to be done before ("test first").
    spare_not_begun_days
        By category: treatment days for which a course that has not begun may wait without loss.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    attacked_domain: str = ""
    days: Annotated[int, Field(ge=1, le=366, strict=True)] = HORIZON_DAYS
    holidays: tuple[Day, ...] = ()
    untested: Literal["refuse", "test first"] = "refuse"
    lead_days: tuple[Days, Days, Days] = LEAD_DAYS
    spare_not_begun_days: tuple[Days, Days, Days] = (0, 0, 0)
    weights: Weights = Weights()
    site: Annotated[tuple[PartnerSite, ...], Field(min_length=1, max_length=SITES_MAX)]
    machine: tuple[MachineSlots, ...] = ()

    @model_validator(mode="after")
    def _joined(self) -> Self:
        ids = [one.id for one in self.site]
        if doubles := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"sites share an id: {', '.join(doubles)}")
        if strange := next((one for one in self.machine if one.site not in set(ids)), None):
            raise ValueError(f"the machine {strange.id} stands at {strange.site}, which is not listed")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnersFile:
    """The partners' file, read.

    Attributes
    ----------
    profiles
        What each machine can do, by its id.
    """

    partners: Partners
    profiles: Mapping[str, MachineProfile]

    @property
    def without_machines(self) -> tuple[PartnerSite, ...]:
        """Sites that list no machine: they take nobody, which is said."""
        named = {one.site for one in self.partners.machine}
        return tuple(one for one in self.partners.site if one.id not in named)

    def site(self, name: str) -> PartnerSite:
        """Return a site by its id."""
        return next(one for one in self.partners.site if one.id == name)


def read_partners(text: str) -> PartnersFile:
    """Return what a partners' file says.

    Raises
    ------
    ConfigError
        Not such a file; the message says where and what was expected.
    """
    table = tables_in(text, "The partners' file", do_next=DESCRIBED)
    machines = table.get("machine", [])
    if not isinstance(machines, list) or not all(isinstance(item, dict) for item in machines):
        raise ConfigError("In the partners' file, machine is a list of tables.", do_next=DESCRIBED)
    slots = [{key: item[key] for key in ("id", "site", *_SLOTS) if key in item} for item in machines]
    try:
        partners = Partners.model_validate(table | {"machine": slots})
    except ValidationError as error:
        first = error.errors()[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(
            f"In the partners' file, {_where(first['loc'], machines)}: {first['msg']}{more}.",
            do_next=DESCRIBED,
        ) from error
    profiles = machines_of([_without(item, _SLOTS) for item in machines], "In the partners' file")
    return PartnersFile(
        partners=partners,
        profiles={one.machine_id: _with_site(one, partners) for one in profiles},
    )


def _without(item: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


def _with_site(machine: MachineProfile, partners: Partners) -> MachineProfile:
    site = next(one for one in partners.site if one.id == machine.site)
    return replace(machine, accessories=machine.accessories | set(site.accessories))


def _where(place: tuple[int | str, ...], machines: list[dict[str, Any]]) -> str:
    """Return where a mistake stands, the machine by its id."""
    match place:
        case ("machine", int(number), *rest) if machines[number].get("id"):
            return f"machine {machines[number]['id']}, {'.'.join(map(str, rest)) or 'the whole'}"
        case ():
            return "the whole"
    return ".".join(map(str, place))
