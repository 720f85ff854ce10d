"""Other programs' answers, each from a process of its own; a test whose program is absent is skipped and says so."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest


def quantecon(program: str, question: Any, **environment: str) -> Any:
    """What a program that uses quantecon prints, as JSON, when it reads the question, as JSON, from its standard input."""
    python = os.environ.get("ORACLE_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import quantecon"], capture_output=True).returncode:
        pytest.skip(
            f"{python} has no quantecon; name an interpreter that has by the environment variable ORACLE_PYTHON"
        )
    run = [python, "-c", program]
    done = subprocess.run(
        run,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
