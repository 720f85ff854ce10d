"""Tables as people read them, at the widths of terminals."""

import io
import re

import pytest
from rich.console import Console

from analysis.cli.screen import TextTable

NUMBERS = [[f"{-1.04 - i:.2f}±.{j:02d}" for j in range(11)] for i in range(5)]
LEARNERS = [
    "naive",
    "extragradient",
    "[up]",
    "[/]",
    "file:runs/a_very_long_folder/with_a_very_long_name/in_it",
]


def printed(drawn, width):
    """What a terminal of this width shows, without the blanks at the ends of lines."""
    file = io.StringIO()
    Console(file=file, width=width, markup=False, emoji=False, highlight=False, color_system=None).print(
        drawn
    )
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 120, 100_000])
def test_no_digit_and_no_name_of_a_table_is_cut(width):
    rows = [
        [str(k + 1), name, *numbers] for k, (name, numbers) in enumerate(zip(LEARNERS, NUMBERS, strict=True))
    ]
    lines = printed(
        TextTable(["", "learner", *(str(k + 1) for k in range(11))], rows, right=range(2, 13), keys=2), width
    )
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert all(number in words for row in NUMBERS for number in row)
    blocks = "\n".join(lines).split("\n\n")
    for block in blocks:  # every one names its rows
        assert all(name in block for name in LEARNERS[:-1])
        head, _, body = block.partition("\n")
        names = "".join(
            re.split(r"\s{2,}", line[3:])[0] for line in body.splitlines()
        )  # which wrap where they are long
        assert LEARNERS[-1] in names
        assert "learner" in head


def test_a_sentence_wraps_between_words():
    summary = "Ascend the value after the others' next naive step, differentiated as it is, and so on to the end of the line."
    lines = printed(
        TextTable(["name", "what it is", "citation"], [["lola (lola_exact)", summary, "foerster2018dice"]]),
        60,
    )
    assert max(map(len, lines)) <= 60
    assert all(word in re.split(r"\s+", " ".join(lines)) for word in summary.split())
