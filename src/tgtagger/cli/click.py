"""What the command line takes of Typer that Typer keeps to itself: its copy of Click, its shells.

The only module that imports these. They are those of Typer 0.26 to 0.28 (pyproject.toml): with
another version, look here first.
"""

from typer._click.core import Context
from typer._click.exceptions import ClickException, NoSuchOption, UsageError
from typer._click.formatting import HelpFormatter
from typer._click.shell_completion import (
    CompletionItem,
    add_completion_class,
    split_arg_string,
)
from typer._completion_classes import BashComplete
from typer.core import _typer_format_options as format_options

__all__ = [
    "BashComplete",
    "ClickException",
    "CompletionItem",
    "Context",
    "HelpFormatter",
    "NoSuchOption",
    "UsageError",
    "add_completion_class",
    "format_options",
    "split_arg_string",
]
