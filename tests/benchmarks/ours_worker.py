"""The product as a worker of hearing.py, with the settings that it has by itself.

usage: python -m ours_worker zhijian|zhijian-beam1|zhijian-words WHISPER_FOLDER THREADS

zhijian        everything: who says what, second looks, invented text left out
zhijian-beam1  the same, but the first word that comes to mind is taken
zhijian-words  the recogniser alone, nobody told apart: what the peers do
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peers.serving import ALL, ROLES, Texts, serve, take_standard_output

from zhijian.models.engines import memory, voice
from zhijian.models.engines.audio import RATE_HZ, Sound, as_floats, load
from zhijian.models.engines.ears import Ears, open_ears
from zhijian.models.engines.inventions import suspicion_of_passage
from zhijian.models.engines.windows import pack
from zhijian.pipeline.settings import JOBS, Hearing


def everything(ears: Ears, sound: Sound) -> Texts:
    trusted = ears.hear(sound).trusted
    by_role = {role: "".join(u.text for u in trusted if u.role == role) for role in ROLES}
    return {**by_role, ALL: "".join(u.text for u in trusted)}


def words(ears: Ears, sound: Sound) -> Texts:
    mix = mixed(sound).samples
    windows = pack(mix, voice.voices(voice.Channels(mix))[0])
    passages = [p for p in ears.recogniser.read(windows) if suspicion_of_passage(p) is None]
    return {ALL: "".join(word.text for passage in passages for word in passage.words)}


DEFAULT = Hearing()
# what it does, and beams
WAYS = {
    "zhijian": (everything, DEFAULT.beam_size),
    "zhijian-beam1": (everything, 1),
    "zhijian-words": (words, DEFAULT.beam_size),
}


def mixed(sound: Sound) -> Sound:
    return Sound.of(as_floats(sound.samples).mean(axis=0, keepdims=True), RATE_HZ)


def main(name: str, whisper: str, threads: str) -> None:
    answers = take_standard_output()
    memory.reuse_freed()
    way, beam_size = WAYS[name]
    ears = open_ears(
        whisper=Path(whisper),
        diarization=None,
        device="cpu",
        compute_type=DEFAULT.compute_type,
        beam_size=beam_size,
        agent_channel=0,
        threads=int(threads),
    )
    ears.load()

    def hear(paths: list[Path], mode: str) -> list[Texts]:
        def one(path: Path) -> Texts:
            sound = load(path)
            return way(ears, mixed(sound) if mode == "mix" else sound)

        with ThreadPoolExecutor(JOBS) as pool:
            return list(pool.map(one, paths))

    serve(hear, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
