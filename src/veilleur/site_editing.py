"""Changes of a site file that leave the rest of it as somebody wrote it, comments included.

    file = SiteFile.read(path)
    edit = with_rules(file, "gate", [DraftRule("tracks", {"event": ...}), DraftRule("", {...})])
    save(edit)

ruamel says where each value begins and ends; only what is to be another is written anew, the rest
stays byte for byte. The new text is read and checked by the code that loads a site, and must say
exactly what was wanted: else nothing is written.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from veilleur.errors import ConfigurationError
from veilleur.site import Site, SiteCamera, site_in
from veilleur.yaml import parse_tree, plain

WIDTH = 100
DIGITS = 4
"""Of a share of the picture: a fifth of a pixel in 1920. Of metres: a tenth of a millimetre."""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_BACKUP = ".bak"


class SiteMoved(ConfigurationError):
    """The file is not the one that the change was made for: somebody else wrote it meanwhile."""


class SiteReadOnly(ConfigurationError):
    """The file can't be written here. `patch`: the change, for whoever may (patch -p0)."""

    def __init__(self, message: str, *, remedy: str, file: str, patch: str) -> None:
        super().__init__(message, remedy=remedy, file=file)
        self.patch = patch


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A site file as it is on the disk."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Errors: ConfigurationError."""
        path = path.resolve()
        try:
            return cls(path, path.read_bytes().decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ConfigurationError(
                f"the site file cannot be read: {reason}",
                remedy="it must be a text file in UTF-8",
                file=str(path),
            ) from error

    @property
    def digest(self) -> str:
        """Says which text this is."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def camera(self, id_: str) -> dict[str, Any]:
        """A camera's settings as they stand there, right or wrong. Errors: ConfigurationError."""
        return _found(self, id_)[1]

    def state(self, id_: str) -> str:
        """Says how a camera is set: another where somebody has changed it."""
        settings = json.dumps(self.camera(id_), default=str, sort_keys=True)
        return hashlib.sha256(settings.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class DraftRule:
    """A rule somebody drew, right or wrong. was: its id in the file, "" for a new one. settings:
    what `RuleSpecification` reads, as it came."""

    was: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that was checked: text is what the file will hold, site what it means."""

    file: SiteFile
    text: str
    site: Site

    @property
    def changes(self) -> bool:
        return self.text != self.file.text

    @property
    def patch(self) -> str:
        """A unified diff of the changed lines alone: what stands beside them may be a password."""
        name = self.file.path.name
        before, after = (text.splitlines(keepends=True) for text in (self.file.text, self.text))
        lines = difflib.unified_diff(before, after, name, name, n=0)
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def with_rules(file: SiteFile, camera: str, drafts: Sequence[DraftRule]) -> Edit:
    """The file with other rules of a camera: those it has, in their order, then the new ones.

    Errors: Problems with every mistake, whose `setting` is the path from the top of the file
    (`cameras.0.rules.2.zone`); ConfigurationError, SiteMoved.
    """
    tree = _Tree.of(file, camera)
    changed, added = _wanted(tree.camera, drafts, file)
    tree.write_rules(changed, added)
    return tree.edit({**tree.camera, "rules": [*filter(None, changed), *added]})


def with_ground(file: SiteFile, camera: str, ground: Mapping[str, Any] | None) -> Edit:
    """The file with another ground plane of a camera, or none. Errors: as `with_rules`."""
    tree = _Tree.of(file, camera)
    wanted = _grounded(tree.camera, ground)
    tree.write(wanted)
    return tree.edit(wanted)


def checked_rules(file: SiteFile, camera: str, drafts: Sequence[DraftRule]) -> SiteCamera:
    """What the camera would be with other rules, however large the site; the same errors, of this
    camera alone, which counts as the first."""
    now = file.camera(camera)
    changed, added = _wanted(now, drafts, file)
    return _alone({**now, "rules": [*filter(None, changed), *added]}, file)


def checked_ground(file: SiteFile, camera: str, ground: Mapping[str, Any] | None) -> SiteCamera:
    """The same with another ground plane."""
    return _alone(_grounded(file.camera(camera), ground), file)


def _wanted(
    camera: Mapping[str, Any], drafts: Sequence[DraftRule], file: SiteFile
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """For each rule there is what becomes of it, empty where it goes; and the new ones."""
    if not drafts:
        raise ConfigurationError(
            "a camera without a rule signals anybody anywhere",
            remedy="leave one rule, or stop the camera",
            setting="rules",
        )
    old = _rules(camera)
    known = [str(rule.get("id")) for rule in old]
    kept = {draft.was: draft for draft in drafts if draft.was}
    if [draft.was for draft in drafts if draft.was] != [id_ for id_ in known if id_ in kept]:
        raise SiteMoved(
            "the rules in the file are not those that were changed",
            remedy="load the page again",
            file=str(file.path),
        )
    changed = [
        _settled(rule, kept[id_].settings) if id_ in kept else {}
        for id_, rule in zip(known, old, strict=True)
    ]
    return changed, [_settled({}, draft.settings) for draft in drafts if not draft.was]


def _grounded(camera: Mapping[str, Any], ground: Mapping[str, Any] | None) -> dict[str, Any]:
    wanted = {name: value for name, value in camera.items() if name != "ground"}
    if ground is not None:
        wanted["ground"] = _settled(camera.get("ground"), ground)
    return wanted


def _alone(camera: Mapping[str, Any], file: SiteFile) -> SiteCamera:
    text = "site: alone\ncameras:\n" + _item(camera, 2)
    return site_in(parse_tree(text, file.path), file.path).cameras[0]


# ---------------------------------------------------------------------- on the disk
def save(edit: Edit) -> None:
    """Write it: whole or not at all, the previous text beside it as `.bak`.

    Errors: SiteMoved where the file changed since it was read, SiteReadOnly.
    """
    path = edit.file.path
    if SiteFile.read(path).text != edit.file.text:
        raise SiteMoved(
            "somebody else has changed the site file meanwhile",
            remedy="load the page again",
            file=str(path),
        )
    try:
        backup = path.with_name(path.name + _BACKUP)
        backup.unlink(missing_ok=True)
        shutil.copy2(path, backup)
        _replace(path, edit.text)
    except OSError as error:
        raise SiteReadOnly(
            f"the site file can't be written: {error.strerror}",
            remedy="have this patch applied by whoever may, then load the site again",
            file=str(path),
            patch=edit.patch,
        ) from error


def undo(edit: Edit) -> None:
    """The text as it was before `save`. Errors: OSError."""
    _replace(edit.file.path, edit.file.text)


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        shutil.copymode(path, name)
        os.replace(name, path)
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ---------------------------------------------------------------------- where things stand
@dataclass(frozen=True, slots=True)
class _Splice:
    """Characters from begin to end give way to text."""

    begin: int
    end: int
    text: str


class _Tree:
    """The nodes of one camera, with their places in the text, and what is to change in it."""

    def __init__(self, file: SiteFile, whole: dict[str, Any], number: int, node: Node) -> None:
        self._file, self._whole, self.number, self._node = file, whole, number, node
        self._splices: list[_Splice] = []
        self.camera: dict[str, Any] = whole["cameras"][number]

    @classmethod
    def of(cls, file: SiteFile, camera: str) -> Self:
        number, _ = _found(file, camera)
        cameras = _value(YAML(typ="rt").compose(file.text), "cameras")
        assert cameras is not None
        return cls(file, _whole(file), number, cameras.value[number])

    def edit(self, wanted: Mapping[str, Any]) -> Edit:
        """Errors: Problems; ConfigurationError where the text can't be changed in place."""
        text = self._file.text
        for splice in sorted(self._splices, key=lambda one: one.begin, reverse=True):
            text = text[: splice.begin] + splice.text + text[splice.end :]
        tree = parse_tree(text, self._file.path)
        site = site_in(tree, self._file.path)
        cameras = list(self._whole["cameras"])
        cameras[self.number] = dict(wanted)
        if plain(tree) != {**self._whole, "cameras": cameras}:
            raise ConfigurationError(
                "this part of the site file can't be changed from here",
                remedy="it is shared by & and *, or written in an unusual way: change it by hand",
                file=str(self._file.path),
            )
        return Edit(self._file, text, site)

    # ------------------------------------------------------------------ what is to change
    def write(self, wanted: Mapping[str, Any]) -> None:
        """The camera's own settings."""
        self._merge(self._node, self.camera, wanted)

    def write_rules(self, changed: list[dict[str, Any]], added: list[dict[str, Any]]) -> None:
        """changed: one for each rule there is, empty where it goes."""
        node = _value(self._node, "rules")
        if not isinstance(node, SequenceNode) or node.flow_style or len(node.value) < 1:
            rules = [*(rule for rule in changed if rule), *added]
            self._merge(self._node, self.camera, {**self.camera, "rules": rules})
            return
        for number, (item, rule) in enumerate(zip(node.value, changed, strict=True)):
            if rule:
                self._merge(item, _mapping(self.camera["rules"][number]), rule)
            else:
                self._take_out(item, with_words=number > 0)
        column = _dash_column(self._file.text, node)
        self._put_below(node, "".join(_item(rule, column) for rule in added))

    def _merge(self, node: Node, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Have the mapping at `node` say `new`, setting by setting."""
        if old == new:
            return
        if not isinstance(node, MappingNode) or node.flow_style:
            text = _flow(new, node.start_mark.column)
            self._splices.append(_Splice(node.start_mark.index, _end(node), text))
            return
        column = node.start_mark.column
        for number, (key, value) in enumerate(node.value):
            if key.value not in new:
                self._take_out_key(node, number)
            elif old[key.value] != new[key.value]:
                self._set(key, value, old[key.value], new[key.value])
        here = {key.value for key, _ in node.value}
        pairs = (_pair(name, value, column) for name, value in new.items() if name not in here)
        self._put_below(node, "".join(pairs))

    def _set(self, key: Node, value: Node, old: Any, new: Any) -> None:
        deep = isinstance(value, MappingNode) and not value.flow_style
        if deep and isinstance(new, Mapping) and new:
            self._merge(value, old, new)
            return
        text = _pair(key.value, new, key.start_mark.column)[key.start_mark.column :]
        begin = key.start_mark.index
        end = key.end_mark.index + 1 if _empty(value) else _end(value)
        self._splices.append(_Splice(begin, end, self._lines(text.removesuffix("\n"))))

    def _take_out(self, item: Node, *, with_words: bool) -> None:
        """An item of a list, and with it the comments right above."""
        begin = self._line(item.start_mark.index)
        while with_words and begin:
            above = self._line(begin - 1)
            if not self._file.text[above:begin].lstrip().startswith("#"):
                break
            begin = above
        self._splices.append(_Splice(begin, self._next_line(_end(item)), ""))

    def _take_out_key(self, node: MappingNode, number: int) -> None:
        key, value = node.value[number]
        if number == 0 and len(node.value) > 1:
            begin, end = key.start_mark.index, node.value[1][0].start_mark.index
        else:
            begin = self._line(key.start_mark.index)
            end = self._next_line(key.end_mark.index + 1 if _empty(value) else _end(value))
        self._splices.append(_Splice(begin, end, ""))

    def _put_below(self, node: Node, lines: str) -> None:
        """Below a block; a comment beside its last line stays there."""
        at = self._next_line(_end(node))
        begun = not self._file.text[:at].endswith("\n")
        if lines:
            self._splices.append(_Splice(at, at, self._lines("\n" * begun + lines)))

    def _line(self, index: int) -> int:
        return self._file.text.rfind("\n", 0, index) + 1

    def _next_line(self, index: int) -> int:
        end = self._file.text.find("\n", index)
        return len(self._file.text) if end < 0 else end + 1

    def _lines(self, text: str) -> str:
        return text.replace("\n", "\r\n") if "\r\n" in self._file.text else text


@lru_cache(maxsize=2)
def _whole(file: SiteFile) -> dict[str, Any]:
    """The file as dicts and lists; nobody changes them."""
    return dict(plain(parse_tree(file.text, file.path)))


def _found(file: SiteFile, camera: str) -> tuple[int, dict[str, Any]]:
    """Where among the cameras it stands, and its settings. Errors: SiteMoved."""
    cameras = _whole(file).get("cameras")
    for number, one in enumerate(cameras if isinstance(cameras, list) else ()):
        if isinstance(one, dict) and one.get("id") == camera:
            return number, one
    raise SiteMoved(
        f"the site file has no camera {camera!r}",
        remedy="load the page again",
        file=str(file.path),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _rules(camera: Mapping[str, Any]) -> list[dict[str, Any]]:
    rules = camera.get("rules")
    return [_mapping(rule) for rule in rules] if isinstance(rules, list) else []


def _value(node: Node, name: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _empty(node: Node) -> bool:
    return bool(node.start_mark.index == node.end_mark.index)


def _end(node: Node) -> int:
    """One past its last character, without what blanks and comments follow."""
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    if isinstance(node, MappingNode):
        key, value = last
        return int(key.end_mark.index) + 1 if _empty(value) else _end(value)
    return _end(last)


def _dash_column(text: str, node: SequenceNode) -> int:
    first = node.value[0].start_mark.index
    line = text.rfind("\n", 0, first) + 1
    return max(text[line:first].find("-"), 0)


# ---------------------------------------------------------------------- how things are written
def _settled(old: Any, new: Any) -> Any:
    """`new` as it will stand in the file: what is as it was keeps its digits, the rest is
    rounded."""
    if isinstance(new, Mapping):
        before = old if isinstance(old, Mapping) else {}
        return {str(key): _settled(before.get(key), value) for key, value in new.items()}
    if isinstance(new, list | tuple):
        as_list = [_settled(None, value) for value in new]
        return old if old == list(new) else as_list
    if isinstance(new, float):
        return old if old == new and not isinstance(old, bool) else round(new, DIGITS)
    return new


def _item(rule: Mapping[str, Any], column: int) -> str:
    """A rule of a block list, whole lines; its dash stands at `column`."""
    inner = "".join(_pair(name, value, column + 2) for name, value in rule.items())
    return " " * column + "- " + inner[column + 2 :]


def _pair(name: str, value: Any, column: int) -> str:
    """`name: value` from `column` on, whole lines."""
    head = " " * column + f"{_scalar(name)}:"
    if isinstance(value, Mapping) and value and len(_one_line(value)) + len(head) > WIDTH:
        return head + "\n" + "".join(_pair(n, v, column + 2) for n, v in value.items())
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return head + "\n" + "".join(_item(one, column + 2) for one in value)
    return f"{head} {_flow(value, len(head) + 1)}\n"


def _flow(value: Any, column: int) -> str:
    """[1, 2] and {a: 1}, broken between the items of a list that is too long for a line."""
    text = _one_line(value)
    if not isinstance(value, list) or len(text) + column <= WIDTH:
        return text
    lines, line = list[str](), "["
    for number, item in enumerate(value):
        piece = _one_line(item) + ("]" if number == len(value) - 1 else ",")
        if column + len(line) + len(piece) + 1 > WIDTH and line.strip() not in ("", "["):
            lines.append(line.rstrip())
            line = " " * (column + 1)
        line += piece if line.endswith("[") or not line.strip() else " " + piece
    return "\n".join([*lines, line])


def _one_line(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_scalar(str(name))}: {_one_line(one)}" for name, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_one_line, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, str):
        return json.dumps(value)
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value))
