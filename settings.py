"""Every setting of Heddle, read from the environment once, by the composition roots only.

Called by `worker.py`, `api/app.py` and `dev/`; nothing else may import it: the rest gets arguments.
Names in the specification that differ from ours are accepted as aliases. `docs/settings.md` and
`.env.example` are generated from this file (`python -m dev.docs`).
"""

import json
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _names(*names: str) -> AliasChoices:
    """Environment names in order of preference; the first is the one we document."""
    return AliasChoices(*names)


_KEY_OF = "key_of_"


def _key(provider: str, *names: str) -> Any:
    """The deployment's own key for a provider; the field's name says which one to the code."""
    return Field(
        SecretStr(""),
        validation_alias=_names(*names),
        description=f"The deployment's own key for {provider}: for nodes that name no credentials of their user's.",
    )


def _urls(value: Any) -> Any:
    """JSON text as the object it is. ValueError, in one line, for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except ValueError:
            value = None
    if not isinstance(value, dict) or not all(isinstance(url, str) for url in value.values()):
        raise ValueError('give JSON, such as {"ollama": "http://localhost:11434/v1"}')
    return value


Urls = Annotated[dict[str, str], NoDecode, BeforeValidator(_urls)]
"""Name → URL. Read here and not by the library, whose error for text that is no JSON names no variable."""

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """All settings. Units are in the names: seconds, ms, bytes, cents. Source: specification section B."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    # --- Temporal -----------------------------------------------------------------------------
    temporal_address: str = Field(
        "127.0.0.1:7233",
        validation_alias=_names("TEMPORAL_ADDRESS", "HEDDLE_TEMPORAL_ADDRESS"),
        description="Host and port of Temporal's gRPC frontend.",
    )
    temporal_namespace: str = Field(
        "default",
        validation_alias=_names("TEMPORAL_NAMESPACE", "HEDDLE_TEMPORAL_NAMESPACE"),
        description="Temporal namespace that holds our workflows.",
    )
    temporal_ui_url: str = Field(
        "http://127.0.0.1:8233",
        validation_alias=_names("HEDDLE_TEMPORAL_UI_URL"),
        description="Base URL of Temporal's Web UI, for links.",
    )
    task_queue: str = Field(
        "heddle",
        validation_alias=_names("HEDDLE_TASK_QUEUE"),
        description="Task queue of workflows, and of activities unless a block names another.",
    )

    # --- Postgres -----------------------------------------------------------------------------
    database_url: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/heddle"),
        validation_alias=_names("DATABASE_URL", "DIRECT_URL", "HEDDLE_DATABASE_URL"),
        description="Postgres URL; a `schema` (or `search_path`) parameter chooses the schema (S-028).",
    )
    db_pool_min_size: PositiveInt = Field(
        2,
        validation_alias=_names("HEDDLE_DB_POOL_MIN_SIZE"),
        description="Connections each process keeps open (S-332).",
    )
    db_pool_max_size: PositiveInt = Field(
        10,
        validation_alias=_names("HEDDLE_DB_POOL_SIZE", "DB_POOL_SIZE"),
        description="Most connections of each process (S-029).",
    )
    db_pool_idle_seconds: PositiveFloat = Field(
        300.0,
        validation_alias=_names("HEDDLE_DB_POOL_IDLE_SECONDS"),
        description="An idle connection is closed after this long (S-332).",
    )

    # --- API ----------------------------------------------------------------------------------
    api_host: str = Field(
        "127.0.0.1", validation_alias=_names("HEDDLE_API_HOST"), description="Address the API listens on."
    )
    api_port: Port = Field(8006, validation_alias=_names("HEDDLE_API_PORT"), description="Port the API listens on.")
    graph_body_limit_bytes: PositiveInt = Field(
        1024 * 1024,
        validation_alias=_names("HEDDLE_GRAPH_BODY_LIMIT_BYTES"),
        description="Largest body of a graph; a larger one is a 413 before it is parsed.",
    )
    execute_body_limit_bytes: PositiveInt = Field(
        8 * 1024 * 1024,
        validation_alias=_names("HEDDLE_EXECUTE_BODY_LIMIT_BYTES"),
        description="Largest body of an execute call; a larger one is a 413 before it is parsed.",
    )
    frontend_base_url: str = Field(
        "",
        validation_alias=_names("FRONTEND_BASE_URL", "HEDDLE_FRONTEND_BASE_URL"),
        description="Not in effect yet. Base URL of links to people; empty means `platform_base_url` (S-025).",
    )
    platform_base_url: str = Field(
        "http://127.0.0.1:8006",
        validation_alias=_names("PLATFORM_BASE_URL", "HEDDLE_PLATFORM_BASE_URL"),
        description="Not in effect yet. Base URL of the platform itself (S-025).",
    )

    # --- Worker -------------------------------------------------------------------------------
    worker_roles: str = Field(
        "workflows,blocks",
        validation_alias=_names("HEDDLE_WORKER_ROLES"),
        description="What this worker process does: `workflows`, `blocks`, or both, with a comma between.",
    )
    worker_metrics_host: str = Field(
        "127.0.0.1",
        validation_alias=_names("HEDDLE_WORKER_METRICS_HOST"),
        description="Address of the worker's `/metrics` and `/health`.",
    )
    worker_metrics_port: Port = Field(
        9464,
        validation_alias=_names("EXECUTION_MANAGER_PORT", "PROMETHEUS_PORT", "HEDDLE_WORKER_METRICS_PORT"),
        description="Port of the worker's `/metrics` and `/health` (S-019, C-22); 0 takes a free one.",
    )
    num_graph_workers: PositiveInt = Field(
        10,
        validation_alias=_names("NUM_GRAPH_WORKERS", "EXECUTION_MAX_WORKERS", "HEDDLE_NUM_GRAPH_WORKERS"),
        description="Workflow tasks that one worker process works on at once (S-016, S-017).",
    )
    max_concurrent_activities: PositiveInt = Field(
        100,
        validation_alias=_names("HEDDLE_MAX_CONCURRENT_ACTIVITIES"),
        description="Nodes that one worker process runs at once.",
    )
    max_concurrent_nodes: PositiveInt = Field(
        50,
        validation_alias=_names("MAX_CONCURRENT_NODES", "HEDDLE_MAX_CONCURRENT_NODES"),
        description="Nodes of one run that are under way at once, batches of pure nodes apart (S-018, C-12).",
    )
    workflow_sandbox: bool = Field(
        False,
        validation_alias=_names("HEDDLE_WORKFLOW_SANDBOX"),
        description="Run workflows in the SDK's sandbox: on in tests, off in production (a third of the throughput).",
    )
    graceful_shutdown_timeout_seconds: PositiveFloat = Field(
        30.0,
        validation_alias=_names("GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS", "HEDDLE_GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS"),
        description="How long a worker that stops waits for the nodes it runs (S-026).",
    )

    # --- Runs ---------------------------------------------------------------------------------
    inline_value_limit_bytes: PositiveInt = Field(
        16 * 1024,
        validation_alias=_names("HEDDLE_INLINE_VALUE_LIMIT_BYTES"),
        description="A larger value, as JSON, is stored once and travels as a reference.",
    )
    flush_window_ms: PositiveInt = Field(
        20,
        validation_alias=_names("HEDDLE_FLUSH_WINDOW_MS"),
        description="A running block's outputs leave for the workflow at the latest after this long.",
    )
    batch_max_nodes: PositiveInt = Field(
        1000,
        validation_alias=_names("HEDDLE_BATCH_MAX_NODES"),
        description="A batch of pure nodes hands back the rest after so many.",
    )
    batch_max_ms: PositiveInt = Field(
        50,
        validation_alias=_names("HEDDLE_BATCH_MAX_MS"),
        description="Safety net: a batch of pure nodes also ends after this long.",
    )
    network_allowed: str = Field(
        "",
        validation_alias=_names("HEDDLE_NETWORK_ALLOWED"),
        description="What else than the public internet blocks may reach: hosts, `host:port`, addresses, networks.",
    )
    network_timeout_seconds: PositiveFloat = Field(
        60.0,
        validation_alias=_names("HEDDLE_NETWORK_TIMEOUT_SECONDS"),
        description="A block's web request ends after this long, redirects included, unless the block says otherwise.",
    )
    network_answer_limit_bytes: PositiveInt = Field(
        10 * 1024 * 1024,
        validation_alias=_names("HEDDLE_NETWORK_ANSWER_LIMIT_BYTES"),
        description="Largest answer that a block's web request takes, also once it is unfolded.",
    )
    max_value_bytes: PositiveInt = Field(
        100 * 1024 * 1024,
        validation_alias=_names("HEDDLE_MAX_VALUE_BYTES"),
        description="Largest output of a node, as JSON; a node that gives a larger one fails (`value_too_large`).",
    )
    max_outputs_per_node: PositiveInt = Field(
        100_000,
        validation_alias=_names("HEDDLE_MAX_OUTPUTS_PER_NODE"),
        description="Outputs of one node execution; a node that gives more fails (`too_many_outputs`).",
    )
    max_run_files_bytes: PositiveInt = Field(
        1024 * 1024 * 1024,
        validation_alias=_names("HEDDLE_MAX_RUN_FILES_BYTES"),
        description="All files of one run and its sub-graphs together; a node that stores more fails.",
    )
    max_kept_value_bytes: PositiveInt = Field(
        10 * 1024 * 1024,
        validation_alias=_names("HEDDLE_MAX_KEPT_VALUE_BYTES"),
        description="Largest value, as JSON, that a block keeps for later runs; also what a node may collect.",
    )
    max_kept_values: PositiveInt = Field(
        10_000,
        validation_alias=_names("HEDDLE_MAX_KEPT_VALUES"),
        description="Values of one user that blocks keep for later runs.",
    )
    max_nodes_per_graph: PositiveInt = Field(
        5_000,
        validation_alias=_names("HEDDLE_MAX_NODES_PER_GRAPH"),
        description="Nodes of one graph, those of its sub-graphs apart (`too_many_nodes`).",
    )
    max_links_per_graph: PositiveInt = Field(
        20_000,
        validation_alias=_names("HEDDLE_MAX_LINKS_PER_GRAPH"),
        description="Links of one graph, those of its sub-graphs apart (`too_many_links`).",
    )
    max_run_seconds: float = Field(
        0.0,
        ge=0,
        validation_alias=_names("HEDDLE_MAX_RUN_SECONDS"),
        description="A run that takes longer ends FAILED (`run_timed_out`); 0: a run may wait for months.",
    )
    max_sub_graph_depth: PositiveInt = Field(
        10,
        validation_alias=_names("HEDDLE_MAX_SUB_GRAPH_DEPTH"),
        description="How deep sub-graphs may be nested; a node that would go deeper fails.",
    )
    node_timeout_seconds: PositiveFloat = Field(
        1800.0,
        validation_alias=_names("HEDDLE_NODE_TIMEOUT_SECONDS"),
        description="Wall-clock limit of one node, unless its block says otherwise.",
    )
    block_execution_timeout_seconds: float = Field(
        60.0,
        gt=0,
        le=3600,
        validation_alias=_names("HEDDLE_BLOCK_EXECUTION_TIMEOUT_SECONDS"),
        description="Wall-clock limit of a block that is run by itself, whose caller waits for it.",
    )
    node_heartbeat_timeout_seconds: PositiveFloat = Field(
        10.0,
        validation_alias=_names("HEDDLE_NODE_HEARTBEAT_TIMEOUT_SECONDS"),
        description="A node whose worker is silent for so long is taken as lost.",
    )
    node_max_attempts: PositiveInt = Field(
        5,
        validation_alias=_names("HEDDLE_NODE_MAX_ATTEMPTS"),
        description="How often a node whose worker is lost is begun, at the most.",
    )
    node_transient_attempts: int = Field(
        6,
        ge=0,
        validation_alias=_names("HEDDLE_NODE_TRANSIENT_ATTEMPTS"),
        description="How often a node is begun anew after errors that pass, such as a provider's rate limit.",
    )
    llm_base_urls: Urls = Field(
        {},
        validation_alias=_names("HEDDLE_LLM_BASE_URLS"),
        description='Endpoints of language models, as JSON: `{"ollama": "http://localhost:11434/v1"}`; in place of a '
        "provider's own, and then no key is needed. `openai_compatible` is any that speaks as OpenAI does.",
    )
    llm_timeout_seconds: PositiveFloat = Field(
        120.0,
        validation_alias=_names("HEDDLE_LLM_TIMEOUT_SECONDS"),
        description="One answer of a language model may take so long.",
    )
    node_stop_timeout_seconds: PositiveFloat = Field(
        15.0,
        validation_alias=_names("HEDDLE_NODE_STOP_TIMEOUT_SECONDS"),
        description="How long a stopped run waits for its nodes to end (S-031, S-144).",
    )
    local_batches_ms: PositiveInt = Field(
        150,
        validation_alias=_names("HEDDLE_LOCAL_BATCHES_MS"),
        description="After so much time in local batches one runs as an ordinary activity, so that signals are heard.",
    )
    continue_after_events: int = Field(
        0,
        ge=0,
        validation_alias=_names("HEDDLE_CONTINUE_AFTER_EVENTS"),
        description="Events after which a run's workflow continues as new when quiet; 0: when Temporal suggests it.",
    )
    max_concurrent_graph_executions_per_user: PositiveInt = Field(
        25,
        validation_alias=_names(
            "MAX_CONCURRENT_GRAPH_EXECUTIONS_PER_USER", "HEDDLE_MAX_CONCURRENT_GRAPH_EXECUTIONS_PER_USER"
        ),
        description="Runs of one user and graph that go on at once; further ones wait (S-023).",
    )
    max_concurrent_graph_executions: int = Field(
        0,
        ge=0,
        validation_alias=_names("HEDDLE_MAX_CONCURRENT_GRAPH_EXECUTIONS"),
        description="Runs that go on at once in the whole deployment; further ones wait; 0: any number (S-127).",
    )
    admission_retry_seconds: PositiveFloat = Field(
        60.0,
        validation_alias=_names("HEDDLE_ADMISSION_RETRY_SECONDS"),
        description="A run that waits for a slot asks by itself after this long, should nobody have told it.",
    )

    bulk_resume_per_second: PositiveFloat = Field(
        5.0,
        validation_alias=_names("HEDDLE_BULK_RESUME_PER_SECOND"),
        description="Failed runs of a graph that are resumed in a second, at the most, when all are to be.",
    )

    # --- Agreement with Temporal --------------------------------------------------------------
    reconcile_interval_seconds: PositiveInt = Field(
        15,
        validation_alias=_names("HEDDLE_RECONCILE_INTERVAL_SECONDS"),
        description="How often rows are compared with Temporal's workflows.",
    )
    reconcile_silence_seconds: PositiveFloat = Field(
        15.0,
        validation_alias=_names("HEDDLE_RECONCILE_SILENCE_SECONDS"),
        description="A run that looks alive and of which nothing was heard for so long is asked for at Temporal.",
    )
    reconcile_look_back_seconds: PositiveFloat = Field(
        3600.0,
        validation_alias=_names("HEDDLE_RECONCILE_LOOK_BACK_SECONDS"),
        description="How far back the first comparison looks for workflows that have no row; later ones go on.",
    )
    reconcile_max_rows: PositiveInt = Field(
        200,
        validation_alias=_names("HEDDLE_RECONCILE_MAX_ROWS"),
        description="Silent runs that one comparison asks Temporal about; the others follow in the next one.",
    )
    reconcile_max_workflows: PositiveInt = Field(
        10_000,
        validation_alias=_names("HEDDLE_RECONCILE_MAX_WORKFLOWS"),
        description="Workflows that one comparison lists, about; the others follow in the next one.",
    )

    # --- Clean-up -----------------------------------------------------------------------------
    execution_retention_days: float = Field(
        30.0,
        ge=0,
        validation_alias=_names("HEDDLE_EXECUTION_RETENTION_DAYS"),
        description="Runs are deleted, with all that belongs to them, so long after they ended; 0: never.",
    )
    value_retention_days: float = Field(
        0.0,
        ge=0,
        validation_alias=_names("HEDDLE_VALUE_RETENTION_DAYS"),
        description="Values above the inline limit are deleted so long after their run ended; 0: with the run.",
    )
    prune_interval_seconds: PositiveInt = Field(
        3600,
        validation_alias=_names("HEDDLE_PRUNE_INTERVAL_SECONDS"),
        description="How often what is too old is looked for.",
    )

    # --- Money and notices --------------------------------------------------------------------
    execution_counter_expiration_time: PositiveInt = Field(
        86_400,
        validation_alias=_names("EXECUTION_COUNTER_EXPIRATION_TIME", "HEDDLE_EXECUTION_COUNTER_EXPIRATION_TIME"),
        description="Not in effect yet. Seconds after which a user's count of node executions starts again (S-021).",
    )
    low_balance_threshold: int = Field(
        500,
        validation_alias=_names("LOW_BALANCE_THRESHOLD", "HEDDLE_LOW_BALANCE_THRESHOLD"),
        description="Not in effect yet. Cents; a balance that falls below is told to its owner once (S-022).",
    )
    insufficient_funds_notified_ttl_seconds: PositiveInt = Field(
        2_592_000,
        validation_alias=_names(
            "INSUFFICIENT_FUNDS_NOTIFIED_TTL_SECONDS", "HEDDLE_INSUFFICIENT_FUNDS_NOTIFIED_TTL_SECONDS"
        ),
        description="Not in effect yet. A user is told once in this time that an agent lacks credits (S-027).",
    )
    moderation_timeout_seconds: PositiveFloat = Field(
        30.0,
        validation_alias=_names("HEDDLE_MODERATION_TIMEOUT_SECONDS"),
        description="Not in effect yet. After this long without an answer moderation is passed over (S-031).",
    )
    activity_status_timeout_seconds: PositiveFloat = Field(
        60.0,
        validation_alias=_names("HEDDLE_ACTIVITY_STATUS_TIMEOUT_SECONDS"),
        description="Not in effect yet. Limit for writing the summary of a run (S-031).",
    )

    # --- Credentials --------------------------------------------------------------------------
    credential_keys: SecretStr = Field(
        SecretStr(""),
        validation_alias=_names("HEDDLE_CREDENTIAL_KEYS"),
        description="Keys that encrypt users' credentials: `ID:KEY,ID:KEY`, each KEY 32 bytes in base 64 "
        "(`openssl rand -base64 32`); the first encrypts, all decrypt. Without one no credentials can be kept.",
    )
    system_credentials: SecretStr = Field(
        SecretStr(""),
        validation_alias=_names("HEDDLE_SYSTEM_CREDENTIALS"),
        description="The deployment's own keys for any provider, as JSON: provider → key. They go before those "
        "below. None is sent to a server that a node names (`mcp`), or lent to nodes that act as an account "
        "(`github`).",
    )
    key_of_openai: SecretStr = _key("OpenAI", "OPENAI_API_KEY")
    key_of_anthropic: SecretStr = _key("Anthropic", "ANTHROPIC_API_KEY")
    key_of_groq: SecretStr = _key("Groq", "GROQ_API_KEY")
    key_of_open_router: SecretStr = _key("OpenRouter", "OPEN_ROUTER_API_KEY", "OPENROUTER_API_KEY")
    key_of_llama_api: SecretStr = _key("the Llama API", "LLAMA_API_KEY")
    key_of_v0: SecretStr = _key("v0", "V0_API_KEY")
    key_of_aiml_api: SecretStr = _key("AI/ML API", "AIML_API_KEY")
    key_of_jina: SecretStr = _key("Jina", "JINA_API_KEY")
    key_of_exa: SecretStr = _key("Exa", "EXA_API_KEY")
    key_of_e2b: SecretStr = _key("E2B", "E2B_API_KEY")
    key_of_replicate: SecretStr = _key("Replicate", "REPLICATE_API_KEY")
    key_of_google_maps: SecretStr = _key("Google Maps", "GOOGLE_MAPS_API_KEY")

    # --- Telemetry ----------------------------------------------------------------------------
    log_level: str = Field("INFO", validation_alias=_names("HEDDLE_LOG_LEVEL"), description="Least level of log lines.")
    otlp_endpoint: str = Field(
        "",
        validation_alias=_names("OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="Where traces are sent (OTLP over HTTP); empty sends none.",
    )

    @property
    def base_url(self) -> str:
        """The base URL of links to people (S-025)."""
        return (self.frontend_base_url or self.platform_base_url).rstrip("/")

    @property
    def system_keys(self) -> dict[str, SecretStr]:
        """The deployment's own keys by provider. ValueError, which shows none, when they cannot be read."""
        named = {name.removeprefix(_KEY_OF): getattr(self, name) for name in type(self).model_fields if _KEY_OF in name}
        text = self.system_credentials.get_secret_value()
        try:
            given = json.loads(text) if text else {}
        except ValueError:
            given = None
        if not isinstance(given, dict) or not all(isinstance(key, str) and key for key in given.values()):
            raise ValueError("HEDDLE_SYSTEM_CREDENTIALS is no JSON object of provider → key")
        keys = {**named, **{provider: SecretStr(key) for provider, key in given.items()}}
        return {provider: key for provider, key in keys.items() if key.get_secret_value()}

    @property
    def graceful_shutdown_timeout(self) -> timedelta:
        """`graceful_shutdown_timeout_seconds` as the SDK takes it."""
        return timedelta(seconds=self.graceful_shutdown_timeout_seconds)

    @property
    def roles(self) -> frozenset[str]:
        """The worker's roles, checked: a subset of {workflows, blocks}, not empty."""
        roles = frozenset(role.strip() for role in self.worker_roles.split(",") if role.strip())
        if roles == {"both"}:
            roles = frozenset({"workflows", "blocks"})
        unknown = roles - {"workflows", "blocks"}
        if unknown or not roles:
            raise ValueError(
                f"HEDDLE_WORKER_ROLES is {self.worker_roles!r}: give workflows, blocks, or both with a comma between"
            )
        return roles
