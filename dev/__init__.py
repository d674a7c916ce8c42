"""The embedded stack: Heddle and everything it needs, on one machine, without Docker.

Started by the scripts in `scripts/`; the tests borrow its PostgreSQL and its Temporal CLI. Nothing of the product
imports it: in production other things start the same processes (`docker-compose.yml`).
"""
