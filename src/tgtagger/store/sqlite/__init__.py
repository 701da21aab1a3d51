"""What only a SQLite file has: opening, errors, full text, backup, run locks, migrations.

Knows tables and posts only where a module says so.
"""
