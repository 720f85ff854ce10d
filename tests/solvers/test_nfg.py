"""Games on disk: what a file says is what is read, exactly; what is malformed is told where."""

import itertools
import json
import os
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from games import MatrixGame
from solvers.files import nfg
from solvers.files.formats import json_text, parse_json, read_game, write_game
from solvers.files.normal_form import NormalForm
from solvers.payoffs import number

SELTEN = 'NFG 1 R "Selten (IJGT, 75), Figure 2, normal form"\n{ "Player 1" "Player 2" } { 3 2 }\n\n1 1 0 2 0 2 1 1 0 3 2 0\n'
SELTEN_ROW, SELTEN_COLUMN = [[1, 1], [0, 0], [0, 2]], [[1, 1], [2, 3], [2, 0]]
NAU_4 = """NFG 1 R "One equilibrium, in irrational strategies" { "Row" "Column" "Matrix" }

{ { "Top" "Bottom" }
{ "Left" "Right" }
{ "1" "2" }
}
"Nau et al. (2004), section 4"

{
{ "" 3, 0, 2 }
{ "" 0, 1, 0 }
{ "" 0, 2, 0 }
{ "" 1, 0, 0 }
{ "" 1, 0, 0 }
{ "" 0, 3, 0 }
{ "" 0, 1, 0 }
{ "" 2, 0, 3 }
}
1 2 3 4 5 6 7 8
"""

labels = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda s: not re.search(r'\\(?="|$)', s)
)
rationals = st.fractions(max_denominator=50) | st.integers(-(10**20), 10**20).map(Fraction)


@st.composite
def forms(draw):
    """Games of one to three players with up to three actions, with names of any kind."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    count = len(sizes) * int(np.prod(sizes))
    payoffs = np.empty(count, dtype=object)
    payoffs[:] = draw(st.lists(rationals, min_size=count, max_size=count))
    named = draw(st.booleans())
    players = draw(st.lists(labels, min_size=len(sizes), max_size=len(sizes)))
    actions = [draw(st.lists(labels, min_size=a, max_size=a)) for a in sizes] if named else ()
    return NormalForm(payoffs.reshape(len(sizes), *sizes), draw(labels), players, actions, draw(labels))


def same(a, b):
    """Equal in payoffs and names."""
    assert a.payoffs.shape == b.payoffs.shape
    assert (a.payoffs == b.payoffs).all()
    assert (a.name, a.players, a.actions) == (b.name, b.players, b.actions)


def gap(game, profile):
    """What the best deviation gains, by enumeration of everybody's actions."""
    u = game.payoffs.astype(float)
    worst = 0.0
    for i in range(game.n_players):

        def value(strategies, i=i):
            return sum(
                u[(i, *a)] * np.prod([s[k] for s, k in zip(strategies, a, strict=True)])
                for a in np.ndindex(*u.shape[1:])
            )

        pure = [value([*profile[:i], row, *profile[i + 1 :]]) for row in np.eye(u.shape[1 + i])]
        worst = max(worst, max(pure) - value(profile))
    return worst


def test_the_manuals_example_in_payoff_form():
    game = nfg.parse(SELTEN)
    assert game.payoffs.tolist() == [SELTEN_ROW, SELTEN_COLUMN]
    assert (game.name, game.players) == ("Selten (IJGT, 75), Figure 2, normal form", ("Player 1", "Player 2"))
    assert all(isinstance(x, Fraction) for x in game.payoffs.ravel())


def test_the_manuals_example_in_outcome_form():
    cells = [(1, 1), (0, 2), (0, 2), (1, 1), (0, 3), (2, 0)]
    outcomes = "".join(f'{{ "o{k}" {a}, {b} }}\n' for k, (a, b) in enumerate(cells))
    heading = 'NFG 1 R "Selten" { "Player 1" "Player 2" }\n{ { "1" "2" "3" } { "1" "2" } }\n'
    assert nfg.parse(f"{heading}{{\n{outcomes}}}\n1 2 3 4 5 6").payoffs.tolist() == [
        SELTEN_ROW,
        SELTEN_COLUMN,
    ]


def test_three_players_are_read_in_gambits_order():
    """The published equilibrium is one of the game as read, and of no other order of the axes."""
    game = nfg.parse(NAU_4)
    assert game.actions == (("Top", "Bottom"), ("Left", "Right"), ("1", "2"))
    assert game.comment == "Nau et al. (2004), section 4"
    published = [np.array([p, 1 - p]) for p in (0.61923, 0.47980, 0.37883)]
    assert gap(game, published) < 1e-4
    for order in list(itertools.permutations(range(3)))[1:]:
        assert gap(NormalForm(game.payoffs.transpose(0, *(1 + k for k in order))), published) > 0.05


@settings(max_examples=30)
@given(forms(), st.booleans())
def test_any_game_as_another_hand_writes_it(game, by_outcomes):
    """Cells in the manual's order by an odometer whose first wheel turns fastest, with an outcome for every cell in another order."""
    cells = [[*reversed(c)] for c in itertools.product(*(range(a) for a in reversed(game.n_actions)))]
    assert cells[:2] != [[0], [0]]
    written = [" ".join(str(game.payoffs[(i, *cell)]) for i in range(game.n_players)) for cell in cells]
    if by_outcomes:
        body = (
            "{ " + " ".join(f'{{ "" {payoffs.replace(" ", ", ")} }}' for payoffs in reversed(written)) + " } "
        )
        body += " ".join(str(len(cells) - k) for k in range(len(cells)))
    else:
        body = " ".join(written)
    players, sizes = " ".join(f'"{i}"' for i in range(game.n_players)), " ".join(map(str, game.n_actions))
    assert (nfg.parse(f'NFG 1 R "" {{ {players} }} {{ {sizes} }} {body}').payoffs == game.payoffs).all()


@settings(max_examples=60)
@given(forms())
@example(NormalForm([[[1]], [[2]]], 'a "quoted" name', ("x\ny", "back\\slash"), [["{"], ["}, 1"]], 'c\\d"'))
def test_written_and_read_again(game):
    again = nfg.parse(nfg.text(game))
    same(again, game)
    assert again.comment == game.comment
    same(parse_json(json_text(game)), game)
    assert parse_json(json_text(game)).comment == game.comment


@pytest.mark.parametrize("suffix", ["nfg", "json", "NFG"])
def test_files_by_their_suffix(tmp_path, suffix):
    game = NormalForm(
        ([["1/3", 0.1], [2, 3]], [[0, 1], [1, -1e3]]), "mine", ("ann", "bob"), (("u", "d"), ("l", "r"))
    )
    path = write_game(game, tmp_path / f"mine.{suffix}")
    same(read_game(path), game)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_float32_game_is_written_as_it_was_typed(tmp_path):
    game = MatrixGame.symmetric([[0.1, 1 / 3], [2, 0]], name="typed")
    assert "1/10" in write_game(game, tmp_path / "typed.json").read_text()
    assert read_game(tmp_path / "typed.json").payoffs[0, 0, 0] == Fraction(1, 10)


def test_json_says_what_it_holds():
    game = NormalForm(([[1, "1/3"]], [[0.5, 2]]), "n", ("a", "b"), (("x",), ("y", "z")))
    assert json.loads(json_text(game)) == {
        "name": "n", "players": ["a", "b"], "actions": [["x"], ["y", "z"]], "payoffs": [[[1, "1/3"]], [["1/2", 2]]]
    }  # fmt: skip


@pytest.mark.parametrize("payoffs", ["2 1", "2, 1", "2, 1,", "2 1 ,", "2,1,"])
def test_commas_between_and_after_payoffs_as_gambit_reads_them(payoffs):
    game = nfg.parse(f'NFG 1 R "" {{ "a" "b" }} {{ 1 1 }} {{ {{ "w" {payoffs} }} }} 1')
    assert game.payoffs.ravel().tolist() == [2, 1]


@pytest.mark.parametrize("by_outcomes", [False, True])
def test_a_body_of_many_cells_is_read_as_it_is_written(by_outcomes):
    """Cells of all lengths, between spaces, tabs and lines, and the place of one that is no number."""
    table = np.random.default_rng(0).integers(-(10**12), 10**12, size=(2, 40, 30))
    words = [str(x) for x in table.ravel(order="F")]
    if by_outcomes:
        outcomes = "".join(f'{{ "" {a} {b} }}' for a, b in zip(words[::2], words[1::2], strict=True))
        words = [str(k + 1) for k in range(1200)]
        head = f'NFG 1 R "" {{ "a" "b" }} {{ 40 30 }} {{ {outcomes} }}\n'
    else:
        head = 'NFG 1 R "" { "a" "b" } { 40 30 }\n'
    assert (nfg.parse(head + "\t\n ".join(words)).payoffs == table).all()
    words[700] = "1.2.3"
    with pytest.raises(ValueError, match=r"'1\.2\.3'.*line 702, column 2"):
        nfg.parse(head + "\n ".join(words))


def test_outcome_zero_pays_nothing():
    game = nfg.parse('NFG 1 D "" { "a" "b" } { 2 2 } "" { { "win" 3 1.50 } } 1 0 0 1')
    assert game.payoffs.tolist() == [[[3, 0], [0, 3]], [[Fraction(3, 2), 0], [0, Fraction(3, 2)]]]


def test_numbers_are_exact_as_written():
    game = nfg.parse('NFG 1 R "" { "a" } { 6 } .1 1e-2 -3/9 +2. 1.25E+1 123456789012345678901234567890')
    assert game.payoffs[0].tolist() == [
        Fraction(1, 10), Fraction(1, 100), Fraction(-1, 3), 2, Fraction(25, 2), 123456789012345678901234567890
    ]  # fmt: skip
    assert parse_json('{"payoffs": [[0.1, 1E-2, "-3/9"]]}').payoffs[0].tolist() == [
        Fraction(1, 10),
        Fraction(1, 100),
        Fraction(-1, 3),
    ]


HEAD = 'NFG 1 R "t" { "a" "b" } { 2 2 }\n'
MALFORMED = [
    ("", "'NFG'.*end of the file.*line 1, column 1"),
    ("EFG 2 R", "'NFG'.*'EFG'.* line 1, column 1"),
    ("NFG 2 R", "version 1.*'2'.*line 1, column 5"),
    ("NFG 1 Q", "'R'.*'D'.*'Q'.*line 1, column 7"),
    ("NFG 1 R title", "title.*quotation.*'title'.*line 1, column 9"),
    ('NFG 1 R "title', "closed.*line 1, column 9"),
    ('NFG 1 R "t" { }', "players.*empty.*line 1, column 13"),
    ('NFG 1 R "t" { "a" b }', "'}'.*players.*'b'.*line 1, column 19"),
    ('NFG 1 R "t" { "a" "b" }\n{ 2 }', "strategies of 'b'.*'}'.*line 2, column 5"),
    ('NFG 1 R "t" { "a" "b" }\n{ 2 2 2 }', "'}'.*2 players.*'2'.*line 2, column 7"),
    ('NFG 1 R "t" { "a" "b" }\n{ 2 0 }', "'b'.*strategy.*line 2, column 5"),
    ('NFG 1 R "t" { "a" "b" }\n{ 2 -1 }', "strategies of 'b'.*at least 0.*-1.*line 2, column 5"),
    ('NFG 1 R "t" { "a" "b" }\n{ { "x" } { } }', "'b'.*strategy.*line 2, column 11"),
    ('NFG 1 R "t" { "a" "b" }\n{ 2 { "x" } }', "names.*numbers.*line 2, column 5"),
    (HEAD + "1 2 3 4 5 6 7", "8 payoffs.*ends after 7.*line 2, column 14"),
    (HEAD + "1 2 3 4\n5 6 7 8 9", "'9'.*last cell.*line 3, column 9"),
    (HEAD + "1 2 3 4\n5 x 7 8", "payoff.*'x'.*line 3, column 3"),
    (HEAD + "1 2 3 4\n5 6,7 8", "payoff.*','.*line 3, column 4"),
    (HEAD + "1 2 3 4\n5 1/0 7 8", "'1/0'.*0.*line 3, column 3"),
    (HEAD + "1 2 3 4\n5 1.2.3 7 8", r"'1\.2\.3'.*decimal.*line 3, column 3"),
    (HEAD + "1 2 3 4\n5 1e999999999 7 8", "'1e999999999'.*400.*line 3, column 3"),
    (HEAD + "1 2 3 4\n5 nan 7 8", "payoff.*'nan'.*line 3, column 3"),
    (HEAD + '{ { "x" 1 2 }\n{ "y" 3 } } 1 1 1 1', "payoff.*'}'.*line 3, column 9"),
    (HEAD + '{ { "x" 1 2 }\n{ "y" 3 4 5 } } 1 1 1 1', "'}'.*2 payoffs.*'5'.*line 3, column 11"),
    (HEAD + '{ { "x" 1 2 }\n{ 3 4 } } 1 1 1 1', "outcome.*quotation.*'3'.*line 3, column 3"),
    (HEAD + '{ { "x" 1 2 } }\n1 1 2 1', r"outcome.*\[0, 1\].*2.*line 3, column 5"),
    (HEAD + '{ { "x" 1 2 } }\n1 1 1', "4 cells.*ends after 3.*line 3, column 6"),
    ('NFG 1 R "t" { "a" "b" } { 99999 99999 }\n1', "19999600002 payoffs.*ends after 1.*line 2, column 2"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "says"), MALFORMED)
def test_what_is_malformed_is_told_where(file, says, tmp_path):
    (tmp_path / "bad.nfg").write_text(file)
    with pytest.raises(ValueError, match=says) as refused:
        read_game(tmp_path / "bad.nfg")
    assert str(refused.value).startswith(str(tmp_path / "bad.nfg"))
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def complaint(file):
    """What is wrong with a file, if anything."""
    try:
        nfg.parse(file)
    except ValueError as error:
        return str(error)


@settings(max_examples=150)
@given(st.data())
def test_no_file_does_anything_but_read_or_be_refused(data):
    """Cut, repeat or replace a piece of a good file: a game, or one sentence."""
    file = data.draw(st.sampled_from([SELTEN, NAU_4]))
    start = data.draw(st.integers(0, len(file)))
    end = data.draw(st.integers(start, min(len(file), start + 12)))
    broken = (
        file[:start]
        + data.draw(st.sampled_from(["", file[start:end] * 2, "{", "}", '"', "\\", "-", "1/0", "é", "1 2"]))
        + file[end:]
    )
    said = complaint(broken)
    assert said is None or re.search(r"at line \d+, column \d+\.$", said)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ('{"payoffs": [[1, 2]', "JSON.*','.*line 1, column 20"),
        ("[1, 2]", "one object"),
        ('{"name": "x"}', "payoffs"),
        ('{"payoffs": [[1, 2]], "cost": 1}', "one object.*payoffs"),
        ('{"payoffs": [[[1, 2], [3]], [[1, 2], [3, 4]]]}', "rectangular"),
        ('{"payoffs": [[1, NaN]]}', "NaN .*payoff"),
        ('{"payoffs": [[1, 1e999999999]]}', "400"),
        ('{"payoffs": [[1, "__import__(1)"]]}', r"'__import__\(1\)'.*number"),
        ('{"payoffs": [[1, true]]}', "None .*payoff"),
        ('{"payoffs": [[1, null]]}', "None .*payoff"),
        ('{"payoffs": [[]]}', "one action"),
        ('{"payoffs": 3}', "rectangular"),
        ('{"payoffs": {"a": 1}}', "rectangular"),
        ('{"payoffs": [[1, 2], [3, 4]]}', "entry per player"),
        ('{"payoffs": [[1, 2]], "players": ["a", "b"]}', "2 players.*1"),
        ('{"payoffs": [[1, 2]], "actions": [["x"]]}', r"\[1\].*\[2\]"),
        ('{"payoffs": [[1, 2]], "actions": ["xy"]}', "actions.*list of texts"),
        ('{"payoffs": [[1, 2]], "name": 3}', "name.*text"),
        ('{"payoffs": ' + "[" * 100_000, "nested"),
    ],
)
def test_bad_json_is_refused_in_one_sentence(file, says, tmp_path):
    (tmp_path / "bad.json").write_text(file)
    with pytest.raises(ValueError, match=says) as refused:
        read_game(tmp_path / "bad.json")
    assert "\n" not in str(refused.value)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "latin.nfg").write_bytes('NFG 1 R "é"'.encode("latin-1"))
    with pytest.raises(ValueError, match=r"byte 10.*UTF-8"):
        read_game(tmp_path / "latin.nfg")
    for action in (read_game, lambda path: write_game(nfg.parse(SELTEN), path)):
        with pytest.raises(
            ValueError,
            match=r"game\.gbt.*\.nfg.*\.json",
        ):
            action(tmp_path / "game.gbt")
    with pytest.raises(ValueError, match=r"\\"):
        nfg.text(NormalForm([[1]], "ends with \\"))
    assert [p.name for p in tmp_path.iterdir()] == ["latin.nfg"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_game(nfg.parse(SELTEN), tmp_path / "game.nfg")
    before = path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_game(nfg.parse(NAU_4), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["game.nfg"]


def test_names_must_fit():
    with pytest.raises(ValueError, match=r"3 players.*2"):
        NormalForm(([[1]], [[2]]), players=("a", "b", "c"))
    with pytest.raises(ValueError, match=r"\[1, 2\] actions.*\[1, 1\]"):
        NormalForm(([[1]], [[2]]), actions=(("a",), ("b", "c")))
    assert number("007") == 7
