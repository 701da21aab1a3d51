"""Record one long session with the command line, to show that a change changed no output.

    PYTHONPATH=tests .venv/bin/python -m support.recorded_session .venv/bin/tgtagger > transcript

Types some five hundred fixed commands in a new home; its only network is two servers of its own on
loopback. Prints each command, its exit code, stdout and stderr. Two runs of one program print the
same, byte for byte; so `diff` shows every change of output between two programs. It takes some
minutes, most of them to start the program.

Only what differs from run to run is replaced by a name: the home (<HOME>), ports (<PORT>), moments
of this run (<TIME>, <DAY>, <AGO>), seconds taken, sizes of files, the versions of Python and
SQLite; also the schema's version, on which nobody depends. Old moments that are fixed here are
shown as they are.
"""
