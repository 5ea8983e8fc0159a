"""The paragraph on methods, made of what the page itself says, to be copied into a report."""

from collections.abc import Mapping
from typing import Any

from oresort.console.counted import counted


def methods(page: Mapping[str, Any]) -> str:
    """Return how an evaluation was made, in a few sentences."""
    model, data, run, figures = page["model"], page["data"], page["run"], page["figures"]
    parts = [part for key in ("tower", "fusion", "head") if (part := _class(model["model"].get(f"{key}._target_")))]
    sentences = [
        f"The classifier is a network of {model['params']:,} parameters ({', '.join(parts) or 'parts not known'}) on "
        f"{_class(model['representation'].get('_target_')) or 'unknown'} images of two X-ray energies"
    ]
    if run and run["pairs/train"] is not None:
        same = "" if run["data"] == data["hash"] else " of another dataset"
        sittings = "" if run["goes_on"] is None else f" in parts (it {run['goes_on']})"
        sentences.append(
            f"It was trained on {run['pairs/train']:,} pairs{same} for {run['epochs']} epochs{sittings} with seed "
            f"{run['seed']}; the weights are those of epoch {model['epoch']} (counted from 0)"
        )
    version = page["provenance"]["packages"].get("oresort")
    origin = f", made by {data['made_by']}" if data["made_by"] else ""
    sentences += [
        f"It was measured on the {data['pairs']:,} pairs ({data['ore']:,} ore, {data['waste']:,} waste) of "
        f"{counted(data['scans'], 'scan')} in the {data['split']} split of a dataset{origin} (hash {data['hash']})",
        f"A pair is called ore from a probability of {page['threshold']:.4g} on",
        f"The area under the ROC curve is {interval(figures, 'auroc')} %",
        _intervals(page["interval"], data["scans"]),
        f"All was computed by oresort {version}",
    ]
    return ". ".join(filter(None, sentences)) + "."


def interval(figures: Mapping[str, Any], name: str, digits: int = 2) -> str:
    """Return a share of 1 in per cent with its interval, as far as they are known."""
    value, low, high = (figures.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None or value != value:
        return "-"
    text = f"{100 * value:.{digits}f}"
    return text if low is None or high is None else f"{text} [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def _intervals(settings: Mapping[str, Any], scans: int) -> str:
    if not settings["resamples"]:
        return ""
    return (
        f"Intervals in brackets hold {settings['level']:.0%} of {settings['resamples']:,} resamples of whole scans, "
        "since particles of one scan are not independent"
    )


def _class(target: Any) -> str | None:
    return str(target).rpartition(".")[2] if target else None
