"""The network, in PyTorch: encoders, the U-Net, and its checkpoint file."""
