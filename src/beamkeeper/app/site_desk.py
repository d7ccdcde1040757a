"""The file of a house's own systems into which received patients go: DICOM stores and HL7 receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamkeeper.app.site import explain
from beamkeeper.app.site_copies import CopiesSection
from beamkeeper.app.site_removals import Hl7Section
from beamkeeper.app.site_values import AeTitle, Word
from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FILE_BYTES_MAX: Final = 64 << 10
_Kind = Literal["ADT^A28", "ADT^A04", "SIU^S12", "MDM^T02"]


class ReceiverSection(Hl7Section):
    """`[[hl7]]`: a receiver of messages, and which of them it takes."""

    takes: Annotated[tuple[_Kind, ...], Field(min_length=1)] = ("ADT^A28", "ADT^A04", "SIU^S12", "MDM^T02")


class DeskSystems(BaseModel):
    """The whole file.

    Attributes
    ----------
    issuer_of_patient_id
        As this house's objects state it, with its numbers; "" where they state none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    own_ae_title: AeTitle = "BEAMKEEPER"
    issuer_of_patient_id: Word = ""
    dicom: tuple[CopiesSection, ...] = ()
    hl7: tuple[ReceiverSection, ...] = ()


def load_systems(path: Path) -> DeskSystems:
    """Return the systems that a file names.

    Raises
    ------
    ConfigError
        It cannot be read, is no TOML, or says something else.
    """
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES_MAX).decode()
        return DeskSystems.model_validate(tables_in(text, str(path), do_next="Mend the file."))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}.", do_next="Name the file of your systems."
        ) from error
    except ValidationError as error:
        raise ConfigError(f"{path} is wrong. {explain(error)}", do_next="Mend the named lines.") from error
