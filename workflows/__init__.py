"""Thin drivers: they turn the engine's commands into activities and timers, and what comes back into events.

Run by `worker.py`. They see only contracts and engine; whatever they compute is computed again at every replay.
"""
