"""One long session with the command line, written down: that a change changed no output.

    PYTHONPATH=tests .venv/bin/python -m support.recorded_session .venv/bin/tgtagger > transcript

Types some five hundred fixed commands in a new home, the only network being two servers of its own
on loopback, and prints of each what was typed, its exit code, stdout, stderr. Two runs of one
program print the same, byte for byte; so of two programs `diff` shows every change of output. It
takes some minutes, most of them to start the program.

What differs from run to run has a name in its place, and nothing else: the home (<HOME>), ports
(<PORT>), moments of this run (<TIME>, <DAY>, <AGO>), seconds taken, sizes of files, the versions of
Python and SQLite. So has the schema's version, which is not output that anybody depends on. What
is long ago, and written here, is shown as it is.
"""
