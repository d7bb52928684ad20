"""docker-compose.yml as Docker Compose reads it: parsed, merged, interpolated."""

import re
from collections.abc import Mapping

import yaml

from deploy.local.places import ROOT

#: ${NAME}, ${NAME:-default} or ${NAME:?what to do}; $$ stands for one dollar.
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


def load(variables: Mapping[str, str]) -> dict:
    text = (ROOT / "docker-compose.yml").read_text()
    whole = _interpolated(yaml.safe_load(text), variables)
    for service in whole["services"].values():
        service["environment"] = dict(_told(service["environment"], variables))
    return whole


def _told(environment, variables):
    """Yield what a container is told; a name without a value is passed on, if set."""
    for name, value in environment.items():
        if value is not None or name in variables:
            yield name, variables[name] if value is None else value


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
