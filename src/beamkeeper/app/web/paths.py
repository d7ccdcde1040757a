"""What may stand in the paths of our pages."""

from __future__ import annotations


class Pseudonym:
    """A vault folder's name in a path."""

    regex = r"[A-Za-z0-9_-]{1,128}"

    def to_python(self, value: str) -> str:
        """Return it as it stands there."""
        return value

    def to_url(self, value: str) -> str:
        """Return it as it shall stand there."""
        return value
