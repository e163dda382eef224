"""Pages of the area Capture: rigs and their lights."""
