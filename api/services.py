"""What the routes need, gathered once per application; requests find it at `request.app.state.services`.

Made by `app.py`. It holds no logic: each part is a class of its own that knows only its own concern.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from api.admission import Balance, Unlimited
from api.authentication import Authenticator
from api.block_catalogue import Catalogue
from api.graph_versions import GraphVersions
from api.health import Readiness
from api.late import LateChanges, LateRuns, LateStore
from blocks.system_credentials import SystemCredentials
from engine.validate import GraphLimits
from store.sealing import Keys
from telemetry.metrics import ApiMetrics
from telemetry.sdk_metrics import SdkMetrics


@dataclass(slots=True)
class Services:
    """The parts of the API."""

    store: LateStore
    changes: LateChanges
    runs: LateRuns
    catalogue: Catalogue
    authenticator: Authenticator
    versions: GraphVersions
    readiness: Readiness
    metrics: ApiMetrics
    inline_value_limit_bytes: int
    graph_limits: GraphLimits
    block_seconds: float
    temporal_ui_url: str
    temporal_namespace: str
    credential_keys: Keys = field(default_factory=Keys)
    system_credentials: SystemCredentials = field(default_factory=lambda: SystemCredentials.of({}))
    silence: timedelta = timedelta(seconds=15)
    bulk_resume_per_second: float = 5.0
    sdk_metrics: SdkMetrics | None = None
    balance: Balance = field(default_factory=Unlimited)
