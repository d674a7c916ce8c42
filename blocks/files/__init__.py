"""Files of a run: kept, read, fetched, zipped."""
