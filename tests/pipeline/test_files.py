"""Files appear whole or not at all, for their owner only."""

import stat

import pytest

from zhijian.pipeline.files import private_folder, whole_file, write_whole


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.html"
    write_whole(path, "旧")
    with pytest.raises(TypeError), whole_file(path) as file:
        file.write("not bytes")
    assert path.read_text(encoding="utf-8") == "旧"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_what_is_written_is_its_owners_alone(tmp_path):
    folder = private_folder(tmp_path / "out" / "deep")
    write_whole(folder / "a", b"x")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"):
        write_whole(tmp_path / "a", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
