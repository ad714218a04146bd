"""Settings: from the environment and zhijian.toml; what is misspelt or unusable is said, not ignored."""

import re

import pytest

from zhijian.pipeline.settings import SettingsError, load_settings, threads_for


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_overrules_the_file(an_empty_folder, monkeypatch):
    (an_empty_folder / "zhijian.toml").write_text("jobs = 2\n[hearing]\nbeam_size = 1\nthreads = 3\n", encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_HEARING__BEAM_SIZE", "2")
    settings = load_settings()
    assert (settings.jobs, settings.hearing.beam_size, settings.hearing.threads) == (2, 2, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs = 0", "jobs 不能是 0,至少是 1"),
        ("jobs = 65", "jobs 不能是 65,最多是 64"),
        ('jobs = "many"', "jobs 不能是 'many',应为 整数"),
        ("jobs = ", "zhijian.toml 不是正确的 TOML"),
        ('colour = "red"', "没有设置项 colour"),
        ("hearing = 5", "hearing 不能是 5,应为 一组"),
        ("[hearing]\nbeam = 5", "没有设置项 hearing.beam"),
        ('[hearing]\ndevice = "gpu"', "hearing.device 不能是 'gpu',可以是 'cpu', 'cuda'"),
        ('[review]\nsecure_cookies = "on it"', "review.secure_cookies 不能是 'on it',应为 true 或 false"),
        ("out = 5", "out 不能是 5,应为 路径"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_the_setting_named(an_empty_folder, text, said):
    (an_empty_folder / "zhijian.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(said)):
        load_settings()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("jobs = 2\nout = /srv/out\n", "line 2, column 7"),
        ("jobs = 2\njobs = 3\n", "line 2, column 9"),
        ("jobs = 2\nout: x\n", "line 2, column 4"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_the_place_and_what_to_do(an_empty_folder, text, place):
    (an_empty_folder / "zhijian.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=place) as refused:
        load_settings()
    assert all(advice in str(refused.value) for advice in ("行(line)和列(column)", "键 = 值", "引号", "只写一次"))


def test_a_file_in_another_encoding_is_refused(an_empty_folder):
    (an_empty_folder / "zhijian.toml").write_bytes('source = "/srv/录音"'.encode("gbk"))
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ZHIJIAN_JOSB", "JOSB"),
        ("ZHIJIAN_HEARNIG__BEAM_SIZE", "HEARNIG"),
        ("ZHIJIAN_HEARING__BEAM", "hearing.beam"),
    ],
)
def test_a_misspelt_variable_is_refused(monkeypatch, name, said):
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_a_group_in_a_variable_of_its_own_is_refused_with_how_to_write_it(monkeypatch):
    monkeypatch.setenv("ZHIJIAN_HEARING", "beam_size=5")
    with pytest.raises(SettingsError, match="ZHIJIAN_HEARING__BEAM_SIZE"):
        load_settings()


def test_the_recogniser_takes_all_cores_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert threads_for(0) == 8
    assert threads_for(3) == 3
