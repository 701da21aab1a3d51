"""The entry point: `tgtagger`, or `python -m tgtagger`."""

import sys


def main() -> None:
    """Run the command line; the question for the version is answered before anything loads."""
    if sys.argv[1:] == ["--version"]:
        from tgtagger import __version__

        print(f"tgtagger {__version__}")  # noqa: T201 -- the one line without the command line
        return
    try:
        from tgtagger.cli import app
    except KeyboardInterrupt:  # as early as this, nobody else catches it
        sys.exit(130)

    app(prog_name="tgtagger")


if __name__ == "__main__":
    main()
