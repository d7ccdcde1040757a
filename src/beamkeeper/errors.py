"""Everything that can go wrong, as one tree; each kind has its own exit status.

```
BeamkeeperError               1
├── ConfigError               2  the site file is wrong; nothing was attempted
├── SourceUnavailable        10  no answer: says nothing about what the source holds
├── SourceAnswerInvalid      11  an answer that breaks DICOM or the SQL contract
│   └── ObjectUnreadable     12  bytes that are not a whole DICOM object
│       └── NotAStoredObject 13  nor ever were one: a text, a message, a directory
├── IntegrityError           20  bytes in the vault are not the bytes stored
│   ├── VaultRolledBack      21  signed metadata older than what was seen before
│   └── VaultStale           22  signed metadata past their expiry: nobody feeds this vault
├── KeyUnavailable           23  the key that opens this is not here
├── StorageFull              24  no room where bytes must be kept
├── LedgerUnavailable        25  our own database gives no answer
├── WindowUnavailable        26  the network window does not obey, or cannot be read
├── DataClosed               27  the sealed data directory is shut; nothing was attempted
├── PatientMismatch          30  two sources disagree about who this is
├── NightInterrupted         40  the run stopped before its end and can be resumed
├── AlreadyRunning           41  another run holds this site
├── ImplausibleChange        42  a mass change: the last good copies stay, people are called
├── VoteRefused              43  a vote that does not count, and why
└── NotDeliverable           44  a machine does not give this plan directly: no copy is made
```
"""

from __future__ import annotations


class BeamkeeperError(Exception):
    """Base of every error Beamkeeper raises on purpose.

    Parameters
    ----------
    message
        One plain sentence for a person: what was expected, what was found. Patient-safe: no names.
    do_next
        What the reader can do now; empty when nothing helps.
    facts
        Patient-safe facts for the log and `--json` (beam numbers, UIDs, sizes).
    """

    exit_status = 1

    def __init__(self, message: str, *, do_next: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.do_next = do_next
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """Cross process borders with every fact (exceptions with keyword arguments do not by themselves)."""
        return (_rebuild, (type(self), self.message, self.do_next, self.facts))


def _rebuild(
    kind: type[BeamkeeperError], message: str, do_next: str, facts: dict[str, object]
) -> BeamkeeperError:
    return kind(message, do_next=do_next, **facts)


class ConfigError(BeamkeeperError):
    """The site file or the command line is wrong; nothing was attempted."""

    exit_status = 2


class SourceUnavailable(BeamkeeperError):
    """No answer from a source: says nothing about what the source holds."""

    exit_status = 10


class SourceAnswerInvalid(BeamkeeperError):
    """A source answered something that breaks DICOM or the SQL contract."""

    exit_status = 11


class ObjectUnreadable(SourceAnswerInvalid):
    """Bytes that are not a whole DICOM object."""

    exit_status = 12


class NotAStoredObject(ObjectUnreadable):
    """Bytes that are no DICOM object of a patient and never were: a text, a message, a DICOMDIR."""

    exit_status = 13


class IntegrityError(BeamkeeperError):
    """Bytes in the vault or spool are not the bytes that were stored."""

    exit_status = 20


class VaultRolledBack(IntegrityError):
    """Signed metadata older than what was seen before."""

    exit_status = 21


class VaultStale(IntegrityError):
    """Signed metadata past their expiry: nobody feeds this vault."""

    exit_status = 22


class KeyUnavailable(BeamkeeperError):
    """The key that opens this is not here."""

    exit_status = 23


class StorageFull(BeamkeeperError):
    """No room, or no right to write, where bytes must be kept."""

    exit_status = 24


class LedgerUnavailable(BeamkeeperError):
    """Our own database gives no answer; the vault is whole without it."""

    exit_status = 25


class WindowUnavailable(BeamkeeperError):
    """The network window does not open, does not close, or cannot be read; the watchdog keeps it shut."""

    exit_status = 26


class DataClosed(BeamkeeperError):
    """The sealed data directory is shut: somebody, or a key by reference, must open it first."""

    exit_status = 27


class PatientMismatch(BeamkeeperError):
    """Two sources disagree about who this is."""

    exit_status = 30


class NightInterrupted(BeamkeeperError):
    """The run stopped before its end and can be resumed."""

    exit_status = 40


class AlreadyRunning(BeamkeeperError):
    """Another run holds this site."""

    exit_status = 41


class ImplausibleChange(BeamkeeperError):
    """A mass change: the last good copies stay, people are called."""

    exit_status = 42


class VoteRefused(BeamkeeperError):
    """A vote does not count: wrong person, wrong list, too late, or counted before."""

    exit_status = 43


class NotDeliverable(BeamkeeperError):
    """A machine does not give this plan directly, so no copy of it is made for that machine."""

    exit_status = 44
