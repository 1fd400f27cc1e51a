"""Labelled video: what an integrator would configure, and what a human saw.

A dataset is a folder with `dataset.json` beside its clips. What is wrong with a rule or a clip is
said by clip and field, all of it at once, and costs no other's measurement; a file that is no
dataset at all is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from veilleur.catalogue import Event
from veilleur.errors import DatasetError
from veilleur.evaluation.checks import file_mistakes, rule_mistakes, span_mistakes
from veilleur.evaluation.clip import Clip, Mistake
from veilleur.evaluation.reading import EntryReader, explain, place
from veilleur.evaluation.tidying import Tidying

FILE_NAME = "dataset.json"
_MOST_PROBLEMS_SHOWN = 20


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1)
    root: str | None = None
    clips: tuple[Any, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that has been checked.

    root: the folder that file names are relative to. mistakes: what is not measured, and why.
    remarks: what was understood otherwise than it stands there.
    """

    name: str
    root: Path
    clips: tuple[Clip, ...]
    mistakes: tuple[Mistake, ...] = ()
    remarks: tuple[str, ...] = ()

    def path(self, clip: Clip) -> Path:
        return self.root / clip.file

    def refusal(self, clip: Clip) -> str | None:
        """Why nothing of this clip is measured; None where it is, or some of its rules are."""
        whole = [m for m in self.mistakes if m.clip == clip.id and not m.rule]
        return "; ".join(m.said for m in whole) or None

    def refused_rules(self, clip: Clip) -> dict[str, str]:
        """The rules of this clip that are not measured, and why."""
        reasons: dict[str, list[str]] = {}
        for mistake in self.mistakes:
            if mistake.clip == clip.id and mistake.rule:
                reasons.setdefault(mistake.rule, []).append(mistake.said)
        return {rule: "; ".join(said) for rule, said in reasons.items()}

    def only(self, *, event: Event | None = None, clip_ids: Sequence[str] = ()) -> Dataset:
        """What concerns one event, some clips or both; no ids: all clips.

        DatasetError when nothing is left.
        """
        clips = self.clips
        for clip_id in clip_ids:
            _known(clip_id, [clip.id for clip in self.clips], "clip")
        if clip_ids:
            clips = tuple(clip for clip in clips if clip.id in clip_ids)
        mistakes = tuple(m for m in self.mistakes if m.clip in {clip.id for clip in clips})
        if event is not None:
            of = {clip.id: clip for clip in clips}
            mistakes = tuple(m for m in mistakes if _concerns(m, of[m.clip], event))
            kept = {m.clip for m in mistakes}
            clips = tuple(c.only(event) for c in clips if event in c.events or c.id in kept)
        if not clips:
            raise DatasetError(
                f"no clip of {self.name} has a rule for {event}",
                remedy="leave --event out, or name another event",
            )
        return replace(self, clips=clips, mistakes=mistakes)


def _concerns(mistake: Mistake, clip: Clip, event: Event) -> bool:
    """May this mistake cost something of the event? Also where the event could not be read."""
    if not mistake.rule:
        return event in clip.events or not clip.events
    events = {rule.event for rule in clip.every_rule if rule.id == mistake.rule}
    return not events or event in events


def load(where: Path) -> Dataset:
    """Read a dataset: `where` is its folder or its `dataset.json`.

    Raises DatasetError for what is no dataset (JSON mistakes with line and column), and with
    everything that is wrong where nothing is left to measure.
    """
    file = where / FILE_NAME if where.is_dir() else where
    tidying = Tidying()
    raw = tidying.tidy(_read_json(file), _Document)
    document = _parse(file, raw)
    root = file.parent / document.root if document.root else file.parent
    if not root.is_dir():
        _refuse(file, [Mistake("", "root", f"{root} is not a folder")])
    clips, mistakes = _read_clips(raw, len(document.clips))
    mistakes += [m for clip in clips for m in _checked(clip, root, mistakes)]
    order = {clip.id: index for index, clip in enumerate(clips)}
    mistakes.sort(key=lambda mistake: order[mistake.clip])
    dataset = Dataset(
        document.name, root, clips, tuple(mistakes), (*tidying.remarks, *_whole_pictures(clips))
    )
    if mistakes and not any(_is_measured(dataset, clip) for clip in clips):
        _refuse(file, mistakes)
    return dataset


def _read_clips(raw: object, number: int) -> tuple[tuple[Clip, ...], list[Mistake]]:
    assert isinstance(raw, dict)
    clips: dict[str, Clip] = {}
    mistakes: list[Mistake] = []
    for index in range(number):
        reader = EntryReader(raw, index)
        clip, found = reader.read(), reader.mistakes
        if clip.id in clips:
            found = [*found, Mistake(clip.id, "id", "stands twice: ids are unique")]
            name = next(n for k in range(2, number + 2) if (n := f"{clip.id} ({k})") not in clips)
            clip = clip.model_copy(update={"id": name})
            found = [replace(mistake, clip=name) for mistake in found]
        clips[clip.id] = clip
        mistakes += found
    return tuple(clips.values()), mistakes


def _checked(clip: Clip, root: Path, known: Sequence[Mistake]) -> Iterator[Mistake]:
    """What else is wrong: of what is known to be wrong nothing more is asked."""
    mine = [m for m in known if m.clip == clip.id]
    if any(not m.rule and m.field != "id" for m in mine):
        return
    yield from file_mistakes(clip, root)
    yield from span_mistakes(clip, {m.rule for m in mine})
    yield from rule_mistakes(clip, root, {m.rule for m in mine})


def _whole_pictures(clips: Sequence[Clip]) -> Iterator[str]:
    for clip in clips:
        for rule in clip.rules:
            if rule.event is Event.FORBIDDEN_ZONE and rule.zone is None and rule.line is None:
                yield (
                    f"clip {clip.id} rules[{rule.id}]: neither zone nor line: "
                    "the whole picture is forbidden"
                )


def _is_measured(dataset: Dataset, clip: Clip) -> bool:
    refused = dataset.refused_rules(clip)
    return dataset.refusal(clip) is None and any(r.id not in refused for r in clip.every_rule)


def _refuse(file: Path, problems: Sequence[Mistake]) -> NoReturn:
    shown = [str(problem) for problem in problems[:_MOST_PROBLEMS_SHOWN]]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    message = f"{file}: " + "\n".join(shown)
    raise DatasetError(message, remedy="nothing was run", clip=problems[0].clip)


def _parse(file: Path, raw: object) -> _Document:
    try:
        return _Document.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        details = error.errors(include_url=False)
        _refuse(file, [Mistake(*place(d["loc"], raw), explain(d, d["loc"])) for d in details])


def _read_json(file: Path) -> object:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(
            f"{file} does not exist", remedy=f"name a folder that holds {FILE_NAME}, or that file"
        ) from None
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file} is not UTF-8 text: byte {error.start}", remedy="save it as UTF-8"
        ) from None
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror}") from None
    try:
        return json.loads(text, object_pairs_hook=_no_doubled_key, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{file}:{error.lineno}:{error.colno}: not JSON: {error.msg}",
            remedy="correct it at that line and column",
        ) from None
    except _NotPlainJsonError as error:
        raise DatasetError(f"{file}: {error}") from None
    except RecursionError:
        raise DatasetError(f"{file}: nested too deeply for a dataset") from None


class _NotPlainJsonError(ValueError):
    """JSON that Python reads and nobody means."""


def _no_doubled_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    doubled = sorted({key for key in keys if keys.count(key) > 1})
    if doubled:
        raise _NotPlainJsonError(f'the key "{doubled[0]}" stands twice in one object')
    return dict(pairs)


def _no_constant(word: str) -> NoReturn:
    raise _NotPlainJsonError(f"{word} is not a number")


def _known(name: str, names: Sequence[str], what: str) -> None:
    if name not in names:
        close = get_close_matches(name, names, n=1, cutoff=0.6)
        hint = f'did you mean "{close[0]}"?' if close else f"there are {len(names)} of them"
        raise DatasetError(f'no {what} is called "{name}"', remedy=hint, clip=name)
