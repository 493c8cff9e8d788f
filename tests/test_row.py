"""A row of the fields table: what its fields are to the recipe, and its columns to everybody else."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as default

import pandas as pd
import pytest

from inspect_tool.model.row import Row, column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfClass(Row):
    count: int
    count_per_mm2: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole(Row):
    area_percent: Mapping[str, float]
    features: Mapping[str, OfClass]
    largest_um: float = default(metadata=column("pore_um.max"))
    part: OfClass | None
    lines: Mapping[str, tuple[float, ...]] = default(metadata=column(None))


ROW = Whole(
    area_percent={"carbide": 20.0, "matrix": 80.0},
    features={"carbide": OfClass(count=3, count_per_mm2=None), "slag": OfClass(count=0, count_per_mm2=0.0)},
    largest_um=7.5,
    part=OfClass(count=1, count_per_mm2=0.25),
    lines={"edge": (0.1, 0.2)},
)
COLUMNS = {
    "area_percent.carbide": 20.0,
    "area_percent.matrix": 80.0,
    "count.carbide": 3,
    "count.slag": 0,
    "count_per_mm2.slag": 0.0,
    "pore_um.max": 7.5,
    "count": 1,
    "count_per_mm2": 0.25,
}


def test_columns_come_in_the_order_of_the_fields_and_none_is_no_column():
    assert list(ROW.items()) == list(COLUMNS.items())
    assert ROW == COLUMNS
    assert {name: ROW[name] for name in COLUMNS} == COLUMNS
    assert ("lines" in ROW, len(ROW)) == (False, 8)
    with pytest.raises(KeyError, match="largest_um"):
        ROW["largest_um"]


def test_a_row_is_taken_for_a_mapping_by_a_table_and_is_one_in_another_process():
    assert pd.DataFrame([{**ROW}]).iloc[0].to_dict() == COLUMNS
    assert pickle.loads(pickle.dumps(ROW)) == COLUMNS


def test_a_part_that_is_not_there_has_no_columns():
    assert list(replace(ROW, part=None)) == list(COLUMNS)[:-2]
