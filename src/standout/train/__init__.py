"""Training of a person segmentation network on a folder of photos and masks, from a recipe to a model with its card."""
