import pytest
import torch

from standout.errors import ModelError
from standout.net import encoders
from standout.net.encoders import ENCODERS, Encoder
from tests.conftest import shared


@pytest.mark.parametrize("name", [*sorted(ENCODERS), "mobilenetv2_050", "efficientnet_b0"])
def test_an_encoder_gives_five_halving_maps(name: str) -> None:
    encoder = Encoder(name).eval()
    for height, width in ((32, 32), (64, 96)):
        with torch.inference_mode():
            features = encoder(torch.rand(1, 3, height, width))
        shapes = [tuple(f.shape) for f in features]
        assert shapes == [(1, c, height >> i, width >> i) for i, c in enumerate(encoder.channels, 1)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet9000", "'resnet9000' is not a timm model; did you mean "),
        ("resnet_18", "did you mean .*resnet18"),
        ("zzzz", "is not a timm model; proven ones: mobilenetv2_100"),
        ("convnext_atto", r"gives feature maps at 1/4, 1/8, 1/16, 1/32 of the photo; a U-Net needs five"),
    ],
)
def test_an_encoder_that_will_not_do_is_explained(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Encoder(name)


def test_normalization_is_the_encoders_own() -> None:
    """An encoder sees (rgb - mean) / std: with black shifted to its mean, the first map is that of zeros."""
    encoder = Encoder("resnet18").eval()
    with torch.inference_mode():
        ours = encoder(encoder.mean.expand(1, 3, 32, 32))
        theirs = encoder.body(torch.zeros(1, 3, 32, 32))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ["mobilenetv2_100", "tf_efficientnet_lite0"])
def test_same_padding_agrees_with_timms_own(name: str) -> None:
    """Our constant padding must compute what timm computes from the input's size."""
    import timm

    ours = Encoder(name).eval()
    pad = {"pad_type": "same"} if name == "mobilenetv2_100" else {}
    theirs = timm.create_model(name, features_only=True, pretrained=False, **pad).eval()
    theirs.load_state_dict(ours.body.state_dict())
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        for mine, wanted in zip(ours(image), theirs(image * 2 - 1), strict=True):
            torch.testing.assert_close(mine, wanted, rtol=1e-3, atol=1e-3)


def test_timms_own_source_is_asked_and_its_failure_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    create, asked = encoders.timm.create_model, []

    def hub(name: str, *, features_only: bool, pretrained: bool) -> torch.nn.Module:
        asked.append((name, pretrained))
        if name == "resnet18":
            raise OSError("We couldn't connect to the hub\nand so on")
        return create(name, features_only=features_only, pretrained=False)

    monkeypatch.setattr(encoders.timm, "create_model", hub)
    Encoder("resnet34", "timm")
    assert asked == [("resnet34", True)]
    with pytest.raises(ModelError, match=r"couldn't connect to the hub\).*model.encoder_weights = 'FILE"):
        Encoder("resnet18", "timm")


def test_the_shared_imagenet_weights_load() -> None:
    weights = shared("weights") / "mobilenetv2_100.imagenet.safetensors"
    encoder, other = Encoder("mobilenetv2_100", weights), Encoder("mobilenetv2_100")
    stem = next(iter(encoder.body.parameters()))
    assert not torch.equal(stem, next(iter(other.body.parameters())))
    with pytest.raises(ModelError, match=r"imagenet\.safetensors lacks \d+ tensors of the encoder"):
        Encoder("resnet18", weights)
