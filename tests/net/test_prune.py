import sys

import pytest
import torch

from standout.errors import MissingExtra, ModelError
from standout.net.encoders import Encoder
from standout.net.prune import prune


def test_the_pruned_encoder_has_the_wide_ones_largest_channels() -> None:
    wide, slim = Encoder("mobilenetv2_100"), Encoder("mobilenetv2_050")
    with torch.no_grad():
        stem = wide.body.conv_stem.weight  # type: ignore[union-attr]
        stem[::2] *= 9.0  # every other channel matters, the others hardly
        expected = stem[::2].clone()
    prune(wide, slim)
    assert torch.equal(slim.body.conv_stem.weight, expected)  # type: ignore[union-attr, arg-type]
    image = torch.rand(1, 3, 64, 96)
    for mine, its in zip(slim.eval()(image), wide.eval()(image), strict=True):
        torch.testing.assert_close(mine, its)


def test_as_wide_a_one_is_taken_over_whole() -> None:
    torch.manual_seed(0)
    wide, slim = Encoder("mobilenetv2_100"), Encoder("mobilenetv2_100")
    before = [feature.clone() for feature in wide.eval()(torch.ones(1, 3, 64, 64))]
    prune(wide, slim)
    for mine, its in zip(slim.eval()(torch.ones(1, 3, 64, 64)), before, strict=True):
        torch.testing.assert_close(mine, its)


@pytest.mark.parametrize(
    ("wide", "into"), [("mobilenetv2_050", "mobilenetv2_100"), ("mobilenetv2_100", "mobilenetv3_large_100")]
)
def test_only_a_wider_encoder_of_the_same_shape_can_be_pruned(wide: str, into: str) -> None:
    with pytest.raises(ModelError, match=r"channels|width"):
        prune(Encoder(wide), Encoder(into))


def test_pruning_without_its_package_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    with pytest.raises(MissingExtra, match=r"model\.prune needs .*pip install 'standout\[prune\]'"):
        prune(Encoder("mobilenetv2_100"), Encoder("mobilenetv2_050"))
