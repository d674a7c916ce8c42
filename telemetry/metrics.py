"""The metrics of our own: names, labels, buckets, in one place.

The API makes one `ApiMetrics`, a worker one `WorkerMetrics`; each has a registry of its own, so two in one process
(tests) do not clash (T-38). Labels are bounded: no user, graph or execution ids (T-39): those are for logs and traces.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
RUN_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)
"""S-281, and further for runs that wait."""

NODE_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
LAG_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ApiMetrics:
    """What the API counts (S-289, S-290)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "heddle_api_requests",
            "HTTP requests by method, route template and status code.",
            ["method", "endpoint", "status_code"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "heddle_api_request_duration_seconds",
            "Seconds from the request's arrival to the end of its answer; event streams are left out.",
            ["method", "endpoint"],
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self.event_streams = Gauge("heddle_api_event_streams", "Event streams that are open.", registry=self.registry)


class WorkerMetrics:
    """What a worker counts (S-281 to S-288). `status` is one of the seven statuses, `block` a name of the catalogue."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._of_node: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self.runs = Counter("heddle_runs", "Runs that ended, by status.", ["status"], registry=self.registry)
        self.run_seconds = Histogram(
            "heddle_run_duration_seconds",
            "Seconds from a run's start to its end.",
            ["status"],
            buckets=RUN_SECONDS,
            registry=self.registry,
        )
        self.nodes = Counter(
            "heddle_nodes",
            "Node executions that ended, by block and status.",
            ["block", "status"],
            registry=self.registry,
        )
        self.node_seconds = Histogram(
            "heddle_node_duration_seconds",
            "Seconds that a block ran.",
            ["block"],
            buckets=NODE_SECONDS,
            registry=self.registry,
        )
        self.loop_lag_seconds = Histogram(
            "heddle_blocks_loop_lag_seconds",
            "Seconds that the blocks' event loop answered late, with the block that held it (`-` when none was seen).",
            ["block"],
            buckets=LAG_SECONDS,
            registry=self.registry,
        )

    def run_ended(self, status: str, seconds: float | None) -> None:
        """Count a run that ended; `seconds` is None for one that never began."""
        self.runs.labels(status).inc()
        if seconds is not None:
            self.run_seconds.labels(status).observe(seconds)

    def node_ended(self, block: str, status: str, seconds: float) -> None:
        """Count a node execution that ended. A batch ends thousands, so what belongs to a block is looked up once."""
        key = block, status
        counted = self._of_node.get(key)
        if counted is None:
            counted = self._of_node[key] = (self.nodes.labels(block, status), self.node_seconds.labels(block))
        counter, histogram = counted
        counter.inc()
        histogram.observe(seconds)
