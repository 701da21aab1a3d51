"""`tgtagger config`: the settings in force, and a file to write them in."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from tgtagger import config
from tgtagger.cli import new_app
from tgtagger.cli.options import JsonOption, invocation
from tgtagger.errors import InputError, system_error
from tgtagger.system import files
from tgtagger.system.terminal_text import flat

app = new_app(
    invoke_without_command=True,
    help="Show the settings in force, and where each came from; or write a file.",
    epilog="""Examples:
  tgtagger config
  tgtagger config init       a file with every setting, commented out
  tgtagger config path       where it is looked for

Flags beat the environment, the environment the file. Secrets are hidden.

Exit codes:
  0 shown or written · 2 a setting is wrong, or the file is there already""",
)


@app.callback()
def show(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """Show each setting, its value, and where that comes from."""
    if ctx.invoked_subcommand is not None:
        return
    from tgtagger.cli.context import screen_of

    settings = invocation(ctx).settings()
    rows = [
        {
            "name": setting.name,
            "value": _shown(setting, getattr(settings, setting.name)),
            "from": settings.origins[setting.name],
            "variable": setting.variable,
            "key": setting.key,
        }
        for setting in config.SETTINGS
    ]
    screen = screen_of(ctx)
    if as_json:
        screen.json(rows)
    else:
        table = [
            [
                str(row["name"]),
                "" if row["value"] is None else str(row["value"]),
                str(row["from"]),
            ]
            for row in rows
        ]
        screen.table(["setting", "value", "from"], table)


def _shown(setting: config.Setting, value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, tuple):
        return ", ".join(value)
    # An address of another kind of database, which is refused later, has a password in it.
    return "(hidden)" if setting.secret else re.sub(r"://[^/]*@", "://(hidden)@", str(value))


@app.command(
    epilog="""Examples:
  tgtagger config path""",
)
def path(ctx: typer.Context) -> None:
    """Print where the settings file is looked for."""
    typer.echo(flat(str(_file(ctx))))


@app.command(
    epilog="""Examples:
  tgtagger config init
  tgtagger --config work.toml config init""",
)
def init(
    ctx: typer.Context,
    *,
    force: bool = typer.Option(False, "--force", help="Overwrite a file that is there."),
) -> None:
    """Write a settings file with every setting in it, commented out."""
    target = config.in_a_home(_file(ctx))
    try:
        files.make_folder(target.parent)
        with files.replacing(target, exclusive=not force) as file:
            file.write(config.file_template().encode())
    except FileExistsError as error:
        raise InputError(f"{target} is there already", hint="overwrite it with --force") from error
    except OSError as error:
        raise system_error(error, f"{target} cannot be written") from error
    typer.echo(flat(str(target)))


def _file(ctx: typer.Context) -> Path:
    """Return where the settings file is, or would be: it need not exist, nor be right."""
    return config.file_path(invocation(ctx).flags)
