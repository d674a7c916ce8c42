"""What nodes do: one module per family of blocks, listed in `catalogue.py`.

Run by `activities/`, described by `api/`. A block knows its inputs and its context, never Temporal or Postgres.
"""
