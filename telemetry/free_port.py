"""A port of the loopback address for a server that is about to be started.

Used by `sdk_metrics.py`, the benchmarks and tests. Another process may take the port before the server does: who cannot
have that tries again.
"""

import socket


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
