"""lqjax: which network to choose for low-quality images."""

__version__ = "0.1.0"
