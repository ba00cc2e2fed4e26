"""Computed fields: a small language without loops, attributes or anything that can be defined.

It is read by Python's own parser and evaluated by simpleeval, of which only the node types named
here are left. So the work for one row is bounded by the length of the expression, and the size of
what it makes by `MAX_CHARS` and `MAX_DIGITS`.

simpleeval was chosen for its types: a decimal stays one, to the last digit, and dates and null go
through as they are. The two CEL packages and JSONata know neither decimals nor dates, and would
make floats of both.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException, InvalidOperation
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from livesync_pipelines.core.canon import storable
from livesync_pipelines.core.row_map_functions import FUNCTIONS, OPERATORS, bounded
from livesync_pipelines.core.row_map_values import Unfit
from livesync_pipelines.model.errors import BadInput

MAX_LENGTH = 1_000
MAX_NODES = 200
_ALLOWED = (
    ast.Expr,
    ast.Name,
    ast.Constant,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
)
_GRAMMAR = (*_ALLOWED, ast.Load, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


NAMES: tuple[str, ...] = (*sorted(FUNCTIONS), "column")


class _Small(SimpleEval):  # type: ignore[misc]  # simpleeval has no types
    nodes: dict[type[ast.AST], Callable[[Any], Any]]

    def __init__(self) -> None:
        super().__init__(operators=OPERATORS, functions=FUNCTIONS, names={})
        self.nodes = {kind: self.nodes[kind] for kind in _ALLOWED}


@dataclass(frozen=True, slots=True)
class Expression:
    """`columns` are those that it reads, in the order of their first mention."""

    text: str
    columns: tuple[str, ...]
    tree: ast.AST
    evaluator: _Small

    def __call__(self, row: Mapping[str, Any]) -> Any:
        """Its value for these columns. Raises `Unfit`."""
        self.evaluator.names = row
        try:
            return bounded(self.evaluator.eval(self.text, previously_parsed=self.tree))
        except Unfit:
            raise
        except (ZeroDivisionError, InvalidOperation) as error:
            raise Unfit("divides by zero, or a number is too large") from error
        except (InvalidExpression, DecimalException, ArithmeticError) as error:
            raise Unfit(f"cannot be computed: {error}") from error
        except (TypeError, ValueError) as error:
            raise Unfit(f"cannot be computed from these values: {error}") from error


def read(text: str) -> Expression:
    """Raises BadInput, saying what is not part of the language."""
    if len(text) > MAX_LENGTH:
        raise BadInput(f"the expression has more than {MAX_LENGTH} characters")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
        raise BadInput(f"the expression is wrong: {said}") from error
    if sum(1 for _ in ast.walk(body)) > MAX_NODES:
        raise BadInput(f"the expression has more than {MAX_NODES} parts")
    tree = _Columns(text.strip()).visit(ast.Expr(body))
    nodes = list(ast.walk(tree))
    calls = {node.func for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        _check(node)
    found = [n.id for n in nodes if isinstance(n, ast.Name) and n not in calls]
    return Expression(text, tuple(dict.fromkeys(found)), tree, _Small())


def _check(node: ast.AST) -> None:
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise BadInput(
                "the expression calls what is no function",
                hint=f"There are: {', '.join(NAMES)}.",
            )
        if node.keywords:
            raise BadInput("the expression names an argument of a function; only give its value")
    elif not isinstance(node, _GRAMMAR) or _refused_operator(node):
        raise BadInput(
            f"the expression holds {type(node).__name__}, which is not part of the language",
            hint="There are + - * / // %, comparisons, and, or, not, in, a if b else c, and the "
            f"functions {', '.join(NAMES)}.",
        )


def _refused_operator(node: ast.AST) -> bool:
    kinds = (ast.operator, ast.unaryop, ast.cmpop)
    return isinstance(node, kinds) and type(node) not in OPERATORS


class _Columns(ast.NodeTransformer):
    """`column("full name")` is a column whose name is no word, `1.10` is a decimal."""

    def __init__(self, text: str) -> None:
        self._text = text

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name(id="column"), args=[ast.Constant(value=str(name))]):
                return ast.Name(id=name, ctx=ast.Load())
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, float):
            # ast allows no decimals as constants, the evaluation does.
            node.value = Decimal(ast.get_source_segment(self._text, node) or "")  # type: ignore[assignment]  # ast knows no Decimal
            return node
        if isinstance(node.value, str) and storable(node.value) != node.value:
            raise BadInput("the expression holds a character that no text can have")
        if node.value is None or isinstance(node.value, (str, int)):
            return node
        raise BadInput(f"the expression holds {node.value!r}, which is no value of a column")
