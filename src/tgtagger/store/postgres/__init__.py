"""The room of PostgreSQL: an archive on a server, for taggers on any number of machines.

Its driver is an extra (`tgtagger[postgres]`): only an archive on a server imports this package.
"""
