"""Measures Heddle beside raw Temporal and DBOS, on the same server and database, in turns, and prints ratios.

`scripts/bench` runs it. Absolute times say more about the machine than about us, so none is asserted anywhere.
"""
