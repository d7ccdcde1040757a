"""`[[removals]]` of the site file: receivers of HL7 messages that are told when a patient's copy goes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from beamkeeper.app.site_values import AeTitle, Host, Name, PortNumber, Word

CharacterSet = Literal[
    "UNICODE UTF-8",
    "8859/1",
    "8859/2",
    "8859/3",
    "8859/4",
    "8859/5",
    "8859/6",
    "8859/7",
    "8859/8",
    "8859/9",
    "8859/15",
    "ASCII",
    "",
]
"""MSH-18 as a receiver wants it: the keys of `wire.hl7.writing.ENCODINGS`, without what that imports."""


class AskSection(BaseModel):
    """A DICOM archive that is asked, by C-FIND, whether a patient is gone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ae_title: AeTitle
    host: Host
    port: PortNumber
    own_ae_title: AeTitle | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    answer_seconds: Annotated[int, Field(ge=1, le=3600)] = 60


class Hl7Section(BaseModel):
    """A receiver of HL7 v2 messages: how it is reached, and how they are addressed and written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    host: Host
    port: PortNumber
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_name: Word = ""
    character_set: CharacterSet = "UNICODE UTF-8"
    processing_id: Literal["P", "T", "D"] = "P"
    sending_application: Word = "BEAMKEEPER"
    receiving_application: Word = ""
    answer_seconds: Annotated[int, Field(ge=1, le=600)] = 30

    @model_validator(mode="after")
    def _whole_tls(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self


class RemovalSection(Hl7Section):
    """One receiver: which message makes it let a patient go."""

    kind: Literal["hl7"] = "hl7"
    template: Literal["ADT^A23", "ADT^A29", "ADT^A03", "ADT^A08"] | None = None
    template_file: Path | None = None
    version: Annotated[str, Field(pattern=r"^2\.[1-9](\.\d)?$")] = "2.5.1"
    sending_facility: Word = ""
    receiving_facility: Word = ""
    ask: AskSection | None = None
    ask_copies: Name | None = None

    @model_validator(mode="after")
    def _one_template(self) -> Self:
        if (self.template is None) == (self.template_file is None):
            raise ValueError("give either template (such as ADT^A23) or template_file")
        if self.ask is not None and self.ask_copies is not None:
            raise ValueError("give either ask (an archive) or ask_copies (a store of [[copies]])")
        return self

    @property
    def is_silent(self) -> bool:
        """Whether nobody is named who could be asked if the patient is gone."""
        return self.ask is None and self.ask_copies is None

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom the network window must let us reach: (host, port)."""
        asked = () if self.ask is None else ((self.ask.host, self.ask.port),)
        return ((self.host, self.port), *asked)

    @property
    def place(self) -> str:
        """Fingerprint of the receiver: what another one said does not count."""
        return hashlib.sha256(f"hl7 {self.host}:{self.port}".encode()).hexdigest()
