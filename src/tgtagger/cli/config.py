"""`tgtagger config`: the settings in force, and a file to write them in."""

from __future__ import annotations

from pathlib import Path

import typer

from tgtagger import config
from tgtagger.cli.context import flag_of, invocation, screen_of
from tgtagger.cli.help import new_app
from tgtagger.cli.options import JsonOption
from tgtagger.system.terminal_text import flat

app = new_app(
    invoke_without_command=True,
    help="Show the current settings and where each comes from, or write a file.",
    epilog="""Examples:
  tgtagger config
  tgtagger config init       write a file with all settings as comments
  tgtagger config path       print the path of the file

An option wins over the environment, the environment wins over the file.
Secrets are hidden.

Exit codes:
   0  shown or written
   2  a setting is wrong, or the file exists already""",
)


@app.callback()
def show(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Show each setting, its value and where it comes from."""
    if ctx.invoked_subcommand is not None:
        return
    from tgtagger.runs import shapes

    settings, screen = invocation(ctx).settings(), screen_of(ctx)
    rows = [shapes.setting(setting, settings) for setting in config.SETTINGS]
    if as_json:
        screen.json(rows)
        return
    cells = [[row["name"], row["value"], row["from"]] for row in rows]
    table = [["" if cell is None else str(cell) for cell in row] for row in cells]
    screen.table(["setting", "value", "from"], table)


@app.command(
    epilog="""Examples:
  tgtagger config path""",
)
def path(ctx: typer.Context) -> None:
    """Print the path of the settings file."""
    typer.echo(flat(str(_file(ctx))))


@app.command(
    epilog="""Examples:
  tgtagger config init
  tgtagger --config work.toml config init""",
)
def init(
    ctx: typer.Context,
    *,
    force: bool = typer.Option(False, "--force", help="Overwrite an existing file."),
) -> None:
    """Write a settings file with all settings as comments."""
    target = config.in_a_home(_file(ctx))
    config.write_template(target, overwrite=force)
    typer.echo(flat(str(target)))


def _file(ctx: typer.Context) -> Path:
    """Return the path of the settings file. The file may be missing or wrong."""
    return config.file_path(invocation(ctx).flags, called=flag_of)
