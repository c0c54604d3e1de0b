"""PyTorch on one thread: eager with each of Adam's implementations, and `torch.compile`."""

import os
import tempfile

COMPILED = tempfile.TemporaryDirectory()  # a new cache, so that every compilation is measured
os.environ["TORCHINDUCTOR_CACHE_DIR"] = COMPILED.name
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

import moons
from moons import BETA_1, BETA_2, EPSILON, LAMBDA, LEARNING_RATE

Step = Callable[[], object]
UNROLL = 10

X, Y, X_TEST, Y_TEST = (torch.from_numpy(part) for part in moons.load())


def network() -> nn.Sequential:
    model = nn.Sequential(nn.Linear(2, moons.UNITS), nn.ReLU(), nn.Linear(moons.UNITS, 1))
    hidden_kernel, hidden_bias, output_kernel, output_bias = map(torch.from_numpy, moons.initial_weights(0))
    with torch.no_grad():
        model[0].weight.copy_(hidden_kernel.T)
        model[0].bias.copy_(hidden_bias)
        model[2].weight.copy_(output_kernel.T)
        model[2].bias.copy_(output_bias)
    return model


def keras_weights(model: nn.Sequential) -> moons.Weights:
    """The weights as Keras lays them out."""
    hidden_kernel, hidden_bias, output_kernel, output_bias = (w.detach().numpy() for w in model.parameters())
    return hidden_kernel.T, hidden_bias, output_kernel.T, output_bias


def penalty_in_loss(model: nn.Sequential, **adam: bool) -> Step:
    """The usual loop: the penalty is a term of the loss."""
    kernel = model[0].weight
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(BETA_1, BETA_2), eps=EPSILON, **adam)

    def step() -> None:
        optimizer.zero_grad()
        loss = cross_entropy(model(X)[:, 0], Y) + LAMBDA * kernel.square().sum()
        loss.backward()
        optimizer.step()

    return step


def validated(model: nn.Sequential, history: dict[str, list[float]]) -> Step:
    """The usual loop with fused Adam, its numbers and those of the validation rows kept every epoch."""
    kernel = model[0].weight
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(BETA_1, BETA_2), eps=EPSILON, fused=True)

    def keep(**row: Tensor) -> None:
        for name, value in row.items():
            history.setdefault(name, []).append(value.item())

    def accuracy(z: Tensor, y: Tensor) -> Tensor:
        return ((z > 0) == (y > 0.5)).float().mean()

    def step() -> None:
        optimizer.zero_grad()
        z = model(X)[:, 0]
        data_loss, penalty = cross_entropy(z, Y), LAMBDA * kernel.square().sum()
        (data_loss + penalty).backward()
        optimizer.step()
        with torch.no_grad():
            val_z = model(X_TEST)[:, 0]
            keep(data_loss=data_loss, penalty=penalty, accuracy=accuracy(z, Y))
            keep(val_data_loss=cross_entropy(val_z, Y_TEST), val_accuracy=accuracy(val_z, Y_TEST))

    return step


def penalty_in_optimizer(model: nn.Sequential, **adam: bool) -> Step:
    """The same gradient, 2*lambda*w, from Adam's own coupled `weight_decay` on that one kernel."""
    kernel = model[0].weight
    others = [p for p in model.parameters() if p is not kernel]
    groups = [{"params": [kernel], "weight_decay": 2 * LAMBDA}, {"params": others}]
    optimizer = torch.optim.Adam(groups, lr=LEARNING_RATE, betas=(BETA_1, BETA_2), eps=EPSILON, **adam)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(X)[:, 0], Y).backward()
        optimizer.step()

    return step


def one_graph(model: nn.Sequential, unroll: int = 1) -> Step:
    """`unroll` epochs, each of forward, backward and Adam, as one function of tensors, compiled into one graph."""
    weights = dict(model.named_parameters())
    state = {name: (torch.zeros_like(w), torch.zeros_like(w)) for name, w in weights.items()}
    clock = torch.zeros(())

    def loss(weights: dict[str, Tensor]) -> Tensor:
        z = torch.func.functional_call(model, weights, (X,))
        return cross_entropy(z[:, 0], Y) + LAMBDA * weights["0.weight"].square().sum()

    @torch.compile(fullgraph=True)
    def update(weights: dict[str, Tensor], state: dict[str, tuple[Tensor, Tensor]], clock: Tensor) -> None:
        for _ in range(unroll):
            gradients = torch.func.grad(loss)(weights)
            clock += 1
            alpha = LEARNING_RATE * torch.sqrt(1 - BETA_2**clock) / (1 - BETA_1**clock)
            for name, g in gradients.items():
                m, v = state[name]
                m += (g - m) * (1 - BETA_1)
                v += (g * g - v) * (1 - BETA_2)
                weights[name] -= alpha * m / (v.sqrt() + EPSILON)

    @torch.no_grad()
    def step() -> None:
        update(weights, state, clock)

    return step


def compiled_loop(model: nn.Sequential) -> Step:
    """The usual loop under `torch.compile`, the optimizer's step included."""
    return torch.compile(penalty_in_loss(model, foreach=True))


CASES: dict[str, Callable[[nn.Sequential], Step]] = {
    "torch eager": penalty_in_loss,
    "torch eager, foreach": lambda model: penalty_in_loss(model, foreach=True),
    "torch eager, fused": lambda model: penalty_in_loss(model, fused=True),
    "torch eager, fused, weight_decay": lambda model: penalty_in_optimizer(model, fused=True),
    "torch compile": compiled_loop,
    "torch compile, one graph": one_graph,
    f"torch compile, one graph of {UNROLL} epochs": lambda model: one_graph(model, UNROLL),
}


def main() -> None:
    history: dict[str, list[float]] = {}
    histories = {"torch eager, fused": lambda model: validated(model, history)}
    workloads = {"moons": CASES, "moons-history": histories}
    args = moons.arguments(__doc__, workloads)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

    def train(step: Step, calls: int) -> None:
        for _ in range(calls):
            step()

    for name, build in workloads[args.workload].items():
        if args.only not in (None, name):
            continue
        model = network()
        step = build(model)
        start = time.perf_counter()
        step()
        compiling = time.perf_counter() - start if "compile" in name else 0.0
        epochs_per_step = UNROLL if "epochs" in name else 1
        train(step, args.epochs // epochs_per_step - 1)  # the warm-up, and the first run of all epochs
        with torch.no_grad():
            test = model(X_TEST).numpy()
        moons.check_history(history, args.epochs, keras_weights(model))
        seconds = moons.timed(lambda: train(step, args.epochs // epochs_per_step), args.repeats)  # trains on
        moons.report(name, seconds, args.epochs, compiling, ("torch", "numpy"), [test], args.workload)


if __name__ == "__main__":
    main()
