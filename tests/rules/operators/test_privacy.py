"""身份核实: what is a disclosure, when a caller is verified, and what leaves either open."""

from typing import Any

import pytest

from zhijian.models.records.dialogue import Role
from zhijian.models.records.scorecard import EvidenceKind, Outcome
from zhijian.rules.call.heard import Heard
from zhijian.rules.judge import finding_of, result_of
from zhijian.rules.language import Example
from zhijian.rules.operators.disclosures import disclosures
from zhijian.rules.operators.privacy import VerifiesIdentity
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
ITEM = next(item for item in STANDARD.items if item.id == "privacy.verify")
OPERATOR: VerifiesIdentity = ITEM.rule.check.operator
ASKS = {"customer": "帮我查一下这户的电费。"}
TELLS = {"agent": "您上个月的电费是九十八元七角。"}
ACCOUNT, NAME = {"customer": "户号是四零七二五五幺九三六。"}, {"customer": "户主叫段文海。"}


def call(*lines: dict[str, Any], **facts: Any) -> Heard:
    return heard_of(Example.model_validate({"call": facts, "dialogue": list(lines)}), STANDARD.settings)


def outcome(*lines: dict[str, Any], **facts: Any) -> Outcome:
    return finding_of(ITEM, call(*lines, **facts)).outcome


def told(agent: str, customer: str = "帮我查一下这户的电费。") -> list[tuple[str, bool]]:
    """What is read out, and whether that is certain."""
    found = disclosures(call({"customer": customer}, {"agent": agent}), OPERATOR.private)
    return [(one.hit.phrase, one.certain) for one in found]


@pytest.mark.parametrize(
    ("agent", "what"),
    [
        ("您上个月的电费是九十八元七角。", "电费或用电量"),
        ("这户目前欠费一百五十四块二。", "电费或用电量"),
        ("账户余额还有三十五块。", "电费或用电量"),
        ("您本月用电三百零七度。", "电费或用电量"),
        ("这个户头潜费一百五十四块二", "电费或用电量"),  # misheard
        ("户主留的手机尾号是九零三五。", "联系电话"),
        ("催费短信发到了您预留的幺三六零零四五七幺二八上。", "联系电话"),
    ],
)
def test_certain_disclosures(agent: str, what: str) -> None:
    assert told(agent) == [(what, True)]


@pytest.mark.parametrize(
    ("agent", "what"),
    [
        ("系统显示没有欠费。", "账户情况"),
        ("您家是欠费停电。", "账户情况"),
        ("户主是段文海。", "姓名"),
        ("登记的地址是翠竹小区六栋三零二。", "地址"),
        ("上个月的电费是九十八元七角,对吗?", "电费或用电量"),
    ],
)
def test_disclosures_in_doubt(agent: str, what: str) -> None:
    assert told(agent) == [(what, False)]


@pytest.mark.parametrize(
    ("agent", "customer"),
    [
        ("第一档每度五毛二,第二档每度五毛七。", "电价是多少?"),
        ("超过两百三十度的部分每度加五分钱。", "怎么算的?"),
        ("补卡要交工本费十元。", "电卡丢了。"),
        ("校验费是五十块,表有问题就退给您。", "我要校表。"),
        ("低保户每个月有十五度免费用电。", "低保有什么优惠?"),
        ("建议您把空调调到二十六度。", "怎么省电?"),
        ("预计下午五点恢复供电。", "什么时候来电?"),
        ("抢修师傅的电话是六五零四幺幺七二。", "师傅怎么联系?"),
        ("营业厅在人民路幺零八号。", "营业厅在哪里?"),
        ("您说的两百块充到了别人的户上,是吧?", "我充了两百块充错了。"),
        ("一百五十块的电费已经收到了。", "我刚才交了一百五十块电费。"),
        ("您登记的电话是幺三六零零四五七幺二八,对吗?", "换个号码。"),
        ("请问您欠费了吗?", "家里没电。"),
        ("如果是欠费停电,交清以后就会恢复。", "家里没电。"),
        ("没有欠费的话应该是线路故障。", "家里没电。"),
        ("您没有欠费却停了电,是吗?", "我没有欠费,怎么给我停电?"),
        ("请问您的户号是多少?", "查电费。"),
    ],
)
def test_no_disclosures(agent: str, customer: str) -> None:
    assert told(agent, customer) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((ACCOUNT, {"agent": "户主是谁?"}, NAME), Outcome.PASS),
        ((NAME, {"agent": "户号呢?"}, ACCOUNT), Outcome.PASS),
        ((ACCOUNT, {"agent": "地址呢?"}, {"customer": "翠竹小区六栋三零二。"}), Outcome.PASS),
        ((ACCOUNT, {"agent": "身份证后四位?"}, {"customer": "幺五零八。"}), Outcome.PASS),
        ((ACCOUNT, {"agent": "户主是段文海,对吗?"}, {"customer": "对。"}), Outcome.PASS),
        ((ACCOUNT,), Outcome.FAIL),
        ((NAME,), Outcome.FAIL),
        (({"customer": "翠竹小区六栋三零二那一户。"},), Outcome.FAIL),
        (({"customer": "你快点说。"},), Outcome.FAIL),
        # what leaves it open
        ((ACCOUNT, {"agent": "户主姓名呢?"}, {"customer": "那个就是那谁。"}), Outcome.UNSURE),
        (({"agent": "户号报一下。"}, {"customer": "哎哟我记不得了。"}), Outcome.UNSURE),
        ((NAME, {"agent": "地址呢?"}, {"customer": "翠竹小区六栋三零二。"}), Outcome.UNSURE),
        ((ACCOUNT, {"agent": "信息核对无误。"}, {"customer": "好。"}), Outcome.UNSURE),
        (({"agent": "您的来电号码绑定了户号。"}, {"customer": "好。"}), Outcome.UNSURE),
        (({"customer": "那个四零七,二五五,幺九三六,段文海。"},), Outcome.UNSURE),
    ],
)
def test_verified_is_the_account_number_and_one_datum_more(
    given: tuple[dict[str, Any], ...], expected: Outcome
) -> None:
    assert outcome(ASKS, {"agent": "好的。"}, *given, TELLS) is expected


def test_verification_has_to_come_first() -> None:
    both = {"customer": "户号是四零七二五五幺九三六,户主叫段文海。"}
    assert outcome(ASKS, TELLS, both, {"agent": "余额还有三十五块。"}) is Outcome.FAIL
    assert outcome(both, TELLS, ASKS, {"agent": "余额还有三十五块。"}) is Outcome.PASS


def test_without_disclosure_it_does_not_apply() -> None:
    assert outcome(ASKS, {"agent": "请到营业厅查询。"}) is Outcome.NA


def test_the_record_may_say_that_the_caller_was_verified() -> None:
    assert outcome(ASKS, TELLS, identity_verified=True) is Outcome.PASS
    assert outcome(ASKS, TELLS, identity_verified=False) is Outcome.FAIL


def test_doubt_never_vetoes() -> None:
    assert outcome(ASKS, TELLS, direction="outbound") is Outcome.UNSURE
    unspoken = OPERATOR.model_copy(update={"spoken": False})
    assert unspoken.look(call(ASKS, TELLS)).outcome is Outcome.UNSURE
    muffled = {"customer": "嗯那个就是", "confidence": 0.1}
    assert outcome(muffled, TELLS) is Outcome.UNSURE
    badly_heard = TELLS | {"confidence": 0.1}
    assert outcome(ASKS, badly_heard) is Outcome.UNSURE


def test_a_fail_vetoes_and_shows_the_words() -> None:
    result = result_of(ITEM, finding_of(ITEM, call(ASKS, TELLS)))
    (evidence,) = result.evidence
    assert result.veto
    assert (evidence.kind, evidence.role, evidence.quote) == (EvidenceKind.FOUND, Role.AGENT, "电费是九十八元七角")
    assert "九十八" not in (result.reason or "")
