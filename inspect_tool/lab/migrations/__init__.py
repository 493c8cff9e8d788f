"""The tables of every version, one file of ``versions`` for each change, run by Alembic."""

from pathlib import Path

from sqlalchemy import Connection

REVISIONS = ("0001", "0002")
"""Oldest first; the last one is that of ``tables``."""


def run(connection: Connection) -> None:
    """Bring the tables of a connection up to the last revision, within its transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=lambda has, _: script._upgrade_revs(REVISIONS[-1], has)) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
