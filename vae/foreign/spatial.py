"""The autoencoder of latent diffusion (Rombach et al. 2022, section 3.1), as the diffusers library keeps it, in
`config.json` and `diffusion_pytorch_model.safetensors`. Built here from its published description, so that a folder
opens without that library and nothing in it is executed; tests hold it to the library.

A picture (B, C, H, W) becomes a small picture of latents (B, c, h, w), with a mean and a spread for each number.
"""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vae.errors import VAEError

NAME = "AutoencoderKL"
EPSILON = 1e-6  # of every normalisation
LOGVAR_LOW, LOGVAR_HIGH = -30.0, 20.0
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # of attention, before 2023


class Step(nn.Module):
    """Two convolutions and what they add to: (B, into, h, w) to (B, out, h, w)."""

    def __init__(self, into: int, out: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, into, eps=EPSILON)
        self.conv1 = nn.Conv2d(into, out, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, out, eps=EPSILON)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(into, out, 1) if into != out else None

    def forward(self, h: Tensor) -> Tensor:
        added = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(h))))))
        return added + (h if self.conv_shortcut is None else self.conv_shortcut(h))


class Look(nn.Module):
    """Every place of a small picture looks at every other (one head), and adds what it saw."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, width, eps=EPSILON)
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, h: Tensor) -> Tensor:
        places = self.group_norm(h).flatten(2).transpose(1, 2)  # (B, h * w, width)
        # The head stands alone in an axis of its own.
        q, k, v = (part(places).unsqueeze(1) for part in (self.to_q, self.to_k, self.to_v))
        seen = F.scaled_dot_product_attention(q, k, v).squeeze(1)
        return h + self.to_out[0](seen).transpose(1, 2).reshape(h.shape)


class Middle(nn.Module):
    """Where the picture is smallest."""

    def __init__(self, width: int, groups: int, looks: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([Step(width, width, groups), Step(width, width, groups)])
        self.attentions = nn.ModuleList([Look(width, groups)] if looks else [])

    def forward(self, h: Tensor) -> Tensor:
        h = self.resnets[0](h)
        for look in self.attentions:
            h = look(h)
        return self.resnets[1](h)


class Halve(nn.Module):
    """(B, C, h, w) to (B, C, h / 2, w / 2). One row and column of zeros at the far side only, as it was trained."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, h: Tensor) -> Tensor:
        return self.conv(F.pad(h, (0, 1, 0, 1)))


class Double(nn.Module):
    """(B, C, h, w) to (B, C, 2 h, 2 w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        return self.conv(F.interpolate(h, scale_factor=2.0, mode="nearest"))


class Down(nn.Module):
    """Steps at one size, then half of it."""

    def __init__(self, into: int, out: int, steps: int, groups: int, halves: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([Step(into if not i else out, out, groups) for i in range(steps)])
        self.downsamplers = nn.ModuleList([Halve(out)] if halves else [])

    def forward(self, h: Tensor) -> Tensor:
        for part in (*self.resnets, *self.downsamplers):
            h = part(h)
        return h


class Up(nn.Module):
    """Steps at one size, then twice that."""

    def __init__(self, into: int, out: int, steps: int, groups: int, doubles: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([Step(into if not i else out, out, groups) for i in range(steps)])
        self.upsamplers = nn.ModuleList([Double(out)] if doubles else [])

    def forward(self, h: Tensor) -> Tensor:
        for part in (*self.resnets, *self.upsamplers):
            h = part(h)
        return h


class SpatialEncoder(nn.Module):
    """(B, C, H, W) to (B, 2 c, h, w)."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        widths, steps, groups = said["block_out_channels"], said["layers_per_block"], said["norm_num_groups"]
        self.conv_in = nn.Conv2d(said["in_channels"], widths[0], 3, padding=1)
        before = (widths[0], *widths[:-1])
        self.down_blocks = nn.ModuleList(
            [Down(before[i], width, steps, groups, i < len(widths) - 1) for i, width in enumerate(widths)]
        )
        self.mid_block = Middle(widths[-1], groups, said["mid_block_add_attention"])
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=EPSILON)
        self.conv_out = nn.Conv2d(widths[-1], 2 * said["latent_channels"], 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv_in(x)
        for block in self.down_blocks:
            h = block(h)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(h))))


class SpatialDecoder(nn.Module):
    """(B, c, h, w) to (B, C, H, W)."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        widths, steps, groups = said["block_out_channels"][::-1], said["layers_per_block"] + 1, said["norm_num_groups"]
        self.conv_in = nn.Conv2d(said["latent_channels"], widths[0], 3, padding=1)
        self.mid_block = Middle(widths[0], groups, said["mid_block_add_attention"])
        before = (widths[0], *widths[:-1])
        self.up_blocks = nn.ModuleList(
            [Up(before[i], width, steps, groups, i < len(widths) - 1) for i, width in enumerate(widths)]
        )
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=EPSILON)
        self.conv_out = nn.Conv2d(widths[-1], said["out_channels"], 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.mid_block(self.conv_in(z))
        for block in self.up_blocks:
            h = block(h)
        return self.conv_out(F.silu(self.conv_norm_out(h)))


class Spatial(nn.Module):
    """The whole autoencoder, for pictures of one size.

    Args:
        said: what `settings` made of its config.json.
        side: (H, W) of the pictures it is given; where it cannot halve them evenly, their far edge is repeated.
    """

    def __init__(self, said: dict[str, Any], side: tuple[int, int]) -> None:
        super().__init__()
        self.encoder, self.decoder = SpatialEncoder(said), SpatialDecoder(said)
        latents = said["latent_channels"]
        self.quant_conv = nn.Conv2d(2 * latents, 2 * latents, 1) if said["use_quant_conv"] else None
        self.post_quant_conv = nn.Conv2d(latents, latents, 1) if said["use_post_quant_conv"] else None
        step = 2 ** (len(said["block_out_channels"]) - 1)
        self.side = side
        self.more = tuple(-s % step for s in side)  # rows and columns that are added
        self.latent_shape = (latents, (side[0] + self.more[0]) // step, (side[1] + self.more[1]) // step)

    @property
    def latents(self) -> int:
        """Numbers in one picture of latents."""
        count, height, width = self.latent_shape
        return count * height * width

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, C, H, W) in [0, 1] to mean and log of the variance, (B, c * h * w) each."""
        x = F.pad(2 * x - 1, (0, self.more[1], 0, self.more[0]), mode="replicate")  # it was trained on [-1, 1]
        h = self.encoder(x)
        h = h if self.quant_conv is None else self.quant_conv(h)
        mu, logvar = h.flatten(1).chunk(2, dim=1)
        return mu, logvar.clamp(LOGVAR_LOW, LOGVAR_HIGH)

    def draw(self, z: Tensor) -> Tensor:
        """z (B, c * h * w) to x (B, C, H, W)."""
        h = z.reshape(len(z), *self.latent_shape)
        h = h if self.post_quant_conv is None else self.post_quant_conv(h)
        x = self.decoder(h)[:, :, : self.side[0], : self.side[1]]
        return (x / 2 + 0.5).clamp(0, 1)


# ---- what its config.json says -------------------------------------------------------------------------------------

_CHANNELS, _WIDTH, _BLOCKS, _STEPS = 16, 2048, 8, 8
_IGNORED = {"sample_size", "scaling_factor", "shift_factor", "latents_mean", "latents_std", "force_upcast"}
_DEFAULTS: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": [64],
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 32,
    "act_fn": "silu",
    "mid_block_add_attention": True,
    "use_quant_conv": True,
    "use_post_quant_conv": True,
    "down_block_types": None,
    "up_block_types": None,
}


def settings(data: object) -> dict[str, Any]:
    """What `Spatial` needs of a config.json, checked.

    Raises:
        VAEError: another class, a field that is not known, or a value out of range.
    """
    if not isinstance(data, dict) or data.get("_class_name", NAME) != NAME:
        raise VAEError(f"config.json is not that of an {NAME}: of diffusers, that is the class Muscope opens.")
    unknown = {str(key) for key in data if not str(key).startswith("_")} - _DEFAULTS.keys() - _IGNORED
    if unknown:
        raise VAEError(f"config.json says {sorted(unknown)[0][:40]}, which Muscope does not know: write an adapter.")
    said = {key: data.get(key, default) for key, default in _DEFAULTS.items()}
    widths = said["block_out_channels"]
    if not isinstance(widths, list) or not 1 <= len(widths) <= _BLOCKS:
        raise VAEError(f"block_out_channels of config.json must be 1 to {_BLOCKS} whole numbers.")
    limits = [("in_channels", _CHANNELS), ("out_channels", _CHANNELS), ("latent_channels", 64)]
    limits += [("layers_per_block", _STEPS), ("norm_num_groups", _WIDTH)]
    for name, most in limits:
        _whole(name, said[name], most)
    for width in widths:
        _whole("block_out_channels", width, _WIDTH)
        if width % said["norm_num_groups"]:
            raise VAEError(f"norm_num_groups of config.json must divide {width}, one of its block_out_channels.")
    if said["in_channels"] != said["out_channels"]:
        raise VAEError("This model draws other channels than it reads: Muscope opens those that draw what they read.")
    if said["act_fn"] not in ("silu", "swish"):
        raise VAEError("act_fn of config.json is not 'silu': write an adapter for this model.")
    for name in ("mid_block_add_attention", "use_quant_conv", "use_post_quant_conv"):
        if not isinstance(said[name], bool):
            raise VAEError(f"{name} of config.json must be true or false.")
    for name, kind in (("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")):
        kinds = said.pop(name)
        # The library's own default is one block for one width.
        if kinds is not None and kinds != [kind] * len(widths):
            raise VAEError(f"{name} of config.json must be {kind} for each width: write an adapter for other blocks.")
    return said


def modern(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights under today's names; some old ones are 1 by 1 convolutions where a layer is dense now."""
    found = {}
    for name, value in tensors.items():
        stem, _, kind = name.rpartition(".")
        stem, _, last = stem.rpartition(".")
        if last in OLD_NAMES and ".attentions." in name:
            name = f"{stem}.{OLD_NAMES[last]}.{kind}"
        if ".attentions." in name and value.ndim == 4 and value.shape[2:] == (1, 1):
            value = value[:, :, 0, 0]
        found[name] = value
    return found


def _whole(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise VAEError(f"{name} of config.json must be a whole number from 1 to {most}.")
