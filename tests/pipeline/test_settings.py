"""Settings: from the environment and zhijian.toml; what is misspelt or unusable is said, not ignored."""

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


@pytest.mark.parametrize("text", ["jobs = 0", 'colour = "red"', "[hearing]\nbeam = 5", "jobs = ", 'jobs = "many"'])
def test_a_file_that_cannot_be_used_is_refused(an_empty_folder, text):
    (an_empty_folder / "zhijian.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        load_settings()


def test_a_file_in_another_encoding_is_refused(an_empty_folder):
    (an_empty_folder / "zhijian.toml").write_bytes('source = "/srv/录音"'.encode("gbk"))
    with pytest.raises(SettingsError, match="utf-8"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "said"),
    [("ZHIJIAN_JOSB", "JOSB"), ("ZHIJIAN_HEARNIG__BEAM_SIZE", "HEARNIG"), ("ZHIJIAN_HEARING__BEAM", "hearing.beam")],
)
def test_a_misspelt_variable_is_refused(monkeypatch, name, said):
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_the_recogniser_takes_all_cores_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert threads_for(0) == 8
    assert threads_for(3) == 3
