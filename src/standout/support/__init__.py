"""The ground that every room may stand on: it knows of no pictures, clips or models."""
