"""A provider's definite no is a value, and a value can be dropped without a word: here nobody may."""

import ast
from collections.abc import Iterator
from pathlib import Path

import operations

ROOM = Path(operations.__file__).parent
SOURCES = {path.relative_to(ROOM): ast.parse(path.read_text()) for path in sorted(ROOM.rglob("*.py"))}


def test_whoever_is_told_of_a_refusal_does_something_about_it() -> None:
    """`_ = await ...` says that nothing is to be done, with the reason beside it."""
    telling = {function.name for tree in SOURCES.values() for function in _functions(tree) if _tells(function)}
    assert {"perform", "issue", "cancel_contract", "mark_paid_in_metronome"} <= telling

    dropped = [f"{path}:{line}" for path, tree in SOURCES.items() for line in _dropped(tree, telling)]

    assert dropped == []


def _functions(tree: ast.Module) -> Iterator[ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef))


def _tells(function: ast.AsyncFunctionDef) -> bool:
    return function.returns is not None and "Refusal" in ast.unparse(function.returns)


def _dropped(tree: ast.Module, telling: set[str]) -> Iterator[int]:
    """A call that stands for itself, its answer looked at by nobody; `gather` of such calls is no better."""
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Await):
            calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
            if any(ast.unparse(call.func).rpartition(".")[2] in telling for call in calls):
                yield statement.lineno
