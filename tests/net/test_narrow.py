import pytest
import torch

from standout.errors import ModelError
from standout.net.encoders import Encoder
from standout.net.narrow import narrow


def test_the_narrow_encoder_has_the_wide_ones_largest_channels() -> None:
    wide, slim = Encoder("mobilenetv2_100"), Encoder("mobilenetv2_050")
    with torch.no_grad():
        stem = wide.body.conv_stem.weight  # type: ignore[union-attr]
        stem[::2] *= 9.0  # every other channel matters, the others hardly
        expected = stem[::2].clone()
    narrow(wide, slim)
    assert torch.equal(slim.body.conv_stem.weight, expected)  # type: ignore[union-attr, arg-type]
    image = torch.rand(1, 3, 64, 96)
    for mine, its in zip(slim.eval()(image), wide.eval()(image), strict=True):
        torch.testing.assert_close(mine, its)


def test_as_wide_a_one_is_taken_over_whole() -> None:
    torch.manual_seed(0)
    wide, slim = Encoder("mobilenetv2_100"), Encoder("mobilenetv2_100")
    before = [feature.clone() for feature in wide.eval()(torch.ones(1, 3, 64, 64))]
    narrow(wide, slim)
    for mine, its in zip(slim.eval()(torch.ones(1, 3, 64, 64)), before, strict=True):
        torch.testing.assert_close(mine, its)


@pytest.mark.parametrize(
    ("wide", "into"), [("mobilenetv2_050", "mobilenetv2_100"), ("mobilenetv2_100", "mobilenetv3_large_100")]
)
def test_only_a_wider_encoder_of_the_same_shape_can_be_narrowed(wide: str, into: str) -> None:
    with pytest.raises(ModelError, match=r"channels|width"):
        narrow(Encoder(wide), Encoder(into))
