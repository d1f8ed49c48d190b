"""Scalable operator transformer: a U-net of Swin V2 stages that is told the lead time."""

import inspect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.describe import Described
from sciml.nn.conditional_norm import ConditionalLayerNorm
from sciml.nn.fourier_resize import fourier_resize
from sciml.operators.scot_blocks import Common, ConvNeXtBlock, Expanding, Merging, Norms, Stage

#: The four published sizes; everything else of theirs is a default of `ScOT`.
SIZES: Mapping[str, Mapping[str, Any]] = {
    "T": {"width": 48, "depths": (4, 4, 4, 4)},
    "S": {"width": 48, "depths": (8, 8, 8, 8)},
    "B": {"width": 96, "depths": (8, 8, 8, 8)},
    "L": {"width": 192, "depths": (8, 8, 8, 8)},
}


class Embedding(nn.Module):
    """Patches as points with channels: a convolution whose stride is its size, then a norm."""

    def __init__(self, in_channels: int, width: int, patch: int, norms: Norms) -> None:
        super().__init__()
        projection = nn.Conv2d(in_channels, width, kernel_size=patch, stride=patch)
        self.patch_embeddings = nn.Sequential(OrderedDict(projection=projection))
        self.norm = norms(width)

    def forward(self, u: Float[Tensor, "b c h w"], condition: Float[Tensor, "b p"]) -> Float[Tensor, "b h2 w2 c2"]:
        return self.norm(self.patch_embeddings(u).permute(0, 2, 3, 1), condition)


class Recovery(nn.Module):
    """Points as patches: the transposed convolution, then a convolution over 5 x 5 points that evens out the seams."""

    def __init__(self, width: int, out_channels: int, patch: int) -> None:
        super().__init__()
        self.projection = nn.ConvTranspose2d(width, out_channels, kernel_size=patch, stride=patch)
        self.mixup = nn.Conv2d(out_channels, out_channels, kernel_size=5, padding=2, bias=False)

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b c2 h2 w2"]:
        return self.mixup(self.projection(x.permute(0, 3, 1, 2)))


class Encoder(nn.Module):
    """Stages from fine to coarse; returns what each of them found."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(stages)

    def forward(self, x: Float[Tensor, "b h w c"], condition: Float[Tensor, "b p"]) -> list[Tensor]:
        found = []
        for stage in cast(Sequence[Stage], self.layers):
            found.append(stage(x, condition))
            if stage.downsample is not None:
                x = stage.downsample(found[-1] + x, condition)
        return found


class Decoder(nn.Module):
    """Stages from coarse to fine; each but the first adds what the encoder found on its level."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(stages)

    def forward(self, found: Sequence[Tensor], condition: Float[Tensor, "b p"]) -> Float[Tensor, "b h w c"]:
        """`found` from coarse to fine."""
        x = found[0]
        for level, stage in enumerate(cast(Sequence[Stage], self.layers)):
            x = stage(x, condition)
            if stage.upsample is not None:
                skipped = found[level + 1]
                x = stage.upsample(x, condition, skipped.shape[1:3]) + skipped
        return x


class ScOT(Described, nn.Module):
    r"""Lead-time-conditioned operator transformer, $u(t_0) \mapsto u(t_0 + \tau)$.

    Patches of the input go through Swin V2 stages on grids that get coarser, and back; the results of the encoder pass
    ConvNeXt blocks on their way to the decoder. Every norm is scaled and shifted by maps of the lead time $\tau$ (and
    of `params`). The names of parameters are those of the published weights, so `load_state_dict` takes them as they
    are; `from_pretrained` also reads the folder they come in.

    The network works on one grid, `image_size`. Input on another one is taken there through its Fourier series and the
    output is taken back, axis by axis; sides that patches or windows do not divide are padded with zeros inside.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        image_size: points of the grid, for both axes or for each.
        patch: side of a patch.
        width: channels of the finest level; each coarser level has twice as many.
        depths: number of Swin blocks of each level; 2 and more levels.
        heads: heads of the attention on each level.
        skips: number of ConvNeXt blocks between encoder and decoder on each level.
        window: largest side of an attention window.
        mlp_ratio: hidden channels of the MLPs, as a multiple of the level's.
        qkv_bias: whether queries and values have offsets.
        eps: added to the variance in the norms.
        conditioned: whether the norms see the lead time.
        params: number of scalar parameters that the norms see beside the lead time.
        lead_scale: lead times are divided by it; 1 takes them as they are.
        identity_norms: start every norm with scale 1. By default the scale starts near 0 as published, so that an
            untrained network returns almost nothing; from scratch, 1 trains better.
        checkpointed: compute the inside of Swin blocks again in the backward pass instead of keeping it.

    Shapes: `(b, in_channels, h, w)` to `(b, out_channels, h, w)`; `time (b,)` is the lead time, 1 where none is given
    (steady problems); `params (b, params)`.

    Raises:
        ValueError: counts that do not fit together, or an input of another shape.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, section 2 and appendix A.
    """

    def __init__(
        self,
        in_channels: int = 4,
        out_channels: int = 4,
        image_size: int | tuple[int, int] = 128,
        patch: int = 4,
        width: int = 48,
        depths: Sequence[int] = (4, 4, 4, 4),
        heads: Sequence[int] = (3, 6, 12, 24),
        skips: Sequence[int] = (2, 2, 2, 0),
        window: int = 16,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        eps: float = 1e-5,
        conditioned: bool = True,
        params: int = 0,
        lead_scale: float = 1.0,
        identity_norms: bool = False,
        checkpointed: bool = False,
    ) -> None:
        super().__init__()
        self.image_size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
        _check(in_channels, out_channels, self.image_size, patch, width, depths, heads, skips, window, lead_scale)
        if params and not conditioned:
            raise ValueError(f"params={params} needs conditioned=True: the norms are where parameters enter.")
        self.in_channels, self.patch, self.params, self.lead_scale = in_channels, patch, params, lead_scale
        self.conditioned = conditioned
        norms = Norms(eps, conditioned, params)
        common = Common(norms, window, mlp_ratio, qkv_bias, checkpointed)
        levels = range(len(depths))
        widths = [width * 2**level for level in levels]
        h, w = self.image_size
        grids = [(-(-h // (patch * 2**level)), -(-w // (patch * 2**level))) for level in levels]
        down = [Merging(w, norms) for w in widths[:-1]] + [None]
        up = [None] + [Expanding(w, norms) for w in widths[1:]]
        fine_to_coarse = zip(widths, heads, depths, grids, strict=True)
        self.embeddings = Embedding(in_channels, width, patch, norms)
        # The blocks of the decoder mirror those of the encoder: the first one there is not shifted, the last one here.
        encoding, decoding = [], []
        for level, (c, n, depth, grid) in enumerate(fine_to_coarse):
            encoding.append(Stage(c, n, depth, grid, False, common, downsample=down[level]))
            decoding.append(Stage(c, n, depth, grid, depth % 2 == 0, common, upsample=up[level]))
        self.encoder, self.decoder = Encoder(encoding), Decoder(decoding[::-1])
        self.residual_blocks = nn.ModuleList(
            nn.ModuleList(ConvNeXtBlock(w, norms) for _ in range(count)) for w, count in zip(widths, skips, strict=True)
        )
        self.patch_recovery = Recovery(width, out_channels, patch)
        self.reset_parameters(identity_norms)

    @classmethod
    def example(cls) -> "ScOT":
        """A small one whose norms start at 1, for tests."""
        return cls(1, 1, 16, 2, 8, (2, 2), (2, 4), (1, 0), 4, identity_norms=True)

    @classmethod
    def of_size(cls, name: str, **changes: Any) -> "ScOT":
        """One of the published sizes `T`, `S`, `B`, `L`; `changes` are arguments of the constructor."""
        if name not in SIZES:
            raise ValueError(f"name={name!r} is no published size; there are {', '.join(SIZES)}.")
        return cls(**{**SIZES[name], **changes})

    @classmethod
    def from_pretrained(cls, folder: str | Path, **changes: Any) -> tuple["ScOT", list[str]]:
        """The network of a folder in the published layout, and the tensors that it does not hold for this one.

        See `sciml.operators.scot_files.load`.
        """
        from sciml.operators.scot_files import load

        return load(folder, **changes)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes `config.json` and `model.safetensors` in the published layout (`sciml.operators.scot_files.save`)."""
        from sciml.operators.scot_files import save

        save(self, folder)

    @property
    def settings(self) -> dict[str, Any]:
        """Every argument of the constructor by name, defaults included."""
        given = cast(Mapping[str, Any], self._arguments)
        defaults = {name: p.default for name, p in inspect.signature(type(self)).parameters.items()}
        square = self.image_size[0] == self.image_size[1]
        levels = {name: list(given.get(name, defaults[name])) for name in ("depths", "heads", "skips")}
        return {**defaults, **given, **levels, "image_size": self.image_size[0] if square else self.image_size}

    @property
    def accepts(self) -> frozenset[str]:
        """Keyword arguments that the network takes."""
        taken = {"time"} if self.conditioned else set()
        return frozenset(taken | ({"params"} if self.params else set()))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters as optimisers take them, in the four groups of the published recipe, by name.

        `embedding` (first and last layer, with its norm), `norms`, `undecayed` (offsets), `backbone` (the rest).
        """
        groups: dict[str, list[nn.Parameter]] = {"backbone": [], "embedding": [], "norms": [], "undecayed": []}
        norms = tuple(n for n, m in self.named_modules() if isinstance(m, ConditionalLayerNorm | nn.LayerNorm))
        for name, parameter in self.named_parameters():
            if name.startswith(("embeddings.", "patch_recovery.")):
                groups["embedding"].append(parameter)
            elif name.startswith(tuple(f"{norm}." for norm in norms)):
                groups["norms"].append(parameter)
            else:
                groups["undecayed" if name.endswith(".bias") else "backbone"].append(parameter)
        return [{"params": parameters, "name": name} for name, parameters in groups.items()]

    def reset_parameters(self, identity_norms: bool = False) -> None:
        """Weights of linear maps and convolutions from N(0, 0.02^2), offsets 0; maps of `params` 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, ConditionalLayerNorm):
                if identity_norms:
                    nn.init.ones_(module.weight.bias)
                for extra in (module.weight_params, module.bias_params):
                    if extra is not None:
                        nn.init.zeros_(extra.weight)

    def forward(
        self,
        u: Float[Tensor, "b c h w"],
        *,
        time: Float[Tensor, " b"] | None = None,
        params: Float[Tensor, "b p"] | None = None,
    ) -> Float[Tensor, "b c_out h w"]:
        if u.ndim != 4 or u.shape[1] != self.in_channels:
            raise ValueError(
                f"input of shape {tuple(u.shape)} does not fit; accepted is (b, {self.in_channels}, h, w)."
            )
        condition = self._condition(u, time, params)
        grid = u.shape[2:]
        if tuple(grid) != self.image_size:
            u = fourier_resize(u, self.image_size)
        rest = [-n % self.patch for n in self.image_size]
        x = self.embeddings(nn.functional.pad(u, (0, rest[1], 0, rest[0])), condition)
        found = self.encoder(x, condition)
        for level, blocks in enumerate(self.residual_blocks):
            for block in cast(nn.ModuleList, blocks):
                found[level] = block(found[level], condition)
        out = self.patch_recovery(self.decoder(found[::-1], condition))
        out = out[:, :, : self.image_size[0], : self.image_size[1]]
        return out if tuple(grid) == self.image_size else fourier_resize(out, grid)

    def _condition(self, u: Tensor, time: Tensor | None, params: Tensor | None) -> Float[Tensor, "b p"]:
        """Lead time and parameters as columns."""
        lead = u.new_ones(u.shape[0]) if time is None else time.to(u.dtype) / self.lead_scale
        if not self.params:
            return lead[:, None]
        if params is None or params.shape[1] != self.params:
            shape = None if params is None else tuple(params.shape)
            raise ValueError(f"params has shape {shape}; this network was made for (b, {self.params}).")
        return torch.cat([lead[:, None], params.to(u.dtype)], dim=1)


def _check(
    in_channels: int,
    out_channels: int,
    image_size: tuple[int, ...],
    patch: int,
    width: int,
    depths: Sequence[int],
    heads: Sequence[int],
    skips: Sequence[int],
    window: int,
    lead_scale: float,
) -> None:
    counts = {"in_channels": in_channels, "out_channels": out_channels, "patch": patch, "width": width}
    for name, value in {**counts, "window": window, "image_size": min(image_size), "depths": min(depths)}.items():
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1.")
    if not len(depths) == len(heads) == len(skips) >= 2:
        raise ValueError(
            f"depths, heads and skips have {len(depths)}, {len(heads)} and {len(skips)} levels; they need the same "
            "number, at least 2."
        )
    if lead_scale <= 0:
        raise ValueError(f"lead_scale={lead_scale} must be positive.")
