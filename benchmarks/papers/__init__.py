"""Published numbers beside ours: the rows, the sittings that train and measure them, and the page."""
