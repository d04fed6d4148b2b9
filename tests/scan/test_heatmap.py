import sys
from pathlib import Path

import numpy as np
import pytest

from dfd.detector.keras_file import load_keras_model
from dfd.detector.network import Detector
from dfd.scan.heatmap import gradcam, heat_maps, occlusion, overlaid
from dfd.train.networks.backbones import build_model


class UpperLeftDetector:
    """Scores the brightness of the upper left quarter as P(FAKE)."""

    def predict(self, crops: np.ndarray) -> np.ndarray:
        return crops[:, :64, :64].mean(axis=(1, 2, 3)) / 255


def crops(n: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (n, 128, 128, 3), dtype=np.uint8)


def test_occlusion_points_at_what_the_score_rests_on() -> None:
    dark = np.zeros((1, 128, 128, 3), np.uint8)
    dark[:, 16:48, 16:48] = 250
    (heat,) = occlusion(UpperLeftDetector(), dark)  # type: ignore[arg-type]
    assert heat.shape == (128, 128)
    assert heat[16:48, 16:48].mean() > 0.4
    assert heat[80:, 80:].max() < 0.05


@pytest.mark.parametrize("backbone", ["mesonet", "inception_resnet_v1"])
def test_gradcam_goes_through_the_whole_network(backbone: str) -> None:
    model, _ = build_model(backbone, "none", 128, dropout=0.0, seed=1)
    maps = gradcam(model, crops())
    assert maps.shape == (2, 128, 128)
    assert maps.dtype == np.float32
    assert 0 <= maps.min() <= maps.max() <= 1
    head = model.get_layer("probabilities")
    kernel, bias = head.get_weights()
    head.set_weights([kernel[:, ::-1], bias[::-1]])  # what spoke for FAKE now speaks for REAL
    assert not np.allclose(gradcam(model, crops()), maps)


def test_without_tensorflow_the_map_is_made_by_occlusion(
    detector_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dfd.scan.heatmap.find_spec", lambda name: None)
    loaded = set(sys.modules)
    heat = heat_maps(detector_dir, crops())
    assert heat.method == "occlusion"
    assert heat.maps.shape == (2, 128, 128)
    assert not {"keras", "tensorflow"} & (set(sys.modules) - loaded)


def test_a_saved_detector_has_the_map_of_its_keras_model(
    detector_dir: Path, detector: Detector
) -> None:
    heat = heat_maps(detector_dir, crops())
    assert heat.method == "Grad-CAM"
    np.testing.assert_allclose(heat.maps, gradcam(load_keras_model(detector_dir), crops()))


def test_a_map_lies_over_its_crop() -> None:
    (crop,) = crops(1)
    cold = overlaid(crop, np.zeros((128, 128), np.float32))
    hot = overlaid(crop, np.ones((128, 128), np.float32))
    assert cold.mean() < crop.mean() < hot.mean()
    assert np.corrcoef(cold.ravel(), crop.ravel())[0, 1] > 0.99
