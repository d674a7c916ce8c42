"""How long these blocks may take."""

from datetime import timedelta

LONG = timedelta(minutes=10)
"""For what is asked for in many pages."""
