"""What a page leaves behind, such as a file or an undo, asks who is here when it is done, not when it was drawn."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.settings import ROOT

LOOKUPS = {"actor", "reader", "rater"}  # of pages.shared.resources and pages.shared.session
AT_ONCE = {"attempt", "done", "start"}  # call what they are given before they return, or begin it
Function = ast.FunctionDef | ast.Lambda


def people_in(function: ast.FunctionDef) -> set[str]:
    """Return the names to which a function binds who is here."""
    found = set()
    for one in own_nodes(function):
        if isinstance(one, ast.Assign):
            target, value = one.targets[0], one.value
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            found |= {name.id for name, given in pairs if isinstance(name, ast.Name) and is_lookup(given)}
    return found


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function but for those of functions in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, Function):
            waiting += ast.iter_child_nodes(one)


def is_lookup(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return False
    return (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in LOOKUPS


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def kept_for_later(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of every use of who is here in something that is called after the function has returned."""
    people = people_in(function)
    if not people:
        return
    at_once = {
        given.id if isinstance(given, ast.Name) else id(given)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and called(call) in AT_ONCE
        for given in call.args
    }
    for one in ast.walk(function):
        if isinstance(one, ast.Lambda) or (isinstance(one, ast.FunctionDef) and one is not function):
            if id(one) in at_once or getattr(one, "name", None) in at_once:
                continue
            yield from ((use.lineno, use.id) for use in ast.walk(one) if used(use, people))
        elif isinstance(one, ast.keyword) and one.arg in ("args", "kwargs"):
            yield from ((use.lineno, use.id) for use in ast.walk(one.value) if used(use, people))


def used(node: ast.AST, people: set[str]) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in people


def test_nothing_that_a_page_leaves_behind_holds_who_it_was_drawn_for():
    found = []
    for path in sorted((ROOT / "pages").rglob("*.py")):
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(one, ast.FunctionDef):
                found += [f"{path.relative_to(ROOT)}:{line} {name}" for line, name in kept_for_later(one)]
    assert sorted(set(found)) == [], "call resources.actor() there, or resources.actor_later in another thread"
