"""The snippet of docs/recommender.md works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_the_ten_lines_for_a_notebook_recommend_the_sequel(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "recommender.md").read_text(encoding="utf-8")
    snippet = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[0]

    exec(compile(snippet, "docs/recommender.md", "exec"), {})

    scores = eval(capsys.readouterr().out)
    assert scores[604] > scores[605]
