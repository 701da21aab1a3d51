"""The private parts of Typer that the command line uses: its copy of Click, its shells.

Only this module imports them. Their names are those of Typer 0.26 to 0.28 (pyproject.toml): with
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
