"""What crosses a process boundary: typed activity references, payload models, errors, search attributes.

Imported by workflows, activities, API and store alike; it knows only the engine.
"""
