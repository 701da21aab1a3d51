"""The integrity check of the database file, and the recovery of a damaged one.

Knows nothing of sources and taggers.
"""
