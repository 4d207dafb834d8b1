from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from standout import runtimes
from standout.cli import main
from standout.models.card import OF_BASE, ModelCard
from standout.models.hub import readme
from standout.models.registry import REGISTRY, find

CARD = ModelCard("mine", "1", "resnet18", (320, 256), license="Apache-2.0", scores={"beach": 0.75, "empty": 1e-05})


def front(text: str) -> dict[str, object]:
    """The front matter of a README."""
    start, matter, body = text.split("---\n", 2)
    assert start == "" and body.startswith("\n# ")
    found = yaml.safe_load(matter)
    assert isinstance(found, dict)
    return found


def figures(matter: dict[str, object]) -> dict[str, tuple[str, float]]:
    """The kind and the value of each source's score, out of the model-index."""
    (model,) = matter["model-index"]  # type: ignore[misc, attr-defined]
    for result in model["results"]:
        assert result["task"]["type"] == matter["pipeline_tag"] == "image-segmentation"
        assert len(result["metrics"]) == 1
    return {one["dataset"]["type"]: (one["metrics"][0]["type"], one["metrics"][0]["value"]) for one in model["results"]}


@pytest.mark.parametrize("name", REGISTRY)
def test_the_readme_of_a_bundled_model_holds_its_cards_figures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--card", name]) == 0
    text = capsys.readouterr().out
    card = runtimes.open(find(name), threads=1).card
    matter = front(text)
    assert matter["license"] == "apache-2.0" and matter["model-index"][0]["name"] == name  # type: ignore[index]
    found = figures(matter)
    assert {source: value for source, (_, value) in found.items()} == card.scores and card.scores
    assert {source for source, (kind, _) in found.items() if kind != "dice"} == {"empty"}
    assert card.sha256 in text and card.protocol in text and REGISTRY[name].purpose in text
    for source, score in card.scores.items():
        assert f"| {source} |" in text and f"| {score:.4f} |" in text


def test_the_hubs_own_reader_understands_it() -> None:
    hub = pytest.importorskip("huggingface_hub")
    data = hub.ModelCard(readme(CARD)).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "standout", "image-segmentation")
    assert [(one.dataset_type, one.metric_value) for one in data.eval_results] == [("beach", 0.75), ("empty", 1e-05)]


def test_a_model_file_of_ones_own_has_a_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(find("standout-tiny").read_bytes())
    assert main(["models", "--card", str(own)]) == 0
    assert front(capsys.readouterr().out)["library_name"] == "standout"
    assert main(["models", "--card", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("license", "told"),
    [
        ("MIT", {"license": "mit"}),
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("", {}),
        (f"MIT{OF_BASE}", {"license": "other", "license_name": f"MIT{OF_BASE}"}),
        ('"mine": 1', {"license": "other", "license_name": '"mine": 1'}),
    ],
)
def test_licenses(license: str, told: dict[str, str]) -> None:
    matter = front(readme(replace(CARD, license=license)))
    assert {key: value for key, value in matter.items() if key.startswith("license")} == told


@pytest.mark.parametrize("text", ["yes", "1.0", "a: b", "#1", "ünï 😀", "'", '"', "- x", "null", "a\\b"])
def test_any_text_stays_what_it_is(text: str) -> None:
    matter = front(readme(replace(CARD, name=text, scores={text: 0.5})))
    assert matter["model-index"][0]["name"] == text and figures(matter) == {text: ("dice", 0.5)}  # type: ignore[index]


@pytest.mark.parametrize("score", [0.0, 1.0, 1e-05, 1.5e-07, 0.1 + 0.2, 1 / 3])
def test_scores_are_not_rounded(score: float) -> None:
    assert figures(front(readme(replace(CARD, scores={"a": score})))) == {"a": ("dice", score)}


def test_a_card_without_scores_claims_none() -> None:
    text = readme(replace(CARD, scores={}))
    assert "model-index" not in front(text) and "|---|" not in text
