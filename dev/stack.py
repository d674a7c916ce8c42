"""What the stack consists of, and in which order it comes up.

Called by `up`, which has chosen the home, the ports and the Temporal CLI. It knows what the processes need; how they
are kept alive is the supervisor's business.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.search_attributes import SEARCH_ATTRIBUTES
from dev import account, credential_keys, envfile, health, postgres, temporal_cli
from dev.home import ROOT, Home
from dev.launch import bound_to_parent
from dev.ports import HOST, Ports
from dev.processes import ProcessFailed, Spec, Supervisor
from dev.report import Event, Report
from settings import Settings

_LOG_LIMIT = 16 * 1024 * 1024
_DATABASE_VARIABLES = ("DATABASE_URL", "DIRECT_URL", "HEDDLE_DATABASE_URL")


@dataclass(frozen=True)
class Stack:
    """One stack, before or while it runs."""

    home: Home
    ports: Ports
    cli: Path
    settings: Settings
    environment: Mapping[str, str]

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://{HOST}:{self.ports.api}"

    @property
    def temporal_address(self) -> str:
        """Temporal's gRPC frontend."""
        return f"{HOST}:{self.ports.temporal}"

    @property
    def ui_url(self) -> str:
        """Temporal's Web UI."""
        return f"http://{HOST}:{self.ports.ui}"

    @property
    def worker_url(self) -> str:
        """The worker's metrics and health."""
        return f"http://{HOST}:{self.ports.worker_metrics}"

    async def start(self, supervisor: Supervisor, report: Report) -> dict[str, str]:
        """Brings everything up, each once the one before is healthy; returns (and writes) the values of `env`."""
        database_url = own_database(self.environment)
        if database_url is None:
            server = postgres.Server(self.home.postgres)
            try:
                server.prepare()
            except (postgres.PostgresFailed, OSError) as problem:
                raise ProcessFailed(f"The embedded PostgreSQL cannot be made: {problem}") from problem
            await supervisor.start(self.database(server))
            database_url = server.url
        await supervisor.start(self.temporal())

        report(Event("database", "starting"))
        values = self._values(database_url)
        # The key is on disk before it is in the database: an interrupted start must not lose it.
        envfile.write(self.home.env, values)
        try:
            await account.prepare(database_url, values["HEDDLE_API_KEY"])
        except Exception as problem:
            # Whatever a foreign database answers is the reader's to judge; a stack trace would not help.
            raise ProcessFailed(f"The database cannot be made ready: {type(problem).__name__}: {problem}") from problem
        report(Event("database", "healthy", "migrated"))

        await supervisor.start(self.worker(database_url))
        await supervisor.start(self.api(database_url))
        return values

    def _values(self, database_url: str) -> dict[str, str]:
        return {
            "HEDDLE_HOME": str(self.home.directory.absolute()),
            "HEDDLE_API_URL": self.api_url,
            "HEDDLE_API_KEY": envfile.read(self.home.env).get("HEDDLE_API_KEY") or account.new_key(),
            "HEDDLE_USER_ID": account.USER_ID,
            "TEMPORAL_ADDRESS": self.temporal_address,
            "HEDDLE_TEMPORAL_UI_URL": self.ui_url,
            "HEDDLE_TEMPORAL_CLI": str(self.cli),
            "DATABASE_URL": database_url,
            "HEDDLE_WORKER_METRICS_URL": f"{self.worker_url}/metrics",
        }

    def database(self, server: postgres.Server) -> Spec:
        """The embedded PostgreSQL, which has been prepared."""
        return Spec(
            name="postgres",
            command=server.command,
            log=self._log("postgres"),
            healthy=server.healthy,
            stop_signal=postgres.STOP,
        )

    def temporal(self) -> Spec:
        """Temporal's development server, with its data in a file."""
        arguments = temporal_cli.server_arguments(
            port=self.ports.temporal,
            ui_port=self.ports.ui,
            namespace=self.settings.temporal_namespace,
            search_attributes=SEARCH_ATTRIBUTES,
            database=self.home.temporal_database,
        )
        return Spec(
            name="temporal",
            command=bound_to_parent((str(self.cli), *arguments)),
            log=self._log("temporal"),
            healthy=health.temporal(
                self.temporal_address, self.settings.temporal_namespace, SEARCH_ATTRIBUTES, self.ui_url
            ),
        )

    def worker(self, database_url: str) -> Spec:
        """The worker, in both roles."""
        return Spec(
            name="worker",
            command=bound_to_parent((sys.executable, "worker.py")),
            log=self._log("worker"),
            healthy=health.http(f"{self.worker_url}/health/ready"),
            environment=self._product_environment(database_url),
            directory=ROOT,
            # It lets running nodes end first, for as long as its own setting says.
            stop_seconds=self.settings.graceful_shutdown_timeout_seconds + 5.0,
        )

    def api(self, database_url: str) -> Spec:
        """The HTTP API."""
        server = ("uvicorn", "api.app:create_app", "--factory", "--host", HOST, "--port", str(self.ports.api))
        return Spec(
            name="api",
            # Event streams stay open for as long as their readers like; without a limit they would hold up the end.
            command=bound_to_parent((sys.executable, "-m", *server, "--timeout-graceful-shutdown", "3")),
            log=self._log("api"),
            healthy=health.http(f"{self.api_url}/health/ready"),
            environment=self._product_environment(database_url),
            directory=ROOT,
        )

    def _product_environment(self, database_url: str) -> dict[str, str]:
        """The caller's environment, with the stack's addresses under the names that win over their aliases."""
        return {
            "PLATFORM_BASE_URL": self.api_url,
            **self.environment,
            "PYTHONUNBUFFERED": "1",
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": self.settings.temporal_namespace,
            "HEDDLE_TEMPORAL_UI_URL": self.ui_url,
            "DATABASE_URL": database_url,
            "HEDDLE_API_HOST": HOST,
            "HEDDLE_API_PORT": str(self.ports.api),
            "HEDDLE_WORKER_METRICS_HOST": HOST,
            "EXECUTION_MANAGER_PORT": str(self.ports.worker_metrics),
            "HEDDLE_CREDENTIAL_KEYS": self.environment.get("HEDDLE_CREDENTIAL_KEYS")
            or credential_keys.obtain(self.home.credential_keys),
        }

    def _log(self, name: str) -> Path:
        """The process's log; one that has grown large is set aside once."""
        path = self.home.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        return path


def own_database(environment: Mapping[str, str] | None = None) -> str | None:
    """The PostgreSQL that the user wants used; None for the embedded one.

    A shell that has sourced some stack's `env` carries the URL of that stack's embedded server: not a wish.
    """
    environment = os.environ if environment is None else environment
    given = (environment.get(name) for name in _DATABASE_VARIABLES)
    url = next((url for url in given if url), None)
    return None if url is None or postgres.is_embedded(url) else url
