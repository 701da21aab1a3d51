"""What only a SQLite file has: opening, errors, full text, backup, run locks, migrations."""
