"""The HTTP door: keeps graphs, starts, follows and stops runs. It never does the work of a run itself.

`uvicorn api.app:create_app --factory` runs it; `activities/` is out of its reach.
"""
