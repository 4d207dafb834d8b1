"""The network, in torch: encoders, the U-Net, and its checkpoint file."""
