import pytest
import torch

from standout.net.arrange import arrange
from standout.net.unet import UNet

FIRST, LAST = torch.contiguous_format, torch.channels_last


@pytest.mark.parametrize(
    ("encoder", "decoder", "device", "wanted"),
    [
        ("mobilenetv2_050", "slim", "cpu", LAST),
        ("mobilenetv2_050", "slim", "cuda", FIRST),  # depthwise convolutions
        ("resnet18", "heavy", "cuda", LAST),
        ("resnet18", "light", "cuda", FIRST),
    ],
)
def test_weights_lie_in_the_order_that_the_device_is_fast_with(
    encoder: str, decoder: str, device: str, wanted: torch.memory_format
) -> None:
    net = UNet(encoder, decoder=decoder)
    for before in (FIRST, LAST):
        net.to(memory_format=before)
        assert arrange(net, device) == wanted
        planes = next(value for value in net.parameters() if value.ndim == 4)
        assert planes.is_contiguous(memory_format=wanted)
