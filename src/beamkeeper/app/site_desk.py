"""The file of a house's own systems into which received patients go: DICOM stores and HL7 receivers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamkeeper.app.site import explain
from beamkeeper.app.site_copies import CopiesSection
from beamkeeper.app.site_removals import Hl7Section
from beamkeeper.app.site_values import AeTitle, Word
from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError

SYSTEMS: Final = "systems.toml"
"""The file's name where it lies in the folder of a desk."""
FILE_BYTES_MAX: Final = 64 << 10
_Kind = Literal["ADT^A28", "ADT^A04", "SIU^S12", "SIU^S13", "SIU^S14", "SIU^S15", "MDM^T02"]
_EVERY: Final[tuple[_Kind, ...]] = get_args(_Kind)


class ReceiverSection(Hl7Section):
    """`[[hl7]]`: a receiver of messages, and which of them it takes."""

    takes: Annotated[tuple[_Kind, ...], Field(min_length=1)] = _EVERY


class DeskSystems(BaseModel):
    """The whole file.

    Attributes
    ----------
    issuer_of_patient_id
        As this house's objects state it, with its numbers; "" where they state none.
    place
        File of the place into which return bundles are put; None where they are carried by hand.
    look_every_minutes
        How often the stores are asked for new treatment records, by `desk follow` and `receive --wait`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    own_ae_title: AeTitle = "BEAMKEEPER"
    issuer_of_patient_id: Word = ""
    place: Path | None = None
    look_every_minutes: Annotated[float, Field(ge=0.01, le=24 * 60)] = 10
    dicom: tuple[CopiesSection, ...] = ()
    hl7: tuple[ReceiverSection, ...] = ()


def systems_of(desk: Path, given: Path | None) -> DeskSystems | None:
    """Return the systems that were named, else those whose file lies in the desk; None where there are none.

    Raises
    ------
    ConfigError
        The file is wrong.
    """
    own = desk / SYSTEMS
    if given is None and not own.is_file():
        return None
    return load_systems(given or own)


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
        systems = DeskSystems.model_validate(tables_in(text, str(path), do_next="Mend the file."))
        if systems.place is None:
            return systems
        return systems.model_copy(update={"place": path.parent / systems.place})
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}.", do_next="Name the file of your systems."
        ) from error
    except ValidationError as error:
        raise ConfigError(f"{path} is wrong. {explain(error)}", do_next="Mend the named lines.") from error
