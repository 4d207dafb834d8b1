from pathlib import Path

import pytest
import torch

from standout.errors import ModelError
from standout.net.encoders import ENCODERS, Encoder
from standout.net.unet import Probability, UNet
from tests.conftest import SHARED


@pytest.mark.parametrize("name", sorted(ENCODERS))
@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (320, 256), (256, 320)])
def test_every_encoder_gives_five_halving_maps(name: str, height: int, width: int) -> None:
    encoder = Encoder(name).eval()
    with torch.inference_mode():
        features = encoder(torch.rand(1, 3, height, width))
    shapes = [tuple(f.shape) for f in features]
    assert shapes == [(1, c, height >> i, width >> i) for i, c in enumerate(encoder.channels, 1)]


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_the_network_gives_a_logit_a_pixel_and_ships_probability(name: str) -> None:
    net = UNet(name).eval()
    image = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        logits = net(image)
        torch.testing.assert_close(Probability(net)(image), logits.sigmoid())
    assert logits.shape == (2, 1, 64, 96)


def test_an_unknown_encoder_is_named() -> None:
    with pytest.raises(ModelError, match="'resnet9000' is not known; choose one of: mobilenetv2_100"):
        UNet("resnet9000")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"lacks .* tensors"):
        Encoder("mobilenetv2_100", tmp_path / "other.safetensors")


def test_same_padding_agrees_with_timms_own(people: Path) -> None:
    """Our constant padding must compute what timm computes from the input's size, with the ImageNet weights."""
    import timm
    from safetensors.torch import load_file

    weights = SHARED / "weights" / "mobilenetv2_100.imagenet.safetensors"
    theirs = timm.create_model("mobilenetv2_100", features_only=True, pretrained=False, pad_type="same").eval()
    theirs.load_state_dict(load_file(weights), strict=False)
    ours = Encoder("mobilenetv2_100", weights).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        for mine, wanted in zip(ours(image), theirs(image * 2 - 1), strict=True):
            torch.testing.assert_close(mine, wanted, rtol=1e-3, atol=1e-3)
