"""`shaping solve`: what it prints is true of the game, whether it comes by name or from a file, and mistakes get one sentence."""

import io
import json
import re
from fractions import Fraction

import numpy as np
import pytest

from analysis.cli import main as cli
from games import GAMES, Iterated, MatrixGame
from solvers import SOLVERS, NormalForm, read_game, write_game
from solvers.two_player import vertex

pytestmark = pytest.mark.usefixtures("quickly_compiled")

MATRIX = [e.name for e in GAMES if isinstance(e.make(), (MatrixGame, Iterated))]
SMOOTH = [e.name for e in GAMES if e.name not in MATRIX]
CHICKEN = NormalForm(
    ([[6, 2], [7, 0]], [[6, 7], [2, 0]]),
    "textbook chicken",
    ("Ann", "Bob"),
    (("swerve", "dare"), ("swerve", "dare")),
)
SEGMENT = NormalForm(([[-3, 3], [-3, 5]], [[2, 7], [4, 2]]), "segment")
TRIO = NormalForm([[[[1, 0], [0, 0]], [[0, 0], [0, 2]]]] * 3, "unanimity of three")


KEYS = {
    "game",
    "method",
    "players",
    "actions",
    "equilibria",
    "degenerate",
    "complete",
    "status",
    "message",
    "vertices",
    "cliques",
    "components",
}


def run(capsys, *words):
    """A command line in this process: its exit code, stdout and stderr."""
    code = 0
    try:
        cli.main(["solve", *map(str, words)])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


def solved(capsys, *words):
    """The JSON object of a command line that goes well."""
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out, parse_constant=pytest.fail)


def refused(capsys, *words):
    """The one sentence of a command line that does not."""
    code, out, err = run(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1), (code, out, err)
    assert err.startswith("shaping: ")
    return err


@pytest.fixture
def file(tmp_path):
    """A game on disk."""
    return lambda game, suffix=".nfg": write_game(game, tmp_path / f"game{suffix}")


def best_gain(payoffs, profile):
    """What the best deviation gains, from a two-player game's definition."""
    x, y = (np.array([float(Fraction(p)) for p in s]) for s in profile)
    a, b = np.asarray(payoffs, dtype=float)
    return max((a @ y).max() - x @ a @ y, (x @ b).max() - x @ b @ y)


@pytest.mark.parametrize("name", MATRIX)
def test_every_matrix_game_has_equilibria(capsys, name):
    found = solved(capsys, name)
    game = GAMES.make(name)
    repeated = isinstance(game, Iterated)
    assert set(found) == KEYS
    assert found["players"] == ["player 0", "player 1"]
    assert (found["game"], found["method"]) == (f"stage game of {name}" if repeated else name, "vertex")
    assert (found["complete"], found["status"]) == (True, "solved")
    payoffs = (game.stage if repeated else game).payoffs
    for e in found["equilibria"]:
        assert list(e) == ["profile", "payoffs", "support", "residual"]
        assert best_gain(payoffs, e["profile"]) < 1e-6 * np.ptp(payoffs)
        assert e["support"] == [[a for a, p in enumerate(s) if p] for s in e["profile"]]
        x, y = map(np.array, e["profile"])
        np.testing.assert_allclose(e["payoffs"], [x @ u @ y for u in np.asarray(payoffs)], atol=1e-5)
    assert len(found["equilibria"]) % 2 or found["degenerate"]
    code, out, _ = run(capsys, name)
    assert code == 0
    assert out.startswith(found["game"])
    assert "all there are" in out or found["degenerate"]


@pytest.mark.parametrize("name", SMOOTH)
def test_games_without_a_matrix_are_refused(capsys, name):
    assert re.search(f"{name}.*payoff matrix", refused(capsys, name))


@pytest.mark.parametrize("suffix", [".nfg", ".json"])
def test_a_file_is_solved_like_the_game_it_holds(capsys, file, suffix):
    ours, theirs = solved(capsys, file(GAMES.make("stag_hunt"), suffix)), solved(capsys, "stag_hunt")
    named = [(found.pop("players"), found.pop("actions")) for found in (ours, theirs)]
    assert ours == theirs
    assert named == [
        (["Player 1", "Player 2"], [["1", "2"]] * 2),
        (["player 0", "player 1"], [["0", "1"]] * 2),
    ]  # Gambit counts from 1


def test_a_file_keeps_its_names(capsys, file):
    code, out, _ = run(capsys, file(CHICKEN), "--exact")
    assert code == 0
    assert out.splitlines()[0] == "textbook chicken: 3 equilibria by vertex; all there are"
    assert "Ann" in out
    assert "swerve 2/3, dare 1/3" in out


def test_exact_answers_are_rationals(capsys, file):
    found = solved(capsys, file(CHICKEN), "--exact")
    mixed = next(e for e in found["equilibria"] if e["support"] == [[0, 1], [0, 1]])
    assert mixed == {
        "profile": [["2/3", "1/3"]] * 2,
        "payoffs": ["14/3", "14/3"],
        "support": [[0, 1], [0, 1]],
        "residual": 0.0,
    }


def test_degenerate_games_show_their_nash_subsets(capsys, file):
    path = file(SEGMENT)
    found = solved(capsys, path, "--exact")
    assert found["degenerate"] is True
    ends = [e["profile"] for e in found["equilibria"]]
    assert sorted(ends, key=str) == [[["2/7", "5/7"], [1, 0]], [[0, 1], [1, 0]]]
    out = run(capsys, path)[1]
    assert "2 extreme equilibria" in out
    assert "every mixture of the strategies in rows 0, 1" in out


@pytest.mark.parametrize("entry", [e for e in SOLVERS if not e.facts["zero_sum"]], ids=lambda e: e.name)
def test_every_method_solves_the_dilemma(capsys, entry):
    found = solved(capsys, "ipd", "--method", entry.name)
    assert found["method"] == entry.name
    assert [np.round(e["profile"], 6).tolist() for e in found["equilibria"]] == [[[0, 1], [0, 1]]]


def test_a_zero_sum_method_finds_the_value(capsys):
    assert solved(capsys, "rps", "--method", "minimax")["equilibria"][0]["payoffs"] == pytest.approx(
        [0, 0], abs=1e-12
    )


def test_three_players(capsys, file):
    path = file(TRIO)
    found = solved(capsys, path)
    assert found["method"] == "polynomial"
    supports = [e["support"] for e in found["equilibria"]]
    assert [[0]] * 3 in supports
    assert [[1]] * 3 in supports
    mixed = next(e["profile"] for e in found["equilibria"] if e["support"] == [[0, 1]] * 3)
    np.testing.assert_allclose(
        mixed, [[2**0.5 / (1 + 2**0.5), 1 / (1 + 2**0.5)]] * 3, atol=1e-9
    )  # p^2 = 2 (1-p)^2
    assert re.search("2 players.*3.*polynomial", refused(capsys, path, "--method", "vertex"))


def test_all_takes_a_method_that_looks_for_all(capsys, file):
    assert solved(capsys, "chicken", "--all")["complete"]
    assert solved(capsys, file(TRIO), "--all")["method"] == "polynomial"
    assert re.search("pure.*vertex", refused(capsys, "chicken", "--all", "--method", "pure"))


def test_what_is_too_large_wants_to_be_forced(capsys, file, monkeypatch):
    path = file(NormalForm(np.random.default_rng(0).integers(0, 9, (2, 40, 40))))
    for asked in ("--all",), ("--method", "vertex"):
        said = refused(capsys, path, *asked)
        assert "--force" in said
        assert "force=True" not in said
    monkeypatch.setattr(vertex, "LIMIT", 3)
    assert "--force" in refused(capsys, "chicken", "--all")
    assert len(solved(capsys, "chicken", "--force")["equilibria"]) == 3


def test_what_is_too_large_for_all_is_solved_for_one(capsys, file):
    path = file(NormalForm(np.random.default_rng(0).integers(0, 9, (2, 40, 40))))
    code, out, err = run(capsys, path)
    assert (code, err) == (0, "")
    assert "1 equilibrium by lemke_howson" in out
    assert "this is one" in " ".join(out.split())


def test_settings_reach_the_game_and_the_method(capsys):
    found = solved(capsys, "chicken", "--set", "chicken.payoffs=[[0,-1],[1,-5]]", "--exact")
    assert [["4/5", "1/5"]] * 2 in [e["profile"] for e in found["equilibria"]]
    near = ["prisoners_dilemma", "--method", "pure", "--set", "prisoners_dilemma.payoffs=[[2,0],[2,1]]"]
    assert len(solved(capsys, *near)["equilibria"]) == 2
    assert len(solved(capsys, *near, "--set", "pure.tolerance=1")["equilibria"]) == 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["welfare"], [5.25, 5.25]),
        (["egalitarian"], [5.25, 5.25]),
        (["0"], [7, 2]),
        (["1"], [2, 7]),
        (["welfare", "--coarse"], [5.25, 5.25]),
    ],
)
def test_correlated_equilibria_of_chicken(capsys, file, words, expected):
    """Best welfare 10.5, at half of the time both swerving, and a quarter each."""
    found = solved(capsys, file(CHICKEN), "--correlated", *words)
    assert found["payoffs"] == pytest.approx(expected)
    assert (found["status"], found["method"]) == ("solved", "coarse" if "--coarse" in words else "correlated")
    if words == ["welfare"]:
        np.testing.assert_allclose(found["distribution"], [[1 / 2, 1 / 4], [1 / 4, 0]], atol=1e-9)
        out = run(capsys, file(CHICKEN), "--correlated", "welfare")[1]
        assert [line.split() for line in out.splitlines()[2:5]] == [
            ["swerve", "swerve", "0.5"], ["swerve", "dare", "0.25"], ["dare", "swerve", "0.25"]
        ]  # fmt: skip


def test_what_did_not_converge_is_no_equilibrium(capsys, file):
    code, out, _ = run(capsys, file(SEGMENT), "--method", "logit", "--set", "logit.max_steps=1")
    assert code == 1
    assert out.startswith("segment: logit did not converge; where it stopped:")


def test_quantal_responses_respond(capsys):
    game = GAMES.make("bach_stravinsky")
    a, b = np.asarray(game.payoffs, dtype=float)
    found = solved(capsys, "bach_stravinsky", "--qre", 2, 0.5, 0)
    assert [e["precision"] for e in found["equilibria"]] == [2, 0.5, 0]
    for e in found["equilibria"]:
        x, y = map(np.array, e["profile"])
        for own, values in ((x, a @ y), (y, x @ b)):
            weights = np.exp(e["precision"] * values)
            np.testing.assert_allclose(own, weights / weights.sum(), atol=1e-9)
        np.testing.assert_allclose(e["payoffs"], [x @ a @ y, x @ b @ y])
    assert "precision" in run(capsys, "bach_stravinsky", "--qre", 1)[1]


MISTAKES = [
    ("", "game"),
    ("chickn", "did you mean 'chicken'"),
    ("nowhere.nfg", "nowhere.nfg"),
    ("nowhere/chicken", "There is no file"),
    ("chicken --method vertx", "did you mean 'vertex'"),
    ("chicken --method zero_sum", "payoffs that sum to a constant"),
    ("chicken --method polynomial --exact", "floating point only; methods with exact=True: "),
    ("chicken --correlated wellfare", "did you mean 'welfare'"),
    ("chicken --correlated 2", "player"),
    ("chicken --correlated welfare --method vertex", "--correlated and --method ask for different things"),
    ("chicken --qre 1 --coarse", "ask for different things"),
    ("chicken --qre 1 --exact", "ask for different things"),
    ("chicken --qre -1", "precision is -1"),
    ("chicken --qre nan", "NaN"),
    ("chicken --qre much", "--qre does not accept 'much'"),
    ("chicken --set chicken.payoffs=[[1,2],[3]]", "rectangular"),
    ("chicken --set vertex.labels=3", "not in this run"),
    ("chicken --method pure --set pure.tolerence=3", "did you mean 'tolerance'"),
    ("chicken --method pure --set pure.tolerance=-3", "tolerance is -3"),
    ("chicken --methd pure", "did you mean '--method'"),
]


@pytest.mark.parametrize(("line", "says"), MISTAKES)
def test_mistakes_get_one_sentence(capsys, tmp_path, monkeypatch, line, says):
    monkeypatch.chdir(tmp_path)
    assert says in refused(capsys, *line.split())
    assert not any(tmp_path.iterdir())


GAMBITS = NormalForm(([[2, 0], [0, 1]], [[1, 0], [0, 2]]), "Gambit's own", ("Player 1", "Player 2"))


def test_correlated_equilibria_name_actions_as_the_file_does(capsys, file):
    """Both on their second strategies, which the file calls 2; where names are missing or the same, their places tell them apart."""
    path = file(GAMBITS)
    assert [line.split() for line in run(capsys, path, "--correlated", 1)[1].splitlines()[1:3]] == [
        ["Player", "1", "Player", "2", "probability"], ["2", "2", "1"]
    ]  # fmt: skip
    blank = NormalForm(GAMBITS.payoffs, "x", ("", ""), (("", ""), ("up", "up")))
    out = run(capsys, file(blank), "--correlated", 0)[1].splitlines()
    assert [line.split() for line in out[1:3]] == [["(1)", "(2)", "probability"], ["(1)", "up", "(1)", "1"]]
    assert "(1) 0.6667, (2) 0.3333  up (1) 0.3333, up (2) 0.6667" in run(capsys, file(blank))[1]
    assert [
        line.split() for line in run(capsys, "stag_hunt", "--correlated", "welfare")[1].splitlines()[2:3]
    ] == [["0", "0", "1"]]


def test_json_holds_all_that_is_known(capsys, file):
    found = solved(capsys, file(SEGMENT), "--exact")
    assert found["complete"]
    (rows, columns), ends = found["cliques"][0], [e["profile"] for e in found["equilibria"]]
    mixed = [[found["vertices"][0][r], found["vertices"][1][c]] for r in rows for c in columns]
    assert sorted(mixed, key=str) == sorted(ends, key=str)
    assert found["components"] == [[0, 1]]
    assert found["players"] == ["Player 1", "Player 2"]
    assert found["actions"] == [["1", "2"], ["1", "2"]]
    for words in (["--correlated", "welfare"], ["--qre", 1]):
        other = solved(capsys, file(CHICKEN), *words)
        assert (other["players"], other["actions"], other["message"]) == (
            ["Ann", "Bob"],
            [["swerve", "dare"]] * 2,
            "",
        )


@pytest.mark.parametrize("actions", [(2, 2, 2), (3, 2)])
def test_a_game_of_nothing_has_every_equilibrium(capsys, file, actions):
    """Also where payoffs depend on the others alone."""
    others = np.random.default_rng(0).integers(-3, 4, (len(actions), *actions))
    for payoffs in (
        0 * others,
        np.stack([own.mean(axis=i, keepdims=True) + 0 * own for i, own in enumerate(others * 6)]),
    ):
        path = file(NormalForm(payoffs, "nothing"))
        assert (
            run(capsys, path)[1]
            == "nothing: every profile is an equilibrium, since nobody's payoff depends on the own action.\n"
        )
        found = solved(capsys, path)
        assert found["message"].startswith("Every profile")
        assert all(e["residual"] <= 1e-12 for e in found["equilibria"])


def test_numbers_by_setting_are_solved_as_typed(capsys):
    found = solved(
        capsys, "chicken", "--exact", "--set", "chicken.payoffs=[[1000000001,1000000000],[1000000002,0]]"
    )
    mixed = ["1000000000/1000000001", "1/1000000001"]
    assert sorted((e["profile"] for e in found["equilibria"]), key=str) == sorted(
        [[mixed, mixed], [[0, 1], [1, 0]], [[1, 0], [0, 1]]], key=str
    )
    assert "3.4e+38" in refused(capsys, "chicken", "--set", "chicken.payoffs=[[1e39,0],[1,2]]")


@pytest.mark.parametrize("form", [".csv", ".nfg", ".json"])
def test_standard_input(capsys, monkeypatch, file, form):
    game = NormalForm(([[3, 0], [5, 1]], [[3, 5], [0, 1]]), actions=(("C", "D"), ("C", "D")))
    text = ",C,D\nC,3 3,0 5\nD,5 0,1 1\n" if form == ".csv" else file(game, form).read_text(encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    found = solved(capsys, "-", "--exact")
    assert (found["game"], found["actions"]) == ("standard input", [["C", "D"], ["C", "D"]])
    assert [e["profile"] for e in found["equilibria"]] == [[[0, 1], [0, 1]]]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert re.search("Standard input.*empty", refused(capsys, "-"))


def test_what_is_solved_is_played(capsys, monkeypatch, tmp_path):
    """The dilemma from a spreadsheet: naive learners defect, for 1 each; no file is named but by the game."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "games").mkdir()
    (tmp_path / "games" / "dilemma.csv").write_text(",C,D\nC,3 3,0 5\nD,5 0,1 1\n")
    small = ["--steps", "100", "--seeds", "2", "--set", "naive.lr=2"]
    cli.main(
        [
            "play",
            "--game",
            "games/dilemma.csv",
            "--learners",
            "naive",
            "naive",
            *small,
            "--json",
            "--out",
            "match",
        ]
    )
    assert [p["mean"] for p in json.loads(capsys.readouterr().out)["players"]] == pytest.approx(
        [1, 1], abs=0.05
    )
    assert (tmp_path / "match" / "dilemma.parquet").exists()
    cli.main(
        [
            "tournament",
            "--games",
            "games/dilemma.csv",
            "--learners",
            "naive",
            *small,
            "--json",
            "--out",
            "all",
        ]
    )
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert (cell["game"], cell["row_mean"]) == ("dilemma", pytest.approx(1, abs=0.05))
    assert (tmp_path / "all" / "dilemma.parquet").exists()
    for words, says in (
        (["--game", "nowhere.nfg", "--learners", "naive", "naive"], "nowhere.nfg"),
        (
            ["--game", "games/dilemma.csv", "--learners", "naive", "naive", "--set", "games/dilemma.csv.a=1"],
            "no settings",
        ),
        (["--game", "games/dilemma.csv", "--learners", "naive"], "2 seats"),
    ):
        with pytest.raises(SystemExit):
            cli.main(["play", *words])
        assert says in capsys.readouterr().err
    (tmp_path / "dilemma.csv").write_text("1 1,1 1\n")
    with pytest.raises(SystemExit):
        cli.main(["tournament", "--games", "games/dilemma.csv", "dilemma.csv", "--learners", "naive"])
    assert "twice" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["play", "--game", "dilemma.csv", "--learners", "naive", "naive"])
    assert "at least 2 actions" in capsys.readouterr().err


def test_a_malformed_file_is_told_where(capsys, tmp_path):
    (tmp_path / "bad.nfg").write_text('NFG 1 R "t" { "a" "b" } { 2 2 }\n1 2 3 4\n5 6 x 8')
    assert re.search("'x'.*line 3, column 5", refused(capsys, tmp_path / "bad.nfg"))
    assert "no settings" in refused(capsys, tmp_path / "bad.nfg", "--set", f"{tmp_path / 'bad.nfg'}.a=1")


def test_files_are_read_as_they_were_written(file):
    assert read_game(file(CHICKEN)).payoffs[0, 1, 0] == 7
