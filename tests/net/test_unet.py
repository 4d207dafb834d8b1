from pathlib import Path

import numpy as np
import pytest
import torch

from standout import export, runtimes
from standout.errors import ModelError
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.net.cost import cost
from standout.net.encoders import ENCODERS
from standout.net.fold import fold_batch_norms
from standout.net.unet import DECODERS, Probability, UNet


@pytest.mark.parametrize("decoder", sorted(DECODERS))
@pytest.mark.parametrize("encoder", ["mobilenetv2_100", "resnet18"])
def test_the_network_gives_a_logit_a_pixel_and_ships_probability(encoder: str, decoder: str) -> None:
    net = UNet(encoder, decoder=decoder).eval()
    image = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        logits = net(image)
        torch.testing.assert_close(Probability(net)(image), logits.sigmoid())
    assert logits.shape == (2, 1, 64, 96)


def test_every_weight_learns() -> None:
    for decoder in DECODERS:
        net = UNet("resnet18", decoder=decoder)
        first = torch.optim.SGD(net.parameters(), lr=0.1)  # timm starts residual branches at zero
        for _ in range(2):
            first.zero_grad()
            net(torch.rand(2, 3, 64, 64)).square().mean().backward()
            first.step()
        idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
        assert not idle


def lived(encoder: str) -> tuple[UNet, str]:
    """A network whose batch norms have statistics worth keeping, and its decoder: the heavy or the light one."""
    decoder = "heavy" if encoder.startswith("resnet") else "light"
    net = UNet(encoder, decoder=decoder).train()
    with torch.no_grad():
        net(torch.rand(4, 3, 64, 64))
    return net, decoder


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_a_network_survives_its_file(encoder: str, tmp_path: Path) -> None:
    net, decoder = lived(encoder)
    saved = tmp_path / "net.safetensors"
    checkpoint.save(net, ModelCard("n", "0", encoder, (64, 64), decoder=decoder), saved)
    loaded, card = checkpoint.load(saved)
    assert card.decoder == decoder
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        torch.testing.assert_close(
            loaded(torch.ones(1, 3, 64, 64)), net.eval()(torch.ones(1, 3, 64, 64)), atol=0.1, rtol=0.1
        )
        wanted = Probability(loaded)(image).numpy()
        fold_batch_norms(loaded)  # what an export begins with
        np.testing.assert_allclose(Probability(loaded)(image).numpy(), wanted, atol=1e-3)
    np.testing.assert_allclose(runtimes.open(saved, runtime="pytorch").run(image.numpy()), wanted, atol=1e-3)


FAMILIES = ["mobilenetv2_050", "mobilenetv3_large_100", "tf_efficientnet_lite0", "resnet18", "resnet50"]
"""One of each kind of blocks: what is wider or deeper has the same steps, and others' exports are tested elsewhere."""


@pytest.mark.slow
@pytest.mark.parametrize("encoder", FAMILIES)
def test_a_network_survives_its_export(encoder: str, tmp_path: Path) -> None:
    net, decoder = lived(encoder)
    saved = tmp_path / "net.safetensors"
    checkpoint.save(net, ModelCard("n", "0", encoder, (64, 64), decoder=decoder), saved)
    with export.opened(saved) as source:
        export.export(source, tmp_path / "net.onnx")
    image = torch.rand(1, 3, 64, 96).numpy()
    found, wanted = (
        runtimes.open(path, runtime=name).run(image)
        for path, name in ((tmp_path / "net.onnx", "onnx"), (saved, "pytorch"))
    )
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_every_encoders_blocks_are_those_of_an_exported_family() -> None:
    """So that an encoder of a new kind is not left out."""
    kinds = {name: {type(one).__name__ for one in UNet(name).encoder.body.modules()} for name in ENCODERS}
    for name, blocks in kinds.items():
        assert any(blocks <= kinds[family] for family in FAMILIES), f"{name}: add it to FAMILIES"


def test_an_old_card_without_a_decoder_means_the_light_one() -> None:
    text = ModelCard("n", "0", "mobilenetv2_100", (64, 64)).to_json().replace('"decoder": "light", ', "")
    assert "decoder" not in text
    assert ModelCard.from_json(text, where="here").decoder == "light"


def test_an_unknown_decoder_is_named() -> None:
    with pytest.raises(ModelError, match="'hevy' is not known; did you mean 'heavy'"):
        UNet(decoder="hevy")


def test_cost_counts_what_is_known_by_hand() -> None:
    found = cost(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, stride=2, padding=1), torch.nn.Conv2d(4, 2, 1)), (8, 8))
    assert found.parameters == 3 * 4 * 9 + 4 + 4 * 2 + 2
    assert found.multiply_adds == (3 * 4 * 9 + 4 * 2) * 16


def test_the_heavy_decoder_costs_more() -> None:
    light, heavy = (cost(UNet("resnet18", decoder=decoder), (64, 64)) for decoder in ("light", "heavy"))
    assert heavy.multiply_adds > light.multiply_adds
    assert heavy.parameters > light.parameters
