"""What an ONNX file keeps of the weights that were folded in it: every bit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from standout import export
from standout.cli import main
from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard
from standout.models.registry import REGISTRY, find, find_checkpoint
from standout.net import checkpoint, trainable
from standout.net.fold import fold_batch_norms, foldable
from standout.net.header import card_in
from standout.net.unet import UNet

CARD = ModelCard("test", "0", "mobilenetv2_050", (64, 32), decoder="slim")

SHARP = 1e-12
"""A gain next to nothing, behind which float16 holds nothing of a weight."""


def lived(encoder: str, decoder: str = "slim") -> UNet:
    """A network whose batch norms have gains and statistics of all kinds."""
    torch.manual_seed(0)
    net = UNet(encoder, decoder=decoder)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(1e-4, 4)
                module.weight.uniform_(-1.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        first, second = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)][:2]
        first.weight[:3] = torch.tensor([0.0, SHARP, -SHARP])
        second.running_var[:2] = torch.tensor([0.0, 1e9])
        net.ups[0].mix[0][0].weight[0, 0, 0] = torch.tensor([-0.0, 6e-8, 65504.0])
    return net.eval()


def exported(
    net: UNet,
    path: Path,
    *,
    half: bool,
    encoder: str = "mobilenetv2_050",
    change: Callable[[onnx.ModelProto], object] = id,
) -> ModelCard:
    """Writes what an export of the network has that matters here: its folded weights, by their names, and the rest."""
    state, norms = checkpoint.state_of(net), checkpoint.norms_of(net)
    card = replace(CARD, encoder=encoder, sha256=checkpoint.fingerprint(state))
    checkpoint.save(net, card, path.with_suffix(".safetensors"))
    folded, _ = checkpoint.load(path.with_suffix(".safetensors"))
    fold_batch_norms(folded)
    graph = onnx.GraphProto(name="g")
    for name, tensor in folded.state_dict().items():
        array = tensor.numpy()
        narrow = half and array.ndim > 1
        held = numpy_helper.from_array(array.astype(np.float16) if narrow else array, f"net.{name}")
        held.name += trainable.HALF if narrow else ""
        graph.initializer.append(held)
    model = onnx.helper.make_model(graph)
    change(model)
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    trainable.keep(model, {name: tensor.numpy() for name, tensor in state.items()}, norms)
    onnx.save(model, path)
    return card


def same(path: Path, net: UNet) -> bool:
    found, wanted = checkpoint.state_of(checkpoint.load(path)[0]), checkpoint.state_of(net)
    assert found.keys() == wanted.keys()
    return all(
        found[name].dtype == wanted[name].dtype and found[name].numpy().tobytes() == wanted[name].numpy().tobytes()
        for name in wanted
    )


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("encoder", ["mobilenetv2_050", "mobilenetv3_large_100", "resnet18"])
def test_every_bit_comes_back(encoder: str, half: bool, tmp_path: Path) -> None:
    net = lived(encoder)
    card = exported(net, tmp_path / "m.onnx", half=half, encoder=encoder)
    assert same(tmp_path / "m.onnx", net)
    assert card_in(tmp_path / "m.onnx") == card == checkpoint.load(tmp_path / "m.onnx")[1]


def test_what_a_converter_renamed_is_kept_whole(tmp_path: Path) -> None:
    """Converters join equal tensors, and turn those of matrix products around."""
    net = lived("mobilenetv2_050")

    def rename(model: onnx.ModelProto) -> None:
        for tensor in model.graph.initializer[::3]:
            tensor.name = f"val_{tensor.name}"

    exported(net, tmp_path / "m.onnx", half=True, change=rename)
    assert same(tmp_path / "m.onnx", net)


def test_it_takes_little_room(tmp_path: Path) -> None:
    """Half a bit for each folded weight, and the batch norms."""
    net = lived("mobilenetv2_050")
    exported(net, tmp_path / "m.onnx", half=True)
    kept = onnx.load(tmp_path / "m.onnx").training_info[0].initialization.initializer
    packed = [one for one in kept if one.name.endswith(trainable.STEPS)]
    assert len(packed) == len(list(foldable(net))) > 50
    folded = sum(net.get_parameter(one.name.removesuffix(trainable.STEPS)).numel() for one in packed)
    assert sum(len(one.raw_data) for one in packed) < folded / 6


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_bundled_model_holds_what_training_wrote(name: str, as_trained: Callable[[str], Path]) -> None:
    """The sha256 on its card was taken of those weights, and stands in the model card."""
    net, card = checkpoint.load(find_checkpoint(name))
    assert checkpoint.fingerprint(checkpoint.state_of(net)) == card.sha256
    again, same_card = checkpoint.load(as_trained(name))
    assert same_card == card
    for one, two in zip(net.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_fine_tuning_goes_on_from_what_ships(sample: np.ndarray) -> None:
    """The network that training starts with sees the photo as the file that ships does."""
    from standout.runtimes import pytorch
    from standout.segmenter import Segmenter

    trained = Segmenter(pytorch.open(find_checkpoint("standout-tiny"), threads=1)).mask(sample)
    assert np.abs(trained - Segmenter("standout-tiny", threads=1).mask(sample)).mean() < 1e-3


@pytest.mark.slow
@pytest.mark.usefixtures("converted_once")
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_users_own_export_can_be_trained_on(precision: str, data: Path, tmp_path: Path) -> None:
    """Of another size, too; and it is the checkpoint's equal in what is made of it."""
    net = lived("mobilenetv2_050")
    first, out = tmp_path / "m.safetensors", tmp_path / "m.onnx"
    checkpoint.save(net, replace(CARD, encoder="mobilenetv2_050"), first)
    with export.opened(first, fixed=(64, 96)) as source:
        export.export(source, out, precision=precision)
    assert same(out, net) and card_in(out).size == (96, 64)
    with export.opened(out, fixed=(64, 96)) as source:
        export.export(source, tmp_path / "again.onnx", precision=precision)
    assert (tmp_path / "again.onnx").read_bytes() == out.read_bytes()
    settings = ["train.stages=[{epochs=1,size=[96,64]}]", "train.batch=2", "train.lr=1e-9", "train.ema=0.0"]
    chosen = [part for one in settings for part in ("--set", one)]
    assert main(["train", "--data", str(data), "--init", str(out), "-o", str(tmp_path / "run"), *chosen]) == 0
    assert checkpoint.load(tmp_path / "run" / "model.safetensors")[1].base.startswith(card_in(first).identity)


def test_an_export_without_trainable_weights_says_what_to_give(tmp_path: Path) -> None:
    model = onnx.load(find("standout-tiny"))
    del model.training_info[:]
    onnx.save(model, tmp_path / "m.onnx")
    for read in (checkpoint.load, lambda path: export.opened(path).__enter__()):
        with pytest.raises(ModelError, match=r"m\.onnx holds no weights that can be trained: .*\.safetensors file"):
            read(tmp_path / "m.onnx")


def test_a_damaged_export_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "m.onnx", onnx.load(find("standout-tiny"))

    def changed(change: Callable[[onnx.ModelProto], object]) -> Path:
        model = onnx.ModelProto()
        model.CopyFrom(whole)
        change(model)
        path.write_bytes(model.SerializeToString())
        return path

    def kept(model: onnx.ModelProto, suffix: str) -> onnx.TensorProto:
        return next(one for one in model.training_info[0].initialization.initializer if one.name.endswith(suffix))

    def flip(tensor: onnx.TensorProto) -> None:
        tensor.raw_data = bytes([tensor.raw_data[0] ^ 1, *tensor.raw_data[1:]])

    def cut(tensor: onnx.TensorProto) -> None:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[:-5], tensor.name))

    def lose(model: onnx.ModelProto) -> None:
        model.training_info[0].initialization.initializer.remove(kept(model, "running_var"))

    assert checkpoint.load(changed(lambda model: None))[1].name == "standout-tiny"
    for change in (
        lambda model: flip(kept(model, "running_mean")),
        lambda model: flip(next(one for one in model.graph.initializer if one.name.endswith(trainable.HALF))),
        lambda model: flip(kept(model, trainable.STEPS)),
        lambda model: cut(kept(model, trainable.STEPS)),
        lose,
    ):
        with pytest.raises(ModelError, match=r"m\.onnx is damaged: its (trainable )?weights"):
            checkpoint.load(changed(change))
    path.write_bytes(find("standout-tiny").read_bytes()[:100_000])
    with pytest.raises(ModelError, match=r"m\.onnx is not a readable ONNX file"):
        checkpoint.load(path)
    path.write_bytes(find("standout-tiny").read_bytes().replace(b'"standout-tiny"', b'"standout-t\xff\xfey"'))
    with pytest.raises(ModelError, match=r"m\.onnx: its model card is damaged"):
        checkpoint.load(path)
    onnx.save(onnx.helper.make_model(onnx.GraphProto(name="other")), path)
    with pytest.raises(ModelError, match=r"m\.onnx holds no standout model card"):
        checkpoint.load(path)
