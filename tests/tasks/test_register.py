"""Who leads the registry, on real SQLite."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from dfd.errors import RegistryError
from tasks.register import promote

MODEL = "detector"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    return MlflowClient(f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")


@pytest.fixture(autouse=True)
def empty_registry(client: MlflowClient) -> None:
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)
    client.create_registered_model(MODEL)


def version(client: MlflowClient, folder: Path, auc: float) -> ModelVersion:
    return client.create_model_version(
        MODEL, folder.as_uri(), tags={"validation_video_auc": f"{auc:.6f}"}
    )


def aliases(client: MlflowClient) -> dict[str, int]:
    found = client.get_registered_model(MODEL).aliases
    return {alias: int(number) for alias, number in found.items()}


def test_the_first_leads_and_a_better_one_takes_over(client: MlflowClient, tmp_path: Path) -> None:
    first = promote(client, MODEL, version(client, tmp_path, 0.7), leaky=False)
    assert first == "champion: the first"
    assert aliases(client) == {"champion": 1}
    second = promote(client, MODEL, version(client, tmp_path, 0.8), leaky=False)
    assert second == "champion: 0.8000 > 0.7000"
    assert aliases(client) == {"champion": 2, "challenger": 1}


@pytest.mark.parametrize("auc", [0.6, 0.7])
def test_one_that_is_not_better_challenges(
    client: MlflowClient, tmp_path: Path, auc: float
) -> None:
    promote(client, MODEL, version(client, tmp_path, 0.7), leaky=False)
    promote(client, MODEL, version(client, tmp_path, auc), leaky=False)
    assert aliases(client) == {"champion": 1, "challenger": 2}


def test_a_champion_without_its_figure_is_named(client: MlflowClient, tmp_path: Path) -> None:
    client.create_model_version(MODEL, tmp_path.as_uri())
    client.set_registered_model_alias(MODEL, "champion", "1")
    with pytest.raises(RegistryError, match=r"detector version 1: .* give it one"):
        promote(client, MODEL, version(client, tmp_path, 0.7), leaky=False)


def test_a_leaky_one_never_leads(client: MlflowClient, tmp_path: Path) -> None:
    promote(client, MODEL, version(client, tmp_path, 0.99), leaky=True)
    assert aliases(client) == {"challenger": 1}
    promote(client, MODEL, version(client, tmp_path, 0.6), leaky=False)
    assert aliases(client)["champion"] == 2
