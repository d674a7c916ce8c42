"""The rules of agent graphs, sans-I/O: no Temporal, no Postgres, no HTTP, no clock.

`workflows/` drives it, `activities/` runs the same rules inside a batch, `api/` asks it whether a graph is sound.
"""
