"""Reading what strangers wrote in a process of its own, which can be ended and holds no secrets.

Parsers of web pages and feeds are large, and some inputs keep them busy for hours or make them crash. `running.py`
starts the scripts beside it; each reads bytes from its standard input and answers with JSON. `limited.py` calls
functions of ours that strangers' input could make greedy: templates, patterns, tables. What such a process may take and
touch is in `confinement.py`.
"""
