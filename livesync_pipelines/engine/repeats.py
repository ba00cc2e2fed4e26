"""A source that names the same next page twice would be asked for ever."""

from __future__ import annotations

from livesync_pipelines.model.errors import Broken


class Tokens:
    """The page tokens that a source has given in one pass."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def refuse_repeated(self, token: str | None) -> None:
        """Raises `Broken` for a token that was given before; None names no page."""
        if token is None:
            return
        if token in self._given:
            raise Broken(
                "The source names a next page that it has named before, so its pages never end.",
                hint="What was read is kept, and nothing was taken for deleted. The next run tries"
                " again; if it fails as well, tell the maintainers of the connector.",
            )
        self._given.add(token)
