"""What this program can do: a list of its commands."""

import ast
import sys
from pathlib import Path

from oresort.console.unheard import going_on_unheard
from oresort.paths import CONF_DIR


def commands() -> dict[str, str]:
    """Return every command, by name, with the first line of what it says of itself; nothing is imported for it."""
    here, found = Path(__file__).parent, {}
    for name in sorted(file.stem for file in CONF_DIR.glob("*.yaml")):
        file = here / f"{name}.py" if (here / f"{name}.py").is_file() else here / name / "__main__.py"
        said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        found[name] = said.partition("\n")[0].rstrip(":.").partition(". ")[0]
    return found


def main() -> int:
    """Print the list; 1 where words were given, for no command is among them."""
    with going_on_unheard():
        return _tell()


def _tell() -> int:
    asked = sys.argv[1:]
    if asked and asked[0] not in ("-h", "--help", "help"):
        known = commands()
        mend = f"write python -m oresort.{asked[0]}" if asked[0] in known else f"known are {', '.join(known)}"
        print(f"error: {asked[0]}: not a word of this command; {mend}", file=sys.stderr)
        return 1
    for name, said in commands().items():
        print(f"python -m oresort.{name:<16}{said}")
    print("\nEach explains its keys with --help.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
