"""``KERAS_BACKEND=jax python -m benchmarks.gpu``: training on one GPU against timm under PyTorch.

Both train InceptionResNetV2 at 128x128 in bfloat16 on the same GPU, one after the other, each in a
process of its own: this project with Keras and the complete feed, timm with AMP, channels-last and
``torch.compile`` on a batch in GPU memory. This needs ``torch`` and ``timm`` beside Keras and its
backend. The figures are stored in ``benchmarks/results.json`` as ``gpu.*``.

The share of the matrix rate is the floating-point operations of a step (counted by PyTorch) times
the steps per second, over the rate of a large bfloat16 matrix product measured on the same GPU.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.results import keep
from benchmarks.workplace import ROOT

BATCHES = (128, 256, 512)
_WARM, _STEPS, _SIDE = 5, 30, 8192


def main() -> None:
    """Measure both, then print and store the figures."""
    figures: dict[str, float] = {}
    for batch in BATCHES:
        ours, theirs = _run("ours", batch), _run("timm", batch)
        figures |= {f"gpu.{name}_at_{batch}": value for name, value in (ours | theirs).items()}
        ratio = ours["images_per_s"] / theirs["timm_images_per_s"]
        figures[f"gpu.ratio_to_timm_at_{batch}"] = ratio
        done = ours["images_per_s"] * theirs["flops_per_image"] / theirs["matrix_flops_per_s"]
        figures[f"gpu.share_of_matrix_rate_at_{batch}"] = done
    keep(figures)
    print(json.dumps(figures, indent=2))


def _run(which: str, batch: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.gpu", which, str(batch)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT)
    result: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return result


def ours(batch: int) -> dict[str, float]:
    """Return the figures of this project's training step and of its feed."""
    from benchmarks.train import feed_figures
    from dfd.params.training import load_candidate

    params = load_candidate("inception_resnet_v2", ROOT / "params.yaml")
    figures = feed_figures(params.model_copy(update={"batch_size": batch}), steps=_STEPS)
    return {key.removeprefix("train."): value for key, value in figures.items()}


def timm(batch: int) -> dict[str, float]:
    """Return the crops per second of timm, the operations of a step, and the matrix rate."""
    import timm as models
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model = models.create_model("inception_resnet_v2", num_classes=2)
    model = model.cuda().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    pixels = torch.randint(0, 256, (batch, 3, 128, 128), device="cuda", dtype=torch.uint8)
    pixels = pixels.to(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (batch,), device="cuda")

    def step(network: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            logits = network(pixels.to(torch.float32) / 127.5 - 1)
            loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()

    with FlopCounterMode(display=False) as counter:
        step(model)
    compiled = torch.compile(model)
    seconds = _timed(lambda: step(compiled), torch.cuda.synchronize)
    left, right = torch.randn(2, _SIDE, _SIDE, device="cuda", dtype=torch.bfloat16)
    product = _timed(lambda: left @ right, torch.cuda.synchronize)
    return {
        "timm_images_per_s": batch / seconds,
        "flops_per_image": counter.get_total_flops() / batch,
        "matrix_flops_per_s": 2 * _SIDE**3 / product,
    }


def _timed(call: Callable[[], object], wait: Callable[[], object]) -> float:
    """Return the mean seconds of a call, after a warm-up."""
    for _ in range(_WARM):
        call()
    wait()
    begun = time.perf_counter()
    for _ in range(_STEPS):
        call()
    wait()
    return (time.perf_counter() - begun) / _STEPS


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"ours": ours, "timm": timm}[sys.argv[1]](int(sys.argv[2]))))
    else:
        main()
