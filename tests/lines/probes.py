"""A module's code with a probe before each statement. Pure: a source in, code out."""

import ast
from collections.abc import Iterator
from types import CodeType

Body = list[ast.stmt]
Branch = ast.ExceptHandler | ast.match_case


def with_probes(source: bytes, path: str, start: int) -> CodeType:
    """Byte `start` + n of the builtin `__lines__` is set before the statement of line n."""
    tree = ast.parse(source)
    for node in list(ast.walk(tree)):
        for branch, asked in _branches(node):
            branch.body = _probed(branch.body, start, asked)
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and not isinstance(node, Branch):
                setattr(node, name, _probed(body, start, set()))
    return compile(tree, path, "exec", dont_inherit=True)


def _branches(node: ast.AST) -> Iterator[tuple[Branch, set[int]]]:
    """Who enters an `except` or a `case` has asked those before it."""
    asked = set[int]()
    for branch in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
        asked |= {getattr(branch, "pattern", branch).lineno}
        yield branch, {*asked}


def _probed(body: Body, start: int, before: set[int]) -> Body:
    told: Body = []
    for place, statement in enumerate(body):
        if _is_future(statement):  # only another may stand before it
            before |= _lines(statement)
        elif place or not _is_docstring(statement):
            told += [_mark(start + line, statement) for line in _lines(statement) | before]
            before = set()
        told.append(statement)
    return told


def _lines(node: ast.stmt) -> set[int]:
    return {node.lineno, *(found.lineno for found in getattr(node, "decorator_list", []))}


def _is_docstring(node: ast.stmt) -> bool:
    value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _mark(place: int, near: ast.stmt) -> ast.stmt:
    (mark,) = ast.parse(f"__lines__[{place}] = 1").body
    for node in ast.walk(mark):
        ast.copy_location(node, near)
    return mark
