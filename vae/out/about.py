"""A page that goes along with a model's halves and says how they are run."""

from collections.abc import Sequence

_ONNX = """\
# A model for ONNX Runtime

`encoder.onnx` takes `x`, a batch of images (B, C, H, W) or of rows (B, D), float32 in [0, 1], and gives `mu` and, of a
VAE, `logvar`, (B, L) each: the code of an image and the logarithm of its variance. `decoder.onnx` takes codes `z`
(B, L) and gives pictures `x`. They agree with torch to rounding.

```python
import numpy as np
import onnxruntime

decoder = onnxruntime.InferenceSession("decoder.onnx")
latents = decoder.get_inputs()[0].shape[1]
(pictures,) = decoder.run(None, {"z": np.zeros((1, latents), np.float32)})
```
"""

_TORCH = """\
# A model for torch

`encoder.pt2` takes `x`, a batch of images (B, C, H, W) or of rows (B, D), float32 in [0, 1], and gives `mu` and, of a
VAE, `logvar`, (B, L) each: the code of an image and the logarithm of its variance. `decoder.pt2` takes codes `z`
(B, L) and gives pictures. No code of Muscope's is needed, and neither file holds a pickle.

```python
import torch

decoder = torch.export.load("decoder.pt2").module()
```
"""


def page(names: Sequence[str]) -> str:
    """How files of these names are run: "encoder.onnx" or "encoder.pt2"."""
    return _ONNX if any(name.endswith(".onnx") for name in names) else _TORCH
