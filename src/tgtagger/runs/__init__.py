"""What a run does: parse, tag, sync and their dry runs, as functions that any face calls.

Each takes the settings, the options of the run, and `events` to call while it works. It returns a
noun (`summary`), whose JSON shape stands in `shapes`. Knows no face: it draws and asks nothing.
"""
