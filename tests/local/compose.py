"""docker-compose.yml as Docker Compose reads it: parsed, merged, interpolated."""

import re
from collections.abc import Mapping

import yaml

from deploy.local.places import ROOT

#: ${NAME}, ${NAME:-default} or ${NAME:?what to do}; $$ stands for one dollar.
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


def load(variables: Mapping[str, str]) -> dict:
    text = (ROOT / "docker-compose.yml").read_text()
    return _interpolated(yaml.safe_load(text), variables)


def _interpolated(node, variables):
    if isinstance(node, dict):
        return {key: _interpolated(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [_interpolated(value, variables) for value in node]
    if isinstance(node, str):
        return VARIABLE.sub(lambda found: _value(found, variables), node)
    return node


def _value(found, variables):
    dollar, name, kind, rest = found.groups()
    if dollar:
        return "$"
    if not variables.get(name) and kind != "-":
        raise KeyError(f"{name}: {rest}")
    return variables.get(name) or rest
