"""The file of a house's own systems into which received patients go: DICOM stores and HL7 receivers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beamkeeper.app.site import explain
from beamkeeper.app.site_copies import CopiesSection
from beamkeeper.app.site_removals import CharacterSet
from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError

FILE_BYTES_MAX: Final = 64 << 10
_Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]
_Port = Annotated[int, Field(ge=1, le=65535)]
_Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")]
_Word = Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f]*$")]
_AeTitle = Annotated[
    str, Field(min_length=1, max_length=16, pattern=r"^[\x21-\x5b\x5d-\x7e][\x20-\x5b\x5d-\x7e]*$")
]
_Kind = Literal["ADT^A28", "ADT^A04", "SIU^S12", "MDM^T02"]


class ReceiverSection(BaseModel):
    """`[[hl7]]`: a receiver of messages, and which of them it takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    host: _Host
    port: _Port
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_name: _Word = ""
    takes: Annotated[tuple[_Kind, ...], Field(min_length=1)] = ("ADT^A28", "ADT^A04", "SIU^S12", "MDM^T02")
    character_set: CharacterSet = "UNICODE UTF-8"
    processing_id: Literal["P", "T", "D"] = "P"
    sending_application: _Word = "BEAMKEEPER"
    receiving_application: _Word = ""
    answer_seconds: Annotated[int, Field(ge=1, le=600)] = 30

    @model_validator(mode="after")
    def _whole_tls(self) -> ReceiverSection:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self


class DeskSystems(BaseModel):
    """The whole file.

    Attributes
    ----------
    issuer_of_patient_id
        As this house's objects state it, with its numbers; "" where they state none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    own_ae_title: _AeTitle = "BEAMKEEPER"
    issuer_of_patient_id: _Word = ""
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
