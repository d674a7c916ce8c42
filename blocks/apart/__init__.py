"""Reading what strangers wrote in a process of its own, which can be ended and holds no secrets.

Parsers of web pages and feeds are large, and some inputs keep them busy for hours or make them crash. `running.py`
starts the scripts beside it; each reads bytes from its standard input, answers with JSON and imports nothing of ours.
"""
