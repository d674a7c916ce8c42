"""Work on lists, dictionaries, tables and samples."""
