"""python -m deploy.local [--name NAME] COMMAND [OPTIONS] [-- WORDS TO PASS ON]."""

import argparse
import os
import sys

from deploy.local import commands
from deploy.local.errors import plainly


@plainly
def main(words: list[str]) -> int | None:
    """Run one command."""
    os.umask(0o022)
    options = _parsed(words)
    code: int | None = options.function(options)
    return code


def _parsed(words: list[str]) -> argparse.Namespace:
    """What follows `--` is not ours to understand."""
    end = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:end])
    options.words = words[end + 1 :]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local",
        description="A private Waybill system on this machine.",
    )
    parser.add_argument("--name", default="dev", help="which system (default: dev)")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, function in commands.COMMANDS.items():
        subparser = subparsers.add_parser(name, help=function.__doc__)
        for flags, details in commands.OPTIONS.get(name, ()):
            subparser.add_argument(*flags, **details)
        subparser.set_defaults(function=function)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
