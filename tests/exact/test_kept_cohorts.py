"""Exact: patients that were kept are those that were enrolled, to the bit, and nobody else."""

import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.numerics.sphere import Sphere
from alarmin.results.cohorts import kept_cohort
from alarmin.simulation import Settings

SMALL = Settings(grid=Sphere(16, 1.5), lanes=32)


def test_kept_patients_are_those_who_were_enrolled(tmp_path, monkeypatch):
    first = kept_cohort("nsclc", 3, 5, tmp_path, settings=SMALL)
    fresh = enroll("nsclc", 3, 5, settings=SMALL)

    def again(*arguments, **options):
        raise RuntimeError("enrolled again")

    monkeypatch.setattr("alarmin.enrollment.enroll", again)
    found = kept_cohort("nsclc", 3, 5, tmp_path, settings=SMALL)
    for other in (first, fresh):
        assert found.records == other.records
        assert (found.tumor, found.seed, found.population) == (other.tumor, other.seed, other.population)
        for name in ("ids", "patient", "lesion"):
            np.testing.assert_array_equal(getattr(found, name), getattr(other, name))
        for name in ("values", "untreated"):
            mine, theirs = getattr(found, name), getattr(other, name)
            assert mine.keys() == theirs.keys()
            for key, value in theirs.items():
                assert mine[key].dtype == value.dtype
                np.testing.assert_array_equal(mine[key], value)
    for n, seed in ((4, 5), (3, 6)):
        with pytest.raises(RuntimeError, match="again"):
            kept_cohort("nsclc", n, seed, tmp_path, settings=SMALL)
    next(tmp_path.iterdir()).write_bytes(b"torn")
    with pytest.raises(RuntimeError, match="again"):
        kept_cohort("nsclc", 3, 5, tmp_path, settings=SMALL)
