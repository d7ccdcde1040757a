"""The rule set: which level a patient has, by what two are compared, what a capacity allows.

References
----------
NICE NG162 table 1 and the NHS scheme; RCR "Timely delivery of radical radiotherapy", 4th edition, 2019; the
table of the Iridium network. What was recalled and not read is said in `docs/decisions/0076-triage.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from beamkeeper.domain.toml_text import tables_in, tables_under, text_under, verify_format, verify_keys
from beamkeeper.errors import ConfigError
from beamkeeper.respond.triage.facts import COMPARED, LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORMAT: Final = 1
FILE_BYTES_MAX: Final = 1 << 20
PERCENT_MAX: Final = 1000
DAYS_MAX: Final = 60
ORDERED: Final = (
    "within_hours",
    "level",
    "site_code",
    "fraction_open",
    "begun",
    "days_to_spare",
    "concurrent_chemotherapy",
    "days_since_last",
    "not_compensable",
    "fractions_left",
    "paediatric",
    "anaesthesia",
)
"""What two patients can be compared by; each in its own direction (`ranking`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """One rule of the levels; `when` is (fact, value), and every one of them has to hold."""

    rule_id: str
    level: int
    says: str
    source: str
    when: tuple[tuple[str, bool | int | str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """From which share of normal capacity a code is treated."""

    code: int
    says: str
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A whole rule set, as read.

    Attributes
    ----------
    order
        Names of `ORDERED`, the first first.
    prolongation_days
        By RCR category, how many days a course may be prolonged.
    """

    version: str
    title: str
    levels: tuple[LevelRule, ...]
    order: tuple[str, ...]
    prolongation_days: Mapping[int, int]
    shares: tuple[Share, ...]


def shipped_rules() -> str:
    """Return the rule set that comes with Beamkeeper, as text."""
    return files(__package__).joinpath("rules.toml").read_text(encoding="utf-8")


def rule_file(path: Path) -> str:
    """Return the text of a department's own rule set, read strictly.

    Raises
    ------
    ConfigError
        It cannot be read, or is no rule set.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The rule set {path.name} cannot be read.", do_next="It is text in UTF-8."
        ) from error
    if len(data) > FILE_BYTES_MAX:
        raise ConfigError(f"{path.name} is larger than any rule set ({FILE_BYTES_MAX} bytes).")
    read_rules(text)
    return text


def read_rules(text: str) -> RuleSet:
    """Return the rule set that a text holds.

    Raises
    ------
    ConfigError
        Not a rule set; the message says what was expected and where.
    """
    table = tables_in(text, "The rule set")
    verify_format(table, "The rule set", FORMAT)
    verify_keys(table, _KEYS, "The rule set")
    return RuleSet(
        version=text_under(table, "version", "The rule set"),
        title=text_under(table, "title", "The rule set"),
        levels=tuple(_levels(table)),
        order=_order(table),
        prolongation_days=_prolongation(table),
        shares=tuple(sorted(_shares(table), key=lambda share: share.code)),
    )


def shares_said(rules: RuleSet) -> str:
    """Return from which share of normal capacity on each code is treated, for the foot of every list."""
    shares = "; ".join(f"{share.code} ({share.says}) from {share.percent:g} %" for share in rules.shares)
    return (
        f"Triage codes are treated from this share of normal capacity on: {shares}. An emergency never "
        f"waits. ({rules.title}, version {rules.version}.)"
    )


_KEYS: Final = {"format", "version", "title", "level", "order", "prolongation_days", "share"}
_LEVEL_KEYS: Final = {"id", "level", "says", "source", "when"}


def _levels(table: dict[str, Any]) -> Iterator[LevelRule]:
    for number, item in enumerate(tables_under(table, "level", "The rule set"), start=1):
        where = f"level rule {number}"
        verify_keys(item, _LEVEL_KEYS, f"In the rule set, {where}")
        when = item.get("when")
        if not isinstance(when, dict) or not when:
            raise ConfigError(f"In the rule set, {where} has no conditions (when = {{ … }}).")
        for fact, value in when.items():
            if fact not in COMPARED or not isinstance(value, bool | int | str):
                raise ConfigError(
                    f"In the rule set, {where} asks for {fact} = {value!r}.",
                    do_next=f"Facts are {', '.join(sorted(COMPARED))}.",
                )
        level = item.get("level")
        if not isinstance(level, int) or isinstance(level, bool) or level not in LEVELS:
            raise ConfigError(f"In the rule set, {where} has level {level!r}; it is 1 to 5.")
        yield LevelRule(
            rule_id=text_under(item, "id", f"In the rule set, {where}"),
            level=level,
            says=text_under(item, "says", f"In the rule set, {where}"),
            source=text_under(item, "source", f"In the rule set, {where}"),
            when=tuple(when.items()),
        )


def _order(table: dict[str, Any]) -> tuple[str, ...]:
    given = table.get("order")
    section = given if isinstance(given, dict) else {}
    verify_keys(section, {"by"}, "The order of the rule set")
    by = section.get("by")
    if not isinstance(by, list) or not by or len(set(map(str, by))) != len(by):
        raise ConfigError("The rule set has no order (by = [ … ]), or names something twice.")
    if unknown := [str(name) for name in by if name not in ORDERED]:
        raise ConfigError(
            f"The rule set orders by {', '.join(unknown)}.", do_next=f"There are {', '.join(ORDERED)}."
        )
    return tuple(by)


def _prolongation(table: dict[str, Any]) -> dict[int, int]:
    section = table.get("prolongation_days", {})
    days = section if isinstance(section, dict) else {"": None}
    found = {int(key): value for key, value in days.items() if key in {"1", "2", "3"} and _is_days(value)}
    if len(found) != len(days):
        raise ConfigError("prolongation_days gives whole days (0 to 60) for the categories 1, 2, 3.")
    return found


def _shares(table: dict[str, Any]) -> Iterator[Share]:
    for number, item in enumerate(tables_under(table, "share", "The rule set"), start=1):
        verify_keys(item, {"code", "says", "percent"}, f"In the rule set, share {number}")
        code, percent = item.get("code"), item.get("percent")
        if (
            not _is_days(code)
            or code not in LEVELS
            or not isinstance(percent, int | float)
            or not 0 <= percent <= PERCENT_MAX
        ):
            raise ConfigError(f"Share {number} of the rule set has no code (1 to 5), or no percent.")
        yield Share(
            code=code,
            says=text_under(item, "says", f"In the rule set, share {number}"),
            percent=float(percent),
        )


def _is_days(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= DAYS_MAX
