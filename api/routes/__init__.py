"""One module per noun; each has a `router` that `api/app.py` mounts."""
