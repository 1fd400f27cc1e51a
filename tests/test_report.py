"""The page: complete, self-contained, marked, and safe against what a dataset may be called."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.evaluating import SQUARE, ToldEngine, clip, write_dataset
from veilleur.evaluation import report
from veilleur.evaluation.dataset import load
from veilleur.evaluation.results import assess_all, summarise
from veilleur.evaluation.runner import run

VOID = {"meta", "img", "br", "input", "link"}


def page_of(
    folder: Path,
    engine: ToldEngine,
    *clips: dict[str, Any],
    name: str = "made",
    pictures: bool = True,
) -> str:
    dataset = load(write_dataset(folder, *clips, name=name))
    assessed = assess_all(dataset, run(dataset, engine, jobs=1, pictures=pictures))
    results = summarise(dataset, assessed, engine=engine.words, wall_s=1.0, processes=1)
    return report.render(results, assessed)


class Balance(HTMLParser):
    """Open tags, attributes that would fetch something, scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.figures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.figures += tag == "figure"
        if tag in ("script", "link", "iframe"):
            self.fetched.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (
                name in ("src", "href") and not str(value).startswith("data:image/jpeg;base64,")
            ):
                self.fetched.append(f"{tag} {name}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def checked(page: str) -> Balance:
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    return parser


LOUD = ToldEngine({"a": {"tracks": [1.0, 3.2, 4.0]}})


def test_the_page_fetches_nothing_runs_nothing_and_says_laboratory(tmp_path: Path) -> None:
    page = page_of(tmp_path, LOUD, clip("a", tags={"light": "day"}), clip("b"))
    assert checked(page).fetched == []
    assert "LABORATORY" in page
    assert not re.search(r"url\(|@import|https?://", page)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_misses_and_false_alarms_have_pictures_and_reasons(tmp_path: Path) -> None:
    page = page_of(tmp_path, LOUD, clip("a"), clip("b"))
    assert checked(page).figures == 2
    assert "False alarm, tracks at 1.0 s" in page
    assert "Miss, tracks, due at 3.0 s" in page
    assert "steps down" in page
    assert "are needed" in page


def test_pictures_are_limited(tmp_path: Path) -> None:
    clips = [clip(f"c{n}", file="a.mp4") for n in range(report.MOST_THUMBNAILS + 5)]
    page = page_of(tmp_path, ToldEngine(), *clips)
    assert checked(page).figures == report.MOST_THUMBNAILS
    assert "5 more: see the time lines" in page


def test_without_pictures_the_page_says_so(tmp_path: Path) -> None:
    page = page_of(tmp_path, LOUD, clip("a"), clip("b"), pictures=False)
    assert checked(page).figures == 0
    assert "no pictures of them" in page


def test_a_time_line_shows_truth_window_miss_and_each_outcome(tmp_path: Path) -> None:
    ignore = [{"rule": "tracks", "start_s": 16.0, "end_s": 18.0}]
    engine = ToldEngine({"a": {"tracks": [1.0, 3.2, 4.0, 17.0]}})
    page = page_of(tmp_path, engine, clip("a", ignore=ignore), clip("b"))
    line = page.partition('<section class="clip">')[2]
    for kind in ("mark found", "mark false", "mark repeat", "mark ignored", "truth", "window"):
        assert f'class="{kind}"' in line
    assert 'rect class="missed"' in line
    assert 'rect class="ignore"' in line


def test_what_was_not_counted_is_told_with_its_reason(tmp_path: Path) -> None:
    fire = {"id": "f", "event": "fire", "zone": SQUARE}
    truth = [{"rule": "f", "start_s": 1, "due_s": 2, "end_s": 3}]
    page = page_of(tmp_path, ToldEngine(), clip("a", rules=[fire], truth=truth))
    assert "no rule yet: 1 truth not counted" in page
    assert "not in this version" in page
    checked(page)


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script>\"&"
    rules = [{"id": evil, "event": "forbidden_zone", "zone": SQUARE}]
    truth = [{"rule": evil, "start_s": 2, "due_s": 3, "end_s": 5, "note": evil}]
    one = clip("a", rules=rules, truth=truth, tags={evil: evil}, group=evil)
    one |= {"id": evil}
    page = page_of(tmp_path, ToldEngine({evil: {evil: [1.0]}}), one, name=evil)
    assert checked(page).fetched == []


def test_a_clip_without_anything_to_tell_is_listed_as_silent(tmp_path: Path) -> None:
    page = page_of(tmp_path, ToldEngine(), clip("quiet-one", truth=[]))
    assert "Silent, as they had to be: 1 clip," in page
    assert "quiet-one" in page
