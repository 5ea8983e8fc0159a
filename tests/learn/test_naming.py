"""What runs are called."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oresort.learn.naming import ends, named_by, short_keys


def names(*rows: dict[str, Any]) -> list[str]:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return named_by([{"name": "train", **row} for row in rows], keys)[0]


def test_a_name_has_the_keys_that_tell_it_apart_and_no_others():
    first = {"optim.lr": 1e-3, "optim.weight_decay": 0.0, "data.batch_size": 64}
    assert names(first, {**first, "optim.weight_decay": 0.01}) == ["weight_decay 0", "weight_decay 0.01"]
    assert names(first) == ["train"]


def test_a_class_is_called_by_its_name_and_a_switch_as_it_is_typed():
    rows = [{"model.fusion._target_": f"a.b.{name}", "data.resident": name == "Stack"} for name in ("Stack", "Concat")]
    found, untold = named_by([{"name": "x", **row} for row in rows], ["data.resident", "model.fusion._target_"])
    assert found == ["fusion Stack", "fusion Concat"]
    assert untold == ["data.resident"]  # what else differs is told of, too
    assert names({"a.on": True}, {"a.on": False}, {"a.on": None}) == ["on true", "on false", "on null"]


def test_a_recipe_says_more_than_what_it_sets():
    rows = [{"optim.lr": lr, "recipe.name": name, "recipe.epochs": lr} for lr, name in ((1.0, "lite"), (2.0, "paper"))]
    assert named_by([{"name": "x", **row} for row in rows], ["optim.lr", "recipe.epochs", "recipe.name"]) == (
        ["recipe lite", "recipe paper"],
        ["optim.lr"],
    )


def test_a_key_that_a_run_does_not_have_names_nothing():
    assert names({"optim.lr": 0.1}, {"optim.lr": float("nan")}, {"optim.lr": 0.2}) == ["lr 0.1", "train", "lr 0.2"]


def test_no_name_holds_a_path():
    assert names({"data.root": "/home/me/secret/a"}, {"data.root": "/home/me/secret/b"}) == ["data a", "data b"]
    assert ends(["/x/a/data", "/x/b/data", "/x/a/data"]) == ["a/data", "b/data", "a/data"]


def test_keys_that_end_alike_keep_what_tells_them_apart():
    assert short_keys(["model.tower.size", "representation.size", "optim.lr"]) == {
        "model.tower.size": "tower.size", "representation.size": "representation.size", "optim.lr": "lr",
    }  # fmt: skip
    assert len(set(short_keys(["model.tower._target_", "model.tower.name", "size", "x.size"]).values())) == 4


VALUES = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "/x/a", "b"]), st.none())


@given(st.lists(st.fixed_dictionaries({"a.k": VALUES, "b.k": VALUES, "c": VALUES}), min_size=1, max_size=6))
def test_rows_that_differ_are_called_differently(rows: list[dict[str, Any]]):
    found = names(*rows)
    texts = [tuple("null" if v is None else str(v).lower() for _, v in sorted(row.items())) for row in rows]
    assert len(set(found)) == len(set(texts))
