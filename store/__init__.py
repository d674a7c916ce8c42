"""The only door to Postgres: one module per aggregate, SQL in `queries/*.sql`, the schema in `migrations/`.

Used by activities, API, worker and the embedded stack. It knows graphs and values, never Temporal or HTTP.
"""
