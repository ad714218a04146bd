"""The recording of a call: in ranges, as a waveform, and in clips. What is heard is decoded once and cut on the fly."""

import struct
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from threading import Condition
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
from cachetools import LRUCache, cached
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from zhijian.models.engines.audio import RATE_HZ, AudioError, Sound, clip_wav, load
from zhijian.models.records.account import Account
from zhijian.models.records.dialogue import Role
from zhijian.models.records.span import Span
from zhijian.pipeline.store.access_log import Action, last_time, log
from zhijian.pipeline.store.calls import call_task
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import hearing_number
from zhijian.pipeline.web.calls import CallNumber
from zhijian.pipeline.web.workbench import Bench, Listener, Workbench, visible

router = APIRouter()
# decoded recordings that are kept, in temporary files: 40 of five minutes, or one of four hours
_KEPT_BYTES = 1 << 30
_HEADER_BYTES = 44
# what one answer holds at most: a browser asks for the next piece while it plays
_PIECE_BYTES = 1 << 20
_BUCKETS = 1200
_LONGEST_CLIP_MS = 120_000
_HEARING = timedelta(hours=1)


class Waveform(BaseModel):
    """How loud each side is, 0..100, bucket by bucket; 0 where it is not heard."""

    duration_ms: int
    bucket_ms: float
    agent: list[int]
    customer: list[int]
    other: list[int]


@router.get(
    "/api/calls/{call}/sound",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}, 206: {"content": {"audio/wav": {}}}},
)
def sound(bench: Bench, account: Listener, call: CallNumber, request: Request) -> Response:
    """The whole recording as PCM wav at 16 kHz, in ranges as a player asks for them."""
    heard = _sound(bench, account, call)
    size, asked = _HEADER_BYTES + heard.samples.size * 2, request.headers.get("range")
    start, end = _range(asked or "bytes=0-", size)
    _log_hearing(bench, account, call, from_start=start == 0)
    if asked is None:
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(size)}
        return StreamingResponse(_pieces(heard, size), headers=headers, media_type="audio/wav")
    headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return Response(_bytes(heard, start, end), 206, headers, media_type="audio/wav")


@router.get("/api/calls/{call}/clip", response_class=Response, responses={200: {"content": {"audio/wav": {}}}})
def clip(
    bench: Bench,
    account: Listener,
    call: CallNumber,
    start_ms: Annotated[int, Query(ge=0, lt=2**31)],
    end_ms: Annotated[int, Query(gt=0, lt=2**31)],
) -> Response:
    """A stretch of the recording, at most two minutes, as a wav file."""
    if not start_ms < end_ms <= start_ms + _LONGEST_CLIP_MS:
        raise HTTPException(422, "片段应为 2 分钟以内的一段")
    heard = _sound(bench, account, call)
    if start_ms >= heard.duration_ms:
        raise HTTPException(422, "片段在录音结束之后")
    with writing(bench.engine) as conn:
        log(conn, Action.LISTEN, actor=account.name, now=bench.now(), call=call, detail=f"{start_ms}-{end_ms} ms")
    wav = clip_wav(heard, Span(start_ms, end_ms), margin_ms=0)
    name = f'attachment; filename="call-{call}-{start_ms}-{end_ms}.wav"'
    return Response(wav, headers={"Content-Disposition": name}, media_type="audio/wav")


@router.get("/api/calls/{call}/waveform")
def waveform(bench: Bench, account: Listener, call: CallNumber) -> Waveform:
    """Who is heard how loudly, over the whole recording."""
    heard = _sound(bench, account, call)
    with bench.engine.connect() as conn:
        hearing = hearing_number(conn, visible(bench, account, call).id)
    voices = hearing_of(bench.engine, hearing).dialogue.voices if hearing is not None else ()
    peaks = _peaks(heard)
    bucket_ms = heard.duration_ms / len(peaks)
    lanes = {role: np.zeros(len(peaks), dtype=np.int64) for role in Role}
    for voice in voices:
        first, last = int(voice.span.start_ms / bucket_ms), int(np.ceil(voice.span.end_ms / bucket_ms))
        lanes[voice.role][first:last] = peaks[first:last]
    return Waveform(
        duration_ms=heard.duration_ms,
        bucket_ms=bucket_ms,
        agent=lanes[Role.AGENT].tolist(),
        customer=lanes[Role.CUSTOMER].tolist(),
        other=np.maximum(lanes[Role.SYSTEM], lanes[Role.UNKNOWN]).tolist(),
    )


def _sound(bench: Workbench, account: Account, call: int) -> Sound:
    """The sound that was judged. Raises HTTPException 404 where the recording is gone or another one by now."""
    seen = visible(bench, account, call)
    task = call_task(bench.engine, call)
    folder = Path(url2pathname(urlsplit(task.call.source).path))
    path = folder / task.call.recording
    try:
        return _load(path, seen.scorecard.recording_sha256 or "", path.stat().st_mtime_ns)
    except (AudioError, OSError):
        raise HTTPException(404, "录音已不在,或不能读取") from None


def _log_hearing(bench: Workbench, account: Account, call: int, *, from_start: bool) -> None:
    """Once a hearing: what is asked for further on goes on with one, if there was one lately."""
    now = bench.now()
    with bench.engine.connect() as conn:
        last = None if from_start else last_time(conn, Action.LISTEN, actor=account.name, call=call)
    if last is None or now > last + _HEARING:
        with writing(bench.engine) as conn:
            log(conn, Action.LISTEN, actor=account.name, now=now, call=call)


@cached(LRUCache(_KEPT_BYTES, getsizeof=lambda heard: heard.samples.nbytes), condition=Condition())
def _load(path: Path, sha256: str, _written_ns: int) -> Sound:
    """Decoded once, however many ask at the same time; and anew when the file is another one."""
    heard = load(path)
    if heard.sha256 != sha256:
        raise AudioError("录音已不是评分时的录音")
    return heard


def _pieces(heard: Sound, size: int) -> Iterator[bytes]:
    for start in range(0, size, _PIECE_BYTES):
        yield _bytes(heard, start, min(size, start + _PIECE_BYTES))


def _range(asked: str, size: int) -> tuple[int, int]:
    """What part to send of what is asked for, half-open. Raises HTTPException 416 for what is not there."""
    unit, _, span = asked.partition("=")
    first, _, last = span.partition("-")
    try:
        if unit != "bytes" or "," in span:
            raise ValueError
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        if not 0 <= start < end:
            raise ValueError
    except ValueError:
        raise HTTPException(416, "没有这一段", {"Content-Range": f"bytes */{size}"}) from None
    return start, min(end, start + _PIECE_BYTES)


def _bytes(heard: Sound, start: int, end: int) -> bytes:
    """Bytes `start..end` of the recording as a wav file."""
    header = _header(heard)[start:end]
    frame = heard.channels * 2
    first, last = max(0, start - _HEADER_BYTES), max(0, end - _HEADER_BYTES)
    frames = heard.samples[:, first // frame : -(-last // frame)]
    data = np.ascontiguousarray(frames.T).astype("<i2").tobytes()
    offset = first - first // frame * frame
    return header + data[offset : offset + last - first]


def _header(heard: Sound) -> bytes:
    """The 44 bytes of a PCM wav file; a size that does not fit says that it goes to the end."""
    data, frame = heard.samples.size * 2, heard.channels * 2
    fmt = struct.pack("<HHIIHH", 1, heard.channels, RATE_HZ, RATE_HZ * frame, frame, 16)
    riff = min(data + _HEADER_BYTES - 8, 2**32 - 1)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16)
        + fmt
        + struct.pack("<4sI", b"data", min(data, 2**32 - 1))
    )


def _peaks(heard: Sound) -> np.ndarray:
    """(buckets,) the loudest sample of any channel, 0..100."""
    edges = np.linspace(0, heard.samples.shape[1], min(_BUCKETS, heard.samples.shape[1]) + 1).astype(int)
    loudest = [int(np.abs(heard.samples[:, a:b].astype(np.int32)).max(initial=0)) for a, b in pairwise(edges)]
    return np.array(loudest) * 100 // 32_768
