"""What a training draws on its device, beside the changes of its pairs."""

import torch


class Draws:
    """One generator for all of a run, since a CUDA graph draws from that which it was captured with.

    It is set anew in every epoch, by the run's seed and the epoch, so that a resumed run draws the same; near seeds
    never meet.
    """

    def __init__(self) -> None:
        self.seed, self.epoch = torch.initial_seed(), 0
        self._generator: torch.Generator | None = None

    def begin_run(self) -> None:
        """Keep the seed that the run has set."""
        self.seed = torch.initial_seed()

    def begin(self, epoch: int) -> None:
        """Begin an epoch; layers that draw by themselves, such as dropout, begin it, too."""
        self.epoch = epoch
        torch.manual_seed(self._of_epoch())
        if self._generator is not None:
            self._generator.manual_seed(self._of_epoch())

    def on(self, device: torch.device) -> torch.Generator:
        """Return the generator, which is of `device`."""
        if self._generator is None or self._generator.device != device:
            self._generator = torch.Generator(device).manual_seed(self._of_epoch())
        return self._generator

    def _of_epoch(self) -> int:
        return (self.seed + 1_000_003 * (self.epoch + 1)) % 2**63
