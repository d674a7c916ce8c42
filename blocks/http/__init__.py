"""The one way by which blocks talk to the network: a guarded HTTP client.

Made by `worker.py` from the settings, reached by blocks as `context.services.http`. It knows no block and no store.
`client.py` shows how a block for somebody's HTTP interface is written.
"""
