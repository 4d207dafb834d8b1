"""Train a person segmentation network on a folder of photos and masks."""
