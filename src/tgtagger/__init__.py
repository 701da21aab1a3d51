"""Keep Telegram channels in one SQLite file, and tag every post.

The package is a command-line program; its modules are described in ARCHITECTURE.md. Importing
it costs nothing: what is slow to load is loaded by the command that needs it.
"""

__version__ = "0.1.0"
