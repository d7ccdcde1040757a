"""`[[removals]]` of the site file: receivers of HL7 messages that are told when a patient's copy goes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]
_Port = Annotated[int, Field(ge=1, le=65535)]
_Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")]
_Word = Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f]*$")]
_AeTitle = Annotated[
    str, Field(min_length=1, max_length=16, pattern=r"^[\x21-\x5b\x5d-\x7e][\x20-\x5b\x5d-\x7e]*$")
]
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

    ae_title: _AeTitle
    host: _Host
    port: _Port
    own_ae_title: _AeTitle | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    answer_seconds: Annotated[int, Field(ge=1, le=3600)] = 60


class RemovalSection(BaseModel):
    """One receiver: how it is reached, and which message makes it let a patient go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    kind: Literal["hl7"] = "hl7"
    host: _Host
    port: _Port
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_name: _Word = ""
    template: Literal["ADT^A23", "ADT^A29", "ADT^A03", "ADT^A08"] | None = None
    template_file: Path | None = None
    character_set: CharacterSet = "UNICODE UTF-8"
    version: Annotated[str, Field(pattern=r"^2\.[1-9](\.\d)?$")] = "2.5.1"
    processing_id: Literal["P", "T", "D"] = "P"
    sending_application: _Word = "BEAMKEEPER"
    sending_facility: _Word = ""
    receiving_application: _Word = ""
    receiving_facility: _Word = ""
    answer_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    ask: AskSection | None = None
    ask_copies: _Name | None = None

    @model_validator(mode="after")
    def _one_template(self) -> RemovalSection:
        if (self.template is None) == (self.template_file is None):
            raise ValueError("give either template (such as ADT^A23) or template_file")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
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
