"""How numbers and times are written for people."""

from datetime import datetime

import pytest

from serving.templating import compact, day, moment, number, percent, signed, until


@pytest.mark.parametrize(
    "written, expected",
    [
        (number(1234567.8), "1,234,568"),
        (number(None), "–"),
        (signed(-4.21), "−4.2"),
        (signed(3), "+3.0"),
        (signed(-0.01), "0.0"),
        (percent(0.1234), "12.3 %"),
        (compact(1234567), "1.23 M"),
        (compact(999_900), "1.00 M"),
        (compact(412_300), "412 k"),
        (compact(950), "950"),
        (compact(0), "0"),
        (compact(12_345_678_901), "12.3 bn"),
        (day(datetime(2027, 1, 3)), "3 Jan 2027"),
        (moment(datetime(2027, 1, 3, 4, 5)), "3 Jan 2027, 04:05 UTC"),
        (until(datetime(2026, 11, 2), datetime(2026, 11, 1, 23)), "in 1 day"),
        (until(datetime(2026, 11, 1), datetime(2026, 11, 1, 23)), "today"),
        (until(datetime(2026, 10, 30), datetime(2026, 11, 1)), "2 days ago"),
    ],
)
def test_how_numbers_are_written(written: str, expected: str) -> None:
    assert written == expected
