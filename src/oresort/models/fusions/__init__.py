"""The fusions, a module for each level. Each is one class here and one file in conf/model/fusion/."""

# the names under which checkpoints of version 0.1 know them
from oresort.models.fusions.data import Stack
from oresort.models.fusions.decision import Mean
from oresort.models.fusions.feature import Concat, Sum
from oresort.models.fusions.hybrid import Hybrid

__all__ = ["Concat", "Hybrid", "Mean", "Stack", "Sum"]
