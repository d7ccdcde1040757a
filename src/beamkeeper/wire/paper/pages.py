"""HTML in one file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(package: str) -> Environment:
    """Return what sets the templates of a package: every value is escaped, a missing one is an error."""
    return Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def security_policy(style: str) -> str:
    """Return what a page may do: its own style by digest, pictures inside it, nothing else.

    It stands in the page, so that a hostile name could do nothing even unescaped. Styles in attributes are
    not allowed either.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
