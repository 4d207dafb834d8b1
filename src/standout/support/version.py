"""The version of standout, which every room may know without knowing the package's public face."""

__version__ = "0.1.0"
