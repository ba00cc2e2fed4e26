"""What a user says of Notion."""

from __future__ import annotations

import re
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, model_validator

from livesync_pipelines.connectors.base import Accounted, Options

_ID = re.compile(r"[0-9a-f]{32}")


def _identity(said: str) -> str:
    """Of an address of Notion, the id at the end of its path."""
    path = re.split("[?#]", said.strip().lower())[0].replace("-", "")
    found = _ID.search(path, max(0, len(path) - 32))
    if found is None:
        raise ValueError("give the id or the address of a page or a database of Notion")
    return str(UUID(found[0]))


NotionId = Annotated[str, AfterValidator(_identity)]


class NotionConnection(Accounted):
    """`token` of an internal connection (`ntn_...`), or an `account` that was connected with
    `livesync connect notion`. It syncs what is shared with that connection in Notion."""

    account: str = ""
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if bool(self.account) is (self.token is not None):
            raise ValueError("give either `token` or `account`")
        return self


class NotionSelection(Options):
    """`pages`, `databases`: their ids or addresses, each with all that lies below (none: all that
    is shared with the connection). `rows`: whether the pages of databases are read too."""

    pages: list[NotionId] = Field(default=[])
    databases: list[NotionId] = Field(default=[])
    rows: bool = True
