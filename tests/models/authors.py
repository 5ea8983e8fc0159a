"""The published network, built anew from its description: the reference that imported weights are held against."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o))
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 5, padding=2), nn.BatchNorm2d(o)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (inner + self.project(x)).relu()


class ChannelAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(128, 8, 1, bias=False)
        self.fc2 = nn.Conv2d(8, 128, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(x, 1), nn.functional.adaptive_max_pool2d(x, 1)
        return torch.sigmoid(sum(self.fc2(self.fc1(p).relu()) for p in pooled))


class SpatialAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.conv1(torch.cat((x.mean(1, True), x.max(1, True).values), 1)))


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 32, 7, 2, 3, bias=False), nn.BatchNorm2d(32)
        self.res_block1, self.res_block2 = Block(32, 64), Block(64, 128)
        self.attention = nn.ModuleDict({"ca": ChannelAttention(), "sa": SpatialAttention()})
        self.fc = nn.Linear(128, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.res_block2(self.res_block1(self.bn1(self.conv1(x)).relu()))
        x = x * self.attention["ca"](x)
        x = x * self.attention["sa"](x)
        return nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)


class Layer(nn.Module):
    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        # somewhat below unit variance: at it, six layers are a chaotic map, and any two formulations of them
        # differ by 2e-5 in float32
        self.cheby_coeffs = nn.Parameter(0.7 * torch.randn(i, o, 7) / (i * 7) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        u = torch.tanh(x)
        terms = [torch.ones_like(u), u]
        for _ in range(5):
            terms.append(2 * u * terms[-1] - terms[-2])
        return torch.einsum("bid,iod->bo", torch.stack(terms, -1), self.cheby_coeffs)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = (128, 64, 32, 16, 8, 4, 2)
        self.act_fun = nn.ModuleList(Layer(i, o) for i, o in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.act_fun:
            x = layer(x)
        return x


class Published(nn.Module):
    """The paper's network with random weights and random running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.model_low, self.model_high, self.classifier = Tower(), Tower(), Classifier()
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        return self.classifier(self.model_low(low + high) + self.model_high(low - high))
