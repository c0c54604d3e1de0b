"""PyTorch: eager with Adam's fused implementation, and `torch.compile` of the same loop."""

import os
import tempfile

COMPILED = tempfile.TemporaryDirectory()  # a new cache, so that every compilation is measured
os.environ["TORCHINDUCTOR_CACHE_DIR"] = COMPILED.name

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

import steps
from steps import BETA_1, BETA_2, EPSILON, LEARNING_RATE, WORKLOADS


class Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(32, 128, batch_first=True)
        self.out = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(x)[0][:, -1])


def network(name: str) -> nn.Module:
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    if name == "lstm":
        return Lstm()
    layers: list[nn.Module] = []
    for inputs, filters in ((3, 32), (32, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU()]
        if inputs == filters:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, 128), nn.ReLU(), nn.Linear(128, 10))


def training(name: str, channels_last: bool) -> Callable[[Tensor, Tensor], None]:
    """One step. The penalty is Adam's coupled `weight_decay`, 2 * l2 * w: the cheapest way to the same gradient."""
    workload, model = WORKLOADS[name], network(name)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    kernels = [p for n, p in model.named_parameters() if "weight" in n and not (name == "lstm" and n.startswith("out"))]
    others = [p for p in model.parameters() if all(p is not kernel for kernel in kernels)]
    groups = [{"params": kernels, "weight_decay": 2 * workload.l2}, {"params": others}]
    optimizer = torch.optim.Adam(groups, lr=LEARNING_RATE, betas=(BETA_1, BETA_2), eps=EPSILON, fused=True)
    loss = cross_entropy if workload.classes > 1 else mse_loss

    def step(x: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return step


def main() -> None:
    args = steps.arguments(__doc__)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    data = []
    for x, y in steps.batches(WORKLOADS[args.workload]):
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        if args.workload == "cnn":
            x = x.permute(0, 3, 1, 2)  # channels last in memory, as they come
        data.append((x, y.long() if y.dtype == torch.int32 else y))
    for compiled in (False, True):
        step = training(args.workload, channels_last=args.workload == "cnn")
        run = torch.compile(step) if compiled else step
        name = "torch compile" if compiled else "torch eager, fused"
        steps.measure(name, args.workload, ("torch", "numpy"), args.seconds, lambda i, run=run: run(*data[i]), compiled)


if __name__ == "__main__":
    main()
