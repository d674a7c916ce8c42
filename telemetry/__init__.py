"""What people see of a running Heddle: JSON logs, metrics, traces.

Wired by the composition roots (`worker.py`, `api/app.py`); used by activities and the API, never by workflow code.
"""
