"""The table of peaks against the hardware: units x operations a clock x clock."""

import re

import pytest

from lqjax.models.network import build
from lqjax.training.peaks import PEAKS, peak_flops, training_flops

# NVIDIA white papers (Volta, Turing, Ampere, Hopper, Ada): streaming multiprocessors, dense
# operations of each in a clock for (bfloat16, float32 as it runs by default), boost clock in Hz.
MULTIPROCESSORS = {
    "NVIDIA H200": (132, 4096, 2048, 1.83e9),
    "NVIDIA H100 80GB HBM3": (132, 4096, 2048, 1.83e9),
    "NVIDIA H100 PCIe": (114, 4096, 2048, 1.62e9),
    "NVIDIA A100-SXM4-40GB": (108, 2048, 1024, 1.41e9),
    "NVIDIA A100-SXM4-80GB": (108, 2048, 1024, 1.41e9),
    "NVIDIA A100-PCIE-40GB": (108, 2048, 1024, 1.41e9),
    "NVIDIA A100 80GB PCIe": (108, 2048, 1024, 1.41e9),
    "NVIDIA L4": (58, 1024, 512, 2.04e9),
    "Tesla V100-SXM2-16GB": (80, 0, 128, 1.53e9),
    "Tesla V100-PCIE-32GB": (80, 0, 128, 1.38e9),
    "Tesla T4": (40, 0, 128, 1.59e9),
}
# cloud.google.com/tpu/docs: matrix units of what JAX counts as a device, their side, clock in Hz.
MATRIX_UNITS = {
    "TPU v2": (1, 128, 0.70e9),
    "TPU v3": (2, 128, 0.94e9),
    "TPU v4": (8, 128, 1.05e9),
    "TPU v5 lite": (4, 128, 1.50e9),
    "TPU v5e": (4, 128, 1.50e9),
    "TPU v5": (8, 128, 1.75e9),
    "TPU v5p": (8, 128, 1.75e9),
}
# The same pages: FLOP/s of a whole pod, and how many of what JAX counts as devices it has.
PODS = {
    "TPU v3": (126e15, 2 * 1024),
    "TPU v5 lite": (50.63e15, 256),
    "TPU v6 lite": (234.9e15, 256),
    "TPU v6e": (234.9e15, 256),
}


@pytest.mark.parametrize("kind", MULTIPROCESSORS)
def test_a_gpu_does_what_its_multiprocessors_do(kind):
    count, bfloat16, float32, clock = MULTIPROCESSORS[kind]
    assert (peak_flops(kind, "bfloat16") or 0) == pytest.approx(count * bfloat16 * clock, rel=0.02)
    assert peak_flops(kind, "float32") == pytest.approx(count * float32 * clock, rel=0.02)


@pytest.mark.parametrize("kind", MATRIX_UNITS)
def test_a_tpu_does_what_its_matrix_units_do(kind):
    count, side, clock = MATRIX_UNITS[kind]
    for dtype in ("bfloat16", "float32"):
        assert peak_flops(kind, dtype) == pytest.approx(2 * count * side**2 * clock, rel=0.03)


@pytest.mark.parametrize("kind", PODS)
def test_a_tpu_pod_does_what_its_devices_do(kind):
    total, devices = PODS[kind]
    assert devices * peak_flops(kind, "bfloat16") == pytest.approx(total, rel=0.01)


@pytest.mark.parametrize(
    "kind",
    [
        "cpu",
        "",
        "NVIDIA L40S",
        "NVIDIA GeForce RTX 4090",
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "NVIDIA A100-SXM4-40GB MIG 2g.10gb",
        "TPU v7",
    ],
)
def test_an_unknown_device_and_a_slice_have_no_peak(kind):
    assert peak_flops(kind, "bfloat16") is None
    assert peak_flops(kind, "float32") is None


def test_no_device_matches_twice():
    for kind in [*MULTIPROCESSORS, *MATRIX_UNITS, *PODS, "NVIDIA H200 NVL", "NVIDIA GH200 480GB"]:
        assert sum(bool(re.fullmatch(peak.kind, kind)) for peak in PEAKS) == 1


def test_training_takes_six_operations_a_multiply_add():
    # Multiply-adds of ResNet-50 at 224 px: 4.09e9 (He et al., 2016, table 1, rounds to 3.8e9
    # without its last layers and shortcuts; fvcore and torchvision: 4.089e9).
    network = build("resnet50", num_classes=1000, image_size=224)
    assert training_flops(network) == pytest.approx(6 * 4.089e9, rel=2e-3)
