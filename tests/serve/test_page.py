"""The page in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dfd.video.frames import read_frames
from dfd.video.packets import list_packets
from tests.data import SAMPLE
from tests.serve.servers import CLIP, Server
from tests.video.clips import Coding, write

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(CLIP is None, reason="the sample is not here"),
]
FORGED = "A face in this video was probably forged."
ACTIVE = "document.activeElement.id || document.activeElement.textContent"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with browser.new_context() as session:
        opened = session.new_page()
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on(
            "console", lambda message: message.type == "error" and errors.append(message.text)
        )
        opened.on(
            "request",
            lambda request: request.url.startswith(server.url) or errors.append(request.url),
        )
        opened.goto(server.url)
        yield opened
        assert errors == []


def drop(page: Page, *paths: Path) -> None:
    """Drop files on the page, as a user does with the mouse."""
    files = [{"name": path.name, "bytes": list(path.read_bytes())} for path in paths]
    data = page.evaluate_handle(
        """files => {
            const data = new DataTransfer();
            for (const file of files) {
                data.items.add(new File([new Uint8Array(file.bytes)], file.name));
            }
            return data;
        }""",
        files,
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": data})


def test_a_clip_is_dropped_watched_and_read(page: Page, server: Server) -> None:
    drop(page, CLIP)
    item = page.locator("#scans li").first
    expect(item.locator(".state, .word")).to_be_visible()
    expect(item.locator(".word")).to_contain_text("FAKE", timeout=60_000)
    expect(page.get_by_role("status")).to_contain_text(FORGED)
    item.get_by_role("link", name="Report with the evidence").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "A face in this video was probably forged."
    )
    expect(page.get_by_role("img", name="Scores of each person over time")).to_be_visible()
    assert page.locator(".pair img").count() == 8
    page.go_back()
    expect(page.locator("#scans li")).to_contain_text(["FAKE"])
    assert server.uploads() == []


def test_a_text_file_and_a_clip_without_a_face_get_no_verdict(page: Page, tmp_path: Path) -> None:
    text = tmp_path / "notes <i>.txt"
    text.write_text("no video")
    plain = write(tmp_path / "plain.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 8, Coding())
    drop(page, text, plain)
    words = page.locator("#scans .word")
    expect(words).to_have_text(["INCONCLUSIVE", "INCONCLUSIVE"], timeout=60_000)
    expect(page.locator("#scans")).to_contain_text("could not be read as a video")
    expect(page.locator("#scans")).to_contain_text("No face was found")
    expect(page.locator("#scans")).to_contain_text("notes <i>.txt")


def test_two_people_are_told_apart(page: Page, tmp_path: Path) -> None:
    one, other = (read_frames_of(path) for path in sorted(SAMPLE.glob("*.mp4"))[:2])
    both = [np.hstack(pair) for pair in zip(one, other, strict=False)]
    drop(page, write(tmp_path / "both.mp4", both, Coding()))
    expect(page.locator("#scans .word")).to_contain_text("FAKE", timeout=60_000)
    page.get_by_role("link", name="Report with the evidence").click()
    expect(page.get_by_role("heading", name="Person 1")).to_be_visible()
    expect(page.get_by_role("heading", name="Person 2")).to_be_visible()


def test_a_keyboard_reaches_everything(page: Page) -> None:
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(ACTIVE))
    assert "file" in reached
    assert reached[0] == "Skip to the content"


def read_frames_of(path: Path) -> list[np.ndarray]:
    packets = list_packets(path)
    return [frame.image() for frame in read_frames(path, packets, range(0, packets.frames, 4))]
