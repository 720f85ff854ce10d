"""Games from spreadsheets: whichever way a table is written, the same game comes out, and what is no table is told where."""

import pytest

from solvers.files.formats import read_game, read_text, write_game

DILEMMA = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]


@pytest.mark.parametrize(
    "text",
    [
        "3 3,0 5\n5 0,1 1",
        '"3,3";"0,5"\n"5,0";"1,1"',
        "3,3;0,5\n5,0;1,1",
        "(3; 3)\t(0; 5)\n(5; 0)\t(1; 1)",
        '"3, 3", "0, 5"\n"5, 0", "1, 1"\n',
        "\ufeff3 3,0 5\r\n5 0,1 1\r\n\r\n",
        "3,0\n5,1\n\n3,5\n0,1",
        "3,0\n5,1\n,\n3,5\n0,1\n",
        "6/2 3.0,0 5e0\n5 0,1 +1",
    ],
)
def test_one_game_in_many_forms(text, tmp_path):
    game = read_text(text)
    assert game.payoffs.tolist() == DILEMMA
    assert game.actions == (("1", "2"), ("1", "2"))
    (tmp_path / "game.csv").write_text(text, encoding="utf-8", newline="")
    assert read_game(tmp_path / "game.csv").payoffs.tolist() == DILEMMA


def test_names():
    assert read_text(",L,R\nU,3 3,0 5\nD,5 0,1 1").actions == (("U", "D"), ("L", "R"))
    assert read_text("U,3 3,0 5\nD,5 0,1 1").actions == (("U", "D"), ("1", "2"))
    assert read_text("L,R\n3 3,0 5\n5 0,1 1").actions == (("1", "2"), ("L", "R"))
    assert (
        read_text(",1,2\n1,3,0\n2,5,1\n\n3,5\n0,1").payoffs.tolist() == DILEMMA
    )  # an empty corner: numbers are names
    assert read_text("\nP,L,R\nU,3,0\nD,5,1\n\nQ,L,R\nU,3,5\nD,0,1\n").payoffs.tolist() == DILEMMA
    with pytest.raises(ValueError, match="different actions"):
        read_text(",L,R\nU,3,0\nD,5,1\n\n,L,M\nU,3,5\nD,0,1")


def test_every_form_is_told_apart(tmp_path):
    game = read_text("3 3,0 5\n5 0,1 1")
    for suffix in (".nfg", ".json"):
        text = write_game(game, tmp_path / f"game{suffix}").read_text(encoding="utf-8")
        assert (read_text(f"\n {text}").payoffs == game.payoffs).all()
    with pytest.raises(ValueError, match=r"game\.csv.*\.nfg.*\.json"):
        write_game(game, tmp_path / "game.csv")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ('EFG 2 R "t" { "a" }', r"tree.*read_efg\(file\)\.to_nfg"),
        ("3 3,0 5\n5 0", "line 2 .*1 cells.*2 "),
        ("3 3,x\n5 0,1 1", "'x'.*pair.*line 1, cell 2"),
        ("3 3,0 5\n5 0,1 nan", "'1 nan'.*pair"),
        ("3,0\n5,1", "pair of payoffs"),
        ("1 2 3,4 5 6", "pair"),
        ("1,2\n\n3", "1x2 .*1x1"),
        ("1,2\n\n3,4\n\n5,6", "3 tables"),
        (" , \n", "0 tables"),
        (",L,R,M\nU,3 3,0 5\nD,5 0,1 1", "3 columns.*2"),
        ("3 3,0 1e999\n3 3,0 1", "'0 1e999'.*pair"),
    ],
)
def test_mistakes_are_told_where(text, says):
    with pytest.raises(ValueError, match=says):
        read_text(text)
