"""Keys in the stats of a node execution's row that code reads, besides what people look at.

Written by activities, read by activities and the API.
"""

INTERRUPTIONS = "interruptions"
"""Attempts that a worker's shutdown cut short, or somebody who paused or reset the activity."""

WAITS = "waits"
"""What the execution waits for, since when, and with what it goes on; a resumed run asks for it."""

KEPT = "kept"
"""The execution is a copy of one of the run that is run again."""

CALLED_BY = "called_by"
"""Which execution called it as a tool, with the place of the call behind; a resumed run asks for it."""
