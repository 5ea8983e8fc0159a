from itertools import pairwise

import pytest
import torch

from oresort.errors import InputError
from oresort.learn.schedule import Schedule


def rates(schedule: Schedule, steps: int) -> list[float]:
    optimizer, scheduler = schedule.build([torch.nn.Parameter(torch.zeros(1))], steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_the_papers_schedule():
    found = rates(Schedule(), 2000)
    assert found[0] == pytest.approx(3e-5)
    assert max(found) == pytest.approx(3e-4)
    assert found.index(max(found)) == 50  # 5 of 200 epochs
    assert found[-1] == pytest.approx(3e-6, rel=0.01)
    assert all(a <= b for a, b in pairwise(found[:51]))
    assert all(a >= b for a, b in pairwise(found[50:]))
    middle = found[50 + 975]
    assert middle == pytest.approx((3e-4 + 3e-6) / 2, rel=0.01)


def test_a_short_run_has_no_warm_up_and_still_ends_low():
    found = rates(Schedule(), 10)
    assert found[0] == pytest.approx(3e-4)
    assert found[-1] < 2e-5


def test_without_decay_it_is_adam_to_the_bit():
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 5)) for _ in range(2))
    one, _ = Schedule().build([ours], 10)
    other = torch.optim.Adam([theirs], lr=3e-4)
    for _ in range(5):
        for weight, optimizer in ((ours, one), (theirs, other)):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    "bad", [{"lr": -1}, {"start_lr": 1}, {"final_lr": 1}, {"warmup": 1.0}, {"weight_decay": -1}]
)
def test_impossible_settings_are_refused(bad: dict[str, float]):
    with pytest.raises(InputError, match="optim"):
        Schedule(**bad)
