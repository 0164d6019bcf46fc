"""Two runs side by side: run one again and compare, say what changed between two, pack one so that others can check it."""
