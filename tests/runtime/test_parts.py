"""A batch in parts: the same answers for any number of threads, and no thread that is left behind."""

import os
import threading
from collections.abc import Callable
from time import monotonic, sleep

import numpy as np
import pytest
from exported import planes_of
from numpy.typing import NDArray

from oresort.belt.sample import sample_crops
from oresort.runtime import OnnxModel, open_model
from oresort.runtime.parts import PART, Parts


@pytest.fixture(scope="module")
def models() -> list[OnnxModel]:
    """One exported model, with 1, 2 and 3 threads."""
    return [open_model("builtin", threads) for threads in (1, 2, 3)]


@pytest.mark.parametrize("count", [1, PART - 1, PART, PART + 1, 5 * PART + 3])
def test_answers_are_the_same_to_the_bit_for_any_threads(models: list[OnnxModel], count: int):
    planes = planes_of(models[0].representation.size, count, seed=count)
    expected = models[0].answer(planes)
    assert expected.shape == (count,)
    alone = np.concatenate([models[0].answer(planes[row : row + 1]) for row in range(count)])
    np.testing.assert_allclose(expected, alone, atol=1e-6)  # in order
    pairs = list(sample_crops(count, 1, "zero"))
    lows, highs = [crop.low for crop, _ in pairs], [crop.high for crop, _ in pairs]
    raw = models[0](lows, highs, 52_350.0, "zero")
    for model in models[1:]:
        for _ in range(3):
            np.testing.assert_array_equal(model.answer(planes), expected)
        np.testing.assert_array_equal(model(lows, highs, 52_350.0, "zero"), raw)


def counted(part: slice) -> NDArray[np.float32]:
    return np.arange(part.start or 0, part.stop, dtype=np.float32)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["make", "answer"])
def test_what_fails_is_raised_and_the_next_batch_is_answered(threads: int, error: type[BaseException], where: str):
    parts, begun = Parts(threads), list[int]()

    def failing(at: str) -> Callable[[slice], slice]:
        def job(part: slice) -> slice:
            begun.append(part.start)
            if at == where and part.start == 2 * PART:
                raise error
            sleep(0.002)
            return part

        return job

    make, answer = failing("make"), failing("answer")
    with pytest.raises(error):
        parts(100 * PART, make, lambda part: counted(answer(part)))
    if where == "make" or threads == 1:
        assert max(begun) == 2 * PART  # nothing after it
    found = parts(100 * PART, lambda part: part, lambda part: counted(slice(part.start, part.start + PART)))
    np.testing.assert_array_equal(found, np.arange(100 * PART, dtype=np.float32))


def test_threads_begin_when_they_are_needed_and_end_with_their_owner():
    before = set(threading.enumerate())
    parts = Parts(3)
    parts(PART, lambda part: part, counted)
    assert set(threading.enumerate()) == before
    parts(4 * PART, lambda part: part, lambda part: counted(slice(part.start, part.start + PART)))
    more = set(threading.enumerate()) - before
    assert 1 <= len(more) <= 3
    del parts
    for thread in more:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_answers_too(models: list[OnnxModel]):
    model, planes = models[1], planes_of(models[1].representation.size, 3 * PART)
    expected = model.answer(planes)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(model.answer(planes), expected) else 3)
    end = monotonic() + 30
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and monotonic() < end:
        sleep(0.01)
    if ended == (0, 0):
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert ended == (child, 0)
