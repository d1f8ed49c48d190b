"""Whether an input resembles what a network was trained on: its values, against the range of the training data."""

import logging
import math
from collections.abc import Mapping, Sequence

from torch import Tensor

logger = logging.getLogger(__name__)

#: How far beyond its range a value may lie without a word, as a part of the range's width.
TOLERANCE = 0.1


class RangeWatch:
    """Says once per channel, in the log, that values lie clearly outside of the training data.

    Args:
        ranges: smallest and largest value by channel; channels without a range are not looked at.
        tolerance: how far beyond its range a value may lie, as a part of the range's width.
        text: of the warning, with places for the channel, its value and both ends of the range.
    """

    def __init__(
        self,
        ranges: Mapping[str, tuple[float, float]],
        tolerance: float = TOLERANCE,
        text: str = "input channel %s has the value %g, outside of the training data's range [%g, %g]",
    ) -> None:
        self.ranges, self.tolerance, self.text = dict(ranges), tolerance, text

    def look(self, x: Tensor, channels: Sequence[str]) -> None:
        """Logs at most one warning, about the channel that is farthest out.

        Args:
            x: `(b, c, ...)`.
            channels: names of the `c` channels.
        """
        if not x.numel() or not self.ranges:
            return
        flat = x.flatten(2)
        extremes = zip(channels, flat.amin(dim=(0, 2)).tolist(), flat.amax(dim=(0, 2)).tolist(), strict=True)
        found = [
            (distance, name, value)
            for name, *values in extremes
            for value in values
            if name in self.ranges and (distance := self._beyond(name, value)) > self.tolerance
        ]
        if found:
            _, name, value = max(found)
            low, high = self.ranges.pop(name)
            logger.warning(self.text, name, value, low, high)

    def _beyond(self, name: str, value: float) -> float:
        """Distance from the range in units of its width, which for a constant channel is that of rounding."""
        low, high = self.ranges[name]
        width = max(high - low, 1e-5 * max(abs(low), abs(high)))
        distance = max(low - value, value - high)
        return 0.0 if not distance > 0 else distance / width if width else math.inf
