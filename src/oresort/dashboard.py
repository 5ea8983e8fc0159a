"""The Weights & Biases dashboard of experiments as code: written as JSON, or saved to a project."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oresort.console.command import REQUIRED, run_command
from oresort.errors import InputError, one_line


@dataclass
class DashboardConfig:
    """One dashboard; `conf/dashboard.yaml` explains each key."""

    entity: str = REQUIRED
    project: str = "oresort"
    out: str = "dashboard.json"
    save: bool = False


def dashboard(cfg: DashboardConfig) -> dict[str, Any]:
    """Write the workspace's specification to `cfg.out`, or with `save` make it in the project; return it."""
    from oresort.files.write import write_json
    from oresort.tables.dashboard import build, specification

    workspace = build(cfg.entity, cfg.project)
    content = specification(workspace)
    if not cfg.save:
        write_json(Path(cfg.out), content)
        print(f"written: {cfg.out}; save=true makes it in {cfg.entity}/{cfg.project}", file=sys.stderr)
        return content
    try:
        workspace.save()
    except Exception as error:
        # the client raises errors of many libraries for one cause: no way to the server
        place = f"{cfg.entity}/{cfg.project}"
        raise InputError(
            f"save=true: {place} cannot be reached ({one_line(error)}); run `wandb login` first"
        ) from error
    print(workspace.url)
    return content


def main() -> None:
    """Entry point of `python -m oresort.dashboard`."""
    run_command("dashboard", __doc__, DashboardConfig, dashboard)


if __name__ == "__main__":
    main()
