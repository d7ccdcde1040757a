"""Values that several sections of the site file have, each with its bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""By which a section is named in reports and on the command line."""
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
AeTitle = Annotated[
    str, Field(min_length=1, max_length=16, pattern=r"^[\x21-\x5b\x5d-\x7e][\x20-\x5b\x5d-\x7e]*$")
]
"""DICOM PS3.5 6.2: no backslash, and blanks alone say nothing."""
Word = Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f]*$")]
Line = Annotated[str, Field(min_length=1, max_length=1000)]
