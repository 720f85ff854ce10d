"""`shaping rank`: the same numbers as `ranking`, as a table, JSON and CSV."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from analysis import tournament
from analysis.cli.main import main
from analysis.ranking import ranking


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, tournament(["tandem", "chicken"], ["naive", "lola"], steps=3, seeds=4, out=out)


def test_it_prints_what_ranking_computes(folder, capsys):
    out, results = folder
    expected = ranking(results, method="wins", resamples=20)
    main(["rank", str(out), "--method", "wins", "--resamples", "20", "--csv"])
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["learner"].tolist() == expected["learner"].tolist()
    np.testing.assert_allclose(table["score"], expected["score"], rtol=1e-12)
    main(["rank", str(out), "--method", "wins", "--resamples", "20", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [row["learner"] for row in found["ranking"]] == expected["learner"].tolist()
    main(["rank", str(out), "--game", "chicken"])
    text = capsys.readouterr().out
    assert "lola" in text
    assert "tandem" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "eloo"], "'elo'"),
        (["--game", "chikken"], "chicken"),
        (["--json", "--csv"], "--csv"),
        (["--resamples", "-1"], "-1"),
    ],
)
def test_a_mistake_is_refused_in_one_sentence(folder, capsys, words, said):
    with pytest.raises(SystemExit) as stop:
        main(["rank", str(folder[0]), *words])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_results(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["rank", str(tmp_path)])
    assert "tournament" in capsys.readouterr().err
