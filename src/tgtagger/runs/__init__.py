"""What a run does: parse, tag, sync and their dry runs, as functions that any face calls.

Each takes the settings, what is wanted, and `events` to call while it works; it returns a noun
(`summary`), whose JSON shape stands in `shapes`. Knows no face: nothing is drawn, nothing asked.
"""
