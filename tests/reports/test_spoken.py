import pytest

from zhijian.reports.spoken import amounts_said, number, numbers_said, times_said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "零"),
        (8, "八"),
        (10, "十"),
        (16, "十六"),
        (68, "六十八"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1001, "一千零一"),
    ],
)
def test_numbers_are_read_out_as_in_mandarin(value: int, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize("value", [-1, 10_000])
def test_other_numbers_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match="wanted, got"):
        number(value)


def test_each_number_of_an_address_may_be_read_either_way() -> None:
    assert "长安街二十二号院4号楼103" in numbers_said("长安街22号院4号楼103")
    assert "长安街22号院4号楼一百零三" in numbers_said("长安街22号院4号楼103")


def test_long_numbers_are_read_digit_by_digit_only() -> None:
    assert numbers_said("户13588620019") == {"户13588620019"}


def test_an_address_full_of_numbers_does_not_explode() -> None:
    assert len(numbers_said("1号" * 40)) <= 64


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("126.50", "一百二十六元5角"),
        ("213.60", "两百一十三块6"),
        ("213.65", "213块6毛5"),
        ("200元", "二百块"),
        ("200", "200元"),
        ("2", "两块"),
    ],
)
def test_amounts(value: str, said: str) -> None:
    assert said in amounts_said(value)


@pytest.mark.parametrize("value", ["", "很多", "NaN", "Infinity", "-3", "1e9"])
def test_what_is_no_amount_has_no_forms(value: str) -> None:
    assert amounts_said(value) == set()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-07-03", "七月三号"),
        ("2026-07-03T15:00", "三点"),
        ("2026-07-03T15:00", "十五点"),
        ("15:30", "三点半"),
        ("07:05", "7点5"),
    ],
)
def test_times(value: str, said: str) -> None:
    assert said in times_said(value)


@pytest.mark.parametrize("value", ["", "昨天", "25:00", "2026-13-01"])
def test_what_is_no_time_has_no_forms(value: str) -> None:
    assert times_said(value) == set()
