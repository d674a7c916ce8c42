"""The I/O side of runs: activities with injected dependencies, implementing the references of `contracts/`.

Registered by `worker.py`. They run blocks, keep the projection in the store and never decide what runs next.
"""
