"""The page of all studies: each with its question, its pictures, and what it shows and does not show."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from oresort.errors import InputError
from studies.index import Options, read_study, study

ROOT = Path(__file__).parents[2]

README = """# Is <b>it</b> true?

**Question.** Is it [so](other.md)?

```
make it
```

<!-- table: a.csv | x -->
| x |
| --- |
| **Shows.** not this |
<!-- end -->

**Shows** that it is. **Does not show** why <script>alert(1)</script>.

## What it shows

More of it.

## Another matter

Not this.
"""


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    folder = tmp_path / "experiments" / "one"
    (folder / "sub").mkdir(parents=True)
    (folder / "README.md").write_text(README)
    (folder / "a.csv").write_text("x\n1\n")
    Image.new("RGBA", (1_200, 300), (0, 0, 0, 0)).save(folder / "sub" / "p.png")
    return tmp_path / "experiments"


def test_a_studys_page_is_read_by_its_words(studies: Path):
    assert read_study(studies / "one" / "README.md") == {
        "name": "one",
        "title": "Is <b>it</b> true?",
        "question": "Is it so?",
        "commands": ["make it"],
        "shows": "**Shows** that it is.\n\nMore of it.",
        "does_not_show": "**Does not show** why <script>alert(1)</script>.",
        "pictures": ["sub/p.png"],
        "tables": ["a.csv"],
    }


def test_the_page_holds_every_picture_and_runs_nobodys_script(studies: Path, tmp_path: Path):
    table = study(Options(studies, tmp_path / "page"))
    assert table["pictures"].tolist() == [1]
    page = (tmp_path / "page" / "report.html").read_text()
    assert page.count("<script>") == 1
    assert page.count("<img ") == page.count('src="data:image/jpeg;base64,') == 1
    found: dict[str, Any] = json.loads((tmp_path / "page" / "report.json").read_text())
    assert found["studies"][0] == read_study(studies / "one" / "README.md")
    assert found["left_out"] == []


def test_what_a_study_does_not_say_is_named(studies: Path, tmp_path: Path):
    (studies / "one" / "README.md").write_text("# bare\n")
    study(Options(studies, tmp_path / "page"))
    found = json.loads((tmp_path / "page" / "report.json").read_text())
    assert [entry["why"] for entry in found["left_out"]] == [
        "its page does not say its question",
        "its page does not say what it shows",
        "its page does not say what it does not show",
    ]


def test_a_folder_without_studies_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no studies"):
        study(Options(tmp_path, tmp_path / "page"))


def test_every_study_here_has_its_question():
    files = sorted((ROOT / "experiments").glob("*/README.md"))
    assert len(files) > 10
    assert all(read_study(file)["question"] for file in files)
