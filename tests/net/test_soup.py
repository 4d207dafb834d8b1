import pytest
import torch

from standout.errors import ModelError
from standout.net.soup import average
from standout.net.unet import UNet


def test_weights_and_statistics_are_averaged_by_shares() -> None:
    one, two = UNet("mobilenetv2_050", decoder="slim"), UNet("mobilenetv2_050", decoder="slim")
    for parameter in two.head.parameters():
        torch.nn.init.constant_(parameter, 4.0)
    for parameter in one.head.parameters():
        torch.nn.init.constant_(parameter, 0.0)
    for net, level in ((one, 1.0), (two, 2.0)):
        net.get_buffer("last.1.running_mean").fill_(level)
    mean = average([one, two], [0.75, 0.25])
    assert bool((mean.head.weight == 1.0).all())
    assert bool((mean.get_buffer("last.1.running_mean") == 1.25).all())


def test_the_mean_of_one_network_with_itself_is_that_network() -> None:
    net = UNet("mobilenetv2_050", decoder="slim").eval()
    image = torch.rand(1, 3, 64, 64)
    before = net(image)
    torch.testing.assert_close(average([net, net], [0.5, 0.5])(image), before)


def test_only_networks_of_one_kind_and_whole_shares_are_averaged() -> None:
    light, slim = UNet("mobilenetv2_050"), UNet("mobilenetv2_050", decoder="slim")
    with pytest.raises(ModelError, match="different kinds"):
        average([light, slim], [0.5, 0.5])
    with pytest.raises(ModelError, match="sum 1"):
        average([light, light], [0.5, 0.4])
