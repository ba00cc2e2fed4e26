"""The connections behind Dagster's pages."""

from __future__ import annotations

import sqlalchemy


class ForPages:
    """A storage whose pages ask a connection whether it lives before they use it, so that a restart
    of Postgres goes unseen there too: as it comes, the first question after it fails."""

    postgres_url: str
    _engine: sqlalchemy.Engine

    def optimize_for_webserver(
        self, statement_timeout: int, pool_recycle: int, max_overflow: int
    ) -> None:
        """`statement_timeout` in ms, `pool_recycle` in s."""
        options = self._engine.url.query.get("options", "")
        self._engine = sqlalchemy.create_engine(
            self.postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            pool_recycle=pool_recycle,
            max_overflow=max_overflow,
            pool_pre_ping=True,
            connect_args={"options": f"{options} -c statement_timeout={statement_timeout}"},
        )
