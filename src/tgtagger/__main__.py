"""The entry point: `tgtagger`, or `python -m tgtagger`."""

import sys
from types import TracebackType


def _show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a bug as Python does, but so that its words steer no terminal."""
    import traceback

    from tgtagger.visible import clean

    if sys.stderr is not None:
        sys.stderr.write(clean("".join(traceback.format_exception(kind, error, trace))))


def main() -> None:
    """Run the command line; the question for the version is answered before anything loads."""
    if sys.argv[1:] == ["--version"]:
        from tgtagger import __version__

        print(f"tgtagger {__version__}")  # noqa: T201 -- the one line without the command line
        return
    sys.excepthook = _show_bug  # before Typer looks at it
    try:
        from tgtagger.cli import app
    except KeyboardInterrupt:  # as early as this, nobody else catches it
        sys.exit(130)

    app(prog_name="tgtagger")


if __name__ == "__main__":
    main()
