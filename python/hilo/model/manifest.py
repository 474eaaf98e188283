"""hilo-model.json: what lies in a prepared folder, made of what, and each file's digest.

An engine is code, so hilo loads none whose digest is not the one written here.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from hilo.model.plan import PrepareFailed

NAME = "hilo-model.json"
FORMAT = "hilo prepared model 1"
_BLOCK_BYTES = 1 << 20


def digest_of(path: Path) -> str:
    """SHA-256, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def facts_of(path: Path) -> dict[str, Any]:
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": digest_of(path)}


def source_files(folder: Path) -> dict[str, str]:
    """The files that the graph was made of, with their digests."""
    names = sorted({*folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.txt")})
    return {path.name: digest_of(path) for path in names if path.is_file()}


def check_hands(folder: Path) -> None:
    """That nobody else can exchange what is made in there. hilo loads an engine from no other
    folder, so this is told before the work."""
    facts = folder.lstat()
    if stat.S_ISLNK(facts.st_mode):
        raise PrepareFailed(f"{folder}: is a link: name the folder itself")
    if facts.st_uid not in (0, os.geteuid()):
        raise PrepareFailed(f"{folder}: belongs to the user {facts.st_uid}: an engine is code, so "
                            "hilo makes and takes one only in a folder of its own user or root")
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PrepareFailed(f"{folder}: can be written by others (mode "
                            f"{stat.S_IMODE(facts.st_mode):04o}): an engine is code, so run "
                            "`chmod go-w` on it if you trust it")


def write(folder: Path, content: dict[str, Any]) -> Path:
    """In one step: who reads it meanwhile finds the old one or the new."""
    path = folder / NAME
    beside = folder / (NAME + ".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"format": FORMAT, **content}, file, indent=2)
        file.write("\n")
    beside.replace(path)
    return path


def read(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise PrepareFailed(f"{path}: {error.strerror}: make it with `hilo model prepare`"
                            ) from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise PrepareFailed(f"{path}: is no \"{FORMAT}\": make it with `hilo model prepare`")
    return content


def checked(folder: Path, facts: dict[str, Any]) -> str:
    """The name of a file that is still what the manifest says."""
    name = str(facts["file"])
    path = folder / name
    if Path(name).name != name or not path.is_file() or digest_of(path) != facts["sha256"]:
        raise PrepareFailed(
            f"{path}: is not the file that {NAME} tells of: prepare the model again")
    return name
