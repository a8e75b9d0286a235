from schema.context import Info
from schema.types.environment import Environment


def environment(info: Info) -> Environment:
    return info.context.environment()
