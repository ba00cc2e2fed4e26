"""Units of measure: exact fractions from pint, applied to columns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_map_cast import Cast, Cells, one_by_one
from livesync_pipelines.core.row_map_fast import How, known
from livesync_pipelines.core.row_map_types import Fate, family, type_name
from livesync_pipelines.core.row_map_values import Unfit, converted
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.row_map import Unit
from livesync_pipelines.model.rows import Column

FLOAT = Column(name="", type=pa.float64())

_DIGITS = 18
_WIDEST = 76
_LONG = Context(prec=120)


@cache
def line_of(unit: Unit) -> tuple[Fraction, Fraction]:
    """`factor` and `offset`: value * factor + offset. Raises BadInput for units that pint does not
    know or that measure different things."""
    import pint  # a third of a second, for those who need it

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(non_int_type=Fraction)
    try:
        zero, one = (
            Fraction(registry.Quantity(Fraction(n), unit.source).to(unit.target).magnitude)
            for n in (0, 1)
        )
    except pint.DimensionalityError as error:
        raise BadInput(f"{unit.source} and {unit.target} do not measure the same") from error
    except (pint.PintError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"a unit of '{unit.source}', '{unit.target}' is not known") from error
    return one - zero, zero


def decimals_of(*numbers: Fraction) -> int | None:
    """How many decimals these have at most, None where they never end or are very many."""
    for digits in range(_DIGITS + 1):
        if all((number * 10**digits).denominator == 1 for number in numbers):
            return digits
    return None


@dataclass(frozen=True, slots=True)
class Scale:
    """`value * factor + offset`: exactly between whole numbers and decimals, and as floats where
    one side is a float."""

    source: Column
    target: Column
    factor: Fraction
    offset: Fraction
    lossy: bool = False

    def __call__(self, array: pa.Array) -> Cells:
        if "float" in (family(self.source), family(self.target)):
            return self._as_floats(array)
        return one_by_one(array, self._exact, self.target.type, self._fast(array))

    def _as_floats(self, array: pa.Array) -> Cells:
        numbers = Cast(self.source, FLOAT, lossy=True)(array).values
        scaled = pc.add(pc.multiply(numbers, float(self.factor)), float(self.offset))
        return Cast(FLOAT, self.target, lossy=self.lossy)(scaled)

    def _exact(self, value: int | Decimal) -> Any:
        found = Fraction(value) * self.factor + self.offset
        spelled = _LONG.divide(Decimal(found.numerator), Decimal(found.denominator))
        try:
            return converted(spelled, self.target, lossy=self.lossy)
        except Unfit as error:
            raise Unfit(f"in the other unit {error}") from error

    def _fast(self, array: pa.Array) -> pa.Array | None:
        """Null for what has to be looked at; None if all of it has to."""
        digits = decimals_of(self.factor, self.offset)
        exact = array.cast(pa.decimal128(19, 0)) if array.type == pa.int64() else array
        if digits is None:
            return None
        factor, offset = _scalar(self.factor, digits), _scalar(self.offset, digits)
        held = exact.type.precision + factor.type.precision + 2
        if held + digits > _WIDEST or exact.type.scale + digits > 38:
            return None
        product = pc.add(pc.multiply(exact.cast(_wide(exact.type)), factor), offset)
        as_decimal = Column(name="", type=product.type)
        return known(product, How(as_decimal, self.target, lossy=self.lossy))

    @property
    def inverse(self) -> Scale:
        factor = 1 / self.factor
        return Scale(self.target, self.source, factor, -self.offset * factor, self.lossy)

    @property
    def fate(self) -> Fate:
        if "float" in (family(self.source), family(self.target)):
            return Fate(loses="a float does not come back exactly from another unit")
        decimals = decimals_of(self.factor, self.offset)
        scale = self.target.type.scale if family(self.target) == "decimal" else 0
        held = self.source.type.scale if family(self.source) == "decimal" else 0
        if decimals is None or held + decimals > scale:
            return Fate(refuses=f"{type_name(self.target)} does not hold all the decimals")
        most = _largest(self.source) * abs(self.factor) + abs(self.offset)
        fits = most <= _largest(self.target)
        return Fate(refuses=None if fits else "a number can be too large in the other unit")


def _largest(column: Column) -> Fraction:
    if family(column) == "integer":
        return Fraction(2 ** (column.bits - 1))
    return Fraction(10**column.type.precision - 1, 10**column.type.scale)


def _wide(kind: pa.DataType) -> pa.DataType:
    return pa.decimal256(kind.precision, kind.scale)


def _scalar(number: Fraction, digits: int) -> pa.Scalar:
    whole = int(number * 10**digits)
    kind = pa.decimal256(max(len(str(abs(whole))), digits, 1), digits)
    return pa.scalar(Decimal(whole).scaleb(-digits, _LONG), kind)


def natural(source: Column, unit: Unit) -> Column:
    """What a column becomes in the other unit, where nobody says: decimals if that is exact."""
    factor, offset = line_of(unit)
    digits = decimals_of(factor, offset)
    if family(source) == "float" or digits is None:
        return Column(name=source.name, type=pa.float64())
    held = source.type.scale if family(source) == "decimal" else 0
    return Column(name=source.name, type=pa.decimal128(38, min(held + digits, _DIGITS)))
