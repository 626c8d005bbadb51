"""What a device could do at most, and what a training step asks of it.

The figures are those of the makers' data sheets for dense matrix products, without sparsity. A
float32 run is held against what float32 products run as by default: TF32 on NVIDIA GPUs from
Ampere on, bfloat16 on TPUs, plain float32 on older GPUs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lqjax.models.network import Network

TERA = 1e12
FLOPS_PER_MULTIPLY_ADD = 2
PASSES_PER_TRAINING_STEP = 3
"""One forward, and two of the same work backward: gradients of the activations and of the weights.

Source: Kaplan et al., "Scaling laws for neural language models", 2020, section 2.1. The definition
of model FLOP utilisation: Chowdhery et al., "PaLM", 2022, appendix B: recomputation is not counted.
"""


@dataclass(frozen=True)
class Peak:
    """The peak of one kind of device, as `jax.Device` counts devices.

    Attributes:
      kind: pattern of the whole `device_kind`, so that a slice of a GPU is not taken for all of it.
      bfloat16, float32: 1e12 FLOP/s; 0 where the device has no such units.
    """

    kind: str
    bfloat16: float
    float32: float


PEAKS = (
    # NVIDIA H200 Tensor Core GPU data sheet, 2024; GH200 data sheet, 2024
    Peak(r"NVIDIA H200|NVIDIA GH200 .*GB", 989.4, 494.7),
    Peak(r"NVIDIA H200 NVL", 835.5, 417.5),
    # NVIDIA H100 Tensor Core GPU data sheet, 2024: SXM, NVL; architecture white paper, 2022: PCIe
    Peak(r"NVIDIA H100 \d+GB HBM3", 989.4, 494.7),
    Peak(r"NVIDIA H100 NVL", 835.5, 417.5),
    Peak(r"NVIDIA H100 PCIe", 756.0, 378.0),
    # NVIDIA A100 Tensor Core GPU data sheet, 2021
    Peak(r"(NVIDIA )?A100-(SXM4|PCIE)-(40|80)GB|NVIDIA A100 80GB PCIe", 312.0, 156.0),
    # NVIDIA L4 Tensor Core GPU data sheet, 2023
    Peak(r"NVIDIA L4", 121.0, 60.5),
    # NVIDIA V100 data sheet, 2020: float32; its tensor cores take float16 only
    Peak(r"Tesla V100-SXM2-.*", 0.0, 15.7),
    Peak(r"Tesla V100-PCIE-.*", 0.0, 14.0),
    # NVIDIA T4 data sheet, 2019: float32; its tensor cores take float16 and integers only
    Peak(r"Tesla T4", 0.0, 8.1),
    # cloud.google.com/tpu/docs: a chip by generation; up to v3 a device is half a chip. The kinds:
    # jax/_src/pallas/mosaic/tpu_info.py
    Peak(r"TPU v2", 22.5, 22.5),
    Peak(r"TPU v3", 61.5, 61.5),
    Peak(r"TPU v4", 275.0, 275.0),
    Peak(r"TPU v5 lite|TPU v5e", 197.0, 197.0),
    Peak(r"TPU v5|TPU v5p", 459.0, 459.0),
    Peak(r"TPU v6 lite|TPU v6e", 918.0, 918.0),
)


def peak_flops(device_kind: str, dtype: str) -> float | None:
    """Return the most FLOP/s of one device; `None` where the table has no figure.

    Args:
      device_kind: as `jax.Device.device_kind` has it, such as "NVIDIA H200".
      dtype: of the computation, "float32" or "bfloat16".
    """
    for peak in PEAKS:
        if re.fullmatch(peak.kind, device_kind):
            return TERA * getattr(peak, dtype) or None
    return None


def training_flops(network: Network) -> int:
    """Count the FLOPs that training on one image takes: 3 x 2 x multiply-adds."""
    return PASSES_PER_TRAINING_STEP * FLOPS_PER_MULTIPLY_ADD * network.multiply_adds()
