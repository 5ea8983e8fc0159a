"""The study of where models look: its tables and picture are those of the records."""

from pathlib import Path

import pytest

from oresort.represent.regions import REGIONS
from studies.look import __main__ as study
from studies.look.draw import draw
from studies.look.settings import MODELS
from studies.look.tables import inside_table, table_of


def record(inside: float) -> dict:
    ends = {"mass_low": inside - 0.1, "mass_high": inside + 0.1, "rank": 0.5, "rank_low": 0.4, "rank_high": 0.6}
    shares = [
        {
            "model": model, "map": key, "name": key, "region": region, "pairs": 9, "area": 0.4, "coarse": False,
            **ends, "mass": inside if region == "inside" else (1 - inside) / 3,
        }
        for model in ("trained", "random") for key in ("grad_cam_1", "gradients") for region in REGIONS
    ]  # fmt: skip
    moved = [
        {
            "change": change,
            **{f"{key}{end}": 0.01 for key in ("dp_of_ore", "dp_of_waste") for end in ("", "_low", "_high")},
        }
        for change in ("10 % thicker", "2 % more pyrite")
    ]
    return {"shares": shares, "sensitivity": moved, "auroc": 0.8}


def test_tables_hold_a_row_for_each_model_and_map():
    records = {"lite": record(0.7), "paper": record(0.5)}
    found = inside_table(records)
    assert found[["trained_as", "map", "inside", "random"]].to_numpy().tolist() == [
        [name, key, share, share]
        for name, share in (("lite", 0.7), ("paper", 0.5))
        for key in ("grad_cam_1", "gradients")
    ]
    assert "shuffled" not in found
    shares = table_of(records, "shares")
    assert len(shares) == 2 * 16
    figure = draw(shares, table_of(records, "sensitivity"))
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights[:2] == pytest.approx([70, 50])


def test_every_model_of_the_study_is_one_that_train_can_make():
    from studies.command import compose

    for model in MODELS.values():
        assert compose(*model.train, "data.root=any").recipe.name in ("lite", "paper", "default")


def test_an_unknown_model_is_refused(tmp_path: Path):
    with pytest.raises(study.InputError, match="unknown 'none'"):
        study.study(study.Options(work=tmp_path, models=["none"]))
