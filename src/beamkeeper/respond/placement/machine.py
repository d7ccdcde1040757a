"""What a machine can do: public profiles, and a site's own machines that begin with one of them."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.domain.toml_text import tables_in, text_under, verify_format, verify_keys
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMAT: Final = 1
MACHINES_MAX: Final = 5_000
ENERGY_MAX: Final = 50.0
"""MV or MeV: no linac that treats people has more."""
_DESCRIBED: Final = "docs/formats/machines.md describes it."


@dataclass(frozen=True, slots=True, order=True)
class PhotonMode:
    """One photon beam: 6 MV flattened is `PhotonMode(6.0, False)`."""

    energy_mv: float
    is_fff: bool

    @property
    def word(self) -> str:
        """As people write it."""
        return f"{self.energy_mv:g} MV{' FFF' if self.is_fff else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamMatch:
    """A declaration, by a person, that beams of two machines are matched.

    Attributes
    ----------
    machine
        Treatment Machine Name (300A,00B2) of the other machine, as plans name it.
    modes
        Photon modes and electron energies ("9 MeV") in words.
    """

    machine: str
    modes: frozenset[str]
    declared_by: str
    declared_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineProfile:
    """One machine.

    Attributes
    ----------
    machine_id
        Unique over all sites.
    treatment_machine_name
        As plans for it name it.
    models
        Every Manufacturer's Model Name (0008,1090) under which plans know this kind of machine.
    electron_mev
        Electron energies.
    jaws
        "X", "Y": which pairs move.
    mlc
        Leaf boundaries in mm by RT Beam Limiting Device Type.
    couch_range_deg
        How far the couch turns to either side; 0 for ring gantries.
    is_own
        Whether plans that bear its name were made for this very machine: names repeat among hospitals.
    motion
        Respiratory Motion Compensation Techniques (0018,9170) it offers.
    imaging
        What it takes pictures with before a fraction: "CBCT", "kV", "MV", "MR".
    tolerance_tables
        Labels of the tolerance tables that are there; None: nobody says.
    accessories
        General accessories that are there, as plans name them.
    commissioned
        Techniques whose end-to-end test was done there for patients of others; None: nobody says.
    """

    machine_id: str
    treatment_machine_name: str
    site: str
    profile: str
    manufacturer: str
    models: tuple[str, ...]
    photon: frozenset[PhotonMode]
    electron_mev: frozenset[float]
    jaws: tuple[str, ...]
    mlc_name: tuple[tuple[str, str], ...]
    mlc: Mapping[str, tuple[float, ...]]
    leaf_range_mm: tuple[float, float]
    jaw_range_mm: Mapping[str, tuple[float, float]]
    techniques: frozenset[str]
    wedges: frozenset[str]
    couch_range_deg: float
    jaw_tracking: bool
    dose_rate_max: float
    motion: frozenset[str]
    imaging: frozenset[str]
    applicators: frozenset[str] | None = None
    accessories: frozenset[str] = frozenset()
    is_own: bool = False
    has_sgrt: bool = False
    takes_blocks: bool = False
    commissioned: frozenset[str] | None = None
    tolerance_tables: frozenset[str] | None = None
    matches: tuple[BeamMatch, ...] = ()


def read_machines(text: str) -> tuple[MachineProfile, ...]:
    """Return the machines of a site's machine file.

    Raises
    ------
    ConfigError
        No machine file; the message says what was expected and where.
    """
    table = tables_in(text, "The machine file", do_next=_DESCRIBED)
    verify_format(
        table,
        "The machine file",
        FORMAT,
        do_next=f"Begin it with `format = 1`; {_DESCRIBED}",
    )
    verify_keys(table, {"format", "machine"}, "The machine file", do_next=_DESCRIBED)
    found = table.get("machine")
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise ConfigError("The machine file lists no machine.", do_next="Each is a [[machine]] table.")
    if len(found) > MACHINES_MAX:
        raise _refused(f"The machine file lists {len(found)} machines; {MACHINES_MAX} are the most.")
    return machines_of(found, "In the machine file")


def machines_of(tables: Sequence[dict[str, Any]], where: str) -> tuple[MachineProfile, ...]:
    """Return the machines that `[[machine]]` tables describe.

    Parameters
    ----------
    where
        Begins the sentence of an error: "In the machine file".

    Raises
    ------
    ConfigError
        An unknown key, a value that cannot be read, two machines with one id; the message says where.
    """
    machines = tuple(
        _machine(item, f"{where}, machine {number}") for number, item in enumerate(tables, start=1)
    )
    counts = Counter(one.machine_id for one in machines)
    if doubles := sorted(one for one, count in counts.items() if count > 1):
        raise _refused(f"{where}, machines share an id: {', '.join(doubles)}.", "Give each its own.")
    return machines


def _refused(said: str, do_next: str = _DESCRIBED) -> ConfigError:
    return ConfigError(said, do_next=do_next)


@cache
def public_profiles() -> Mapping[str, MachineProfile]:
    """Return the profiles that come with Beamkeeper, by name."""
    table = tomllib.loads(files(__package__).joinpath("profiles.toml").read_text(encoding="utf-8"))
    edges = {name: _edges(shape) for name, shape in table["mlc"].items()}
    return {item["name"]: _public(item, edges) for item in table["profile"]}


def _edges(shape: dict[str, Any]) -> tuple[float, ...]:
    widths = [width for count, width in shape["runs"] for _ in range(count)]
    return tuple(round(edge, 4) for edge in accumulate(widths, initial=shape["first"]))


def _public(item: dict[str, Any], edges: Mapping[str, tuple[float, ...]]) -> MachineProfile:
    return MachineProfile(
        machine_id="",
        treatment_machine_name="",
        site="",
        profile=item["name"],
        manufacturer=item["manufacturer"],
        models=tuple(item["models"]),
        photon=frozenset(map(_mode, item["photon"])),
        electron_mev=frozenset(map(float, item["electron"])),
        jaws=tuple(item["jaws"]),
        mlc_name=tuple(item["mlc"].items()),
        mlc={kind: edges[name] for kind, name in item["mlc"].items()},
        leaf_range_mm=(float(item["leaf_range_mm"][0]), float(item["leaf_range_mm"][1])),
        jaw_range_mm={key: (float(pair[0]), float(pair[1])) for key, pair in item["jaw_range_mm"].items()},
        techniques=frozenset(item["techniques"]),
        wedges=frozenset(item["wedges"]),
        couch_range_deg=float(item["couch_range_deg"]),
        jaw_tracking=item["jaw_tracking"],
        dose_rate_max=float(item["dose_rate_max"]),
        motion=frozenset(item["motion"]),
        imaging=frozenset(item["imaging"]),
    )


def _mode(text: str) -> PhotonMode:
    number, _, rest = text.strip().partition(" ")
    rest = rest.upper().replace("MV", "").strip()
    if rest not in {"", "FFF"} or not 0 < float(number) <= ENERGY_MAX:
        raise ValueError(f'{text!r} is no mode as "6" or "10 FFF"')
    return PhotonMode(float(number), rest == "FFF")


_KEYS: Final = frozenset(
    {
        "id", "name", "site", "profile", "photon", "electron", "techniques", "wedges", "motion",
        "accessories", "applicators", "own", "sgrt", "blocks", "commissioned", "matched_with",
        "dose_rate_max", "couch_range_deg", "models", "imaging", "tolerance_tables",
    }
)  # fmt: skip


def _machine(item: dict[str, Any], where: str) -> MachineProfile:
    verify_keys(item, _KEYS, where)
    named = _text(item, "profile", where)
    public = public_profiles().get(named)
    if public is None:
        raise _refused(
            f"{where} begins with the profile {named!r}, which there is not.",
            f"There are {'; '.join(public_profiles())}.",
        )
    try:
        return replace(public, **_own(item, public, where))
    except (ValueError, TypeError) as error:
        raise _refused(f"{where} has a value that cannot be read: {error}.") from error


def _own(item: dict[str, Any], public: MachineProfile, where: str) -> dict[str, Any]:
    own: dict[str, Any] = {
        "machine_id": _text(item, "id", where),
        "treatment_machine_name": _text(item, "name", where),
        "site": _text(item, "site", where),
        "is_own": _flag(item, "own", where),
        "has_sgrt": _flag(item, "sgrt", where),
        "takes_blocks": _flag(item, "blocks", where),
        "matches": tuple(_match(one, where) for one in _list(item, "matched_with", where)),
    }
    if "photon" in item:
        own["photon"] = frozenset(map(_mode, _texts(item, "photon", where)))
    if "electron" in item:
        own["electron_mev"] = frozenset(
            _number(value, "electron", where) for value in _list(item, "electron", where)
        )
    for key in (
        "techniques", "wedges", "motion", "imaging", "accessories", "applicators", "commissioned",
        "tolerance_tables",
    ):  # fmt: skip
        if key in item:
            own[key] = frozenset(_texts(item, key, where))
    if "models" in item:
        own["models"] = tuple(_texts(item, "models", where))
    for key in ("dose_rate_max", "couch_range_deg"):
        if key in item:
            own[key] = _number(item[key], key, where)
    if unknown := (own.get("techniques", public.techniques) | own.get("commissioned", set())) - TECHNIQUES:
        raise _refused(
            f"{where} names techniques nobody knows: {', '.join(sorted(unknown))}.",
            f"Known are {', '.join(sorted(TECHNIQUES))}.",
        )
    if strange := own.get("imaging", frozenset()) - IMAGING:
        raise _refused(
            f"{where} takes pictures nobody knows: {', '.join(sorted(strange))}.",
            f"Known are {', '.join(sorted(IMAGING))}.",
        )
    return own


IMAGING: Final = frozenset({"MV", "kV", "CBCT", "MR"})
"""Pictures of the patient before the beam."""


TECHNIQUES: Final = frozenset(
    {
        "3D", "arc", "DCAT", "VMAT", "IMRT sliding window", "IMRT step-and-shoot", "electron", "robotic",
    }
)  # fmt: skip
"""As `wire.dicom.reader_technique` names them."""


def _match(item: object, where: str) -> BeamMatch:
    if not isinstance(item, dict):
        raise _refused(f"{where}: matched_with is a list of tables.")
    return BeamMatch(
        machine=_text(item, "machine", where),
        modes=frozenset(_word(text) for text in _texts(item, "energies", where)),
        declared_by=_text(item, "declared_by", where),
        declared_on=str(item.get("declared_on") or _text(item, "declared_on", where)),
    )


def _word(text: str) -> str:
    number, is_electron, rest = text.strip().partition("MeV")
    if not is_electron:
        return _mode(text).word
    if rest or not 0 < float(number) <= ENERGY_MAX:
        raise ValueError(f'{text!r} is no electron energy as "9 MeV"')
    return f"{float(number):g} MeV"


def _text(item: dict[str, Any], key: str, where: str) -> str:
    return text_under(item, key, where, do_next=_DESCRIBED)


def _list(item: dict[str, Any], key: str, where: str) -> list[Any]:
    found = item.get(key, [])
    if not isinstance(found, list):
        raise _refused(f"{where}: {key} is a list.")
    return found


def _texts(item: dict[str, Any], key: str, where: str) -> list[str]:
    found = item.get(key)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise _refused(f"{where}: {key} is a list of texts.")
    return found


def _flag(item: dict[str, Any], key: str, where: str) -> bool:
    found = item.get(key, False)
    if not isinstance(found, bool):
        raise _refused(f"{where}: {key} is true or false.")
    return found


def _number(value: object, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e5:  # noqa: PLR2004
        raise _refused(f"{where}: {key} is a number from 0 to 100000, not {value!r:.60}.")
    return float(value)
