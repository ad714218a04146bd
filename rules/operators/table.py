"""The operators that rule files may use, and the table of their names.

A new operator is a class, a row of `OPERATORS`, a row in rules/README.md and a test.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from pydantic import create_model, model_validator

from zhijian.rules.call.terms import Term
from zhijian.rules.operators.banned import NeverSays
from zhijian.rules.operators.combinators import AllOf, AnyOf, Given, Not, Perhaps
from zhijian.rules.operators.conditions import ScenarioIs
from zhijian.rules.operators.courtesy import UsesCourtesyWords
from zhijian.rules.operators.finding import Operator
from zhijian.rules.operators.hangup import WarnsBeforeHangup
from zhijian.rules.operators.holds import AnnouncesHolds, ExplainsSilences, ThanksAfterHolds
from zhijian.rules.operators.interruptions import LetsCustomerFinish
from zhijian.rules.operators.mentions import Mentions
from zhijian.rules.operators.own_number import SaysOwnNumber
from zhijian.rules.operators.privacy import VerifiesIdentity
from zhijian.rules.operators.rate import SpeaksAtRate
from zhijian.rules.operators.repeat.confirmations import ConfirmsRepeats
from zhijian.rules.operators.repeat.issue import RestatesIssue
from zhijian.rules.operators.repeat.repeats import RepeatsKeyInfo
from zhijian.rules.operators.says_any import SaysAny

OPERATORS: Final[dict[str, type[Operator]]] = {
    "given": Given,
    "all": AllOf,
    "any": AnyOf,
    "not": Not,
    "perhaps": Perhaps,
    "says_any": SaysAny,
    "mentions": Mentions,
    "scenario_is": ScenarioIs,
    "says_own_number": SaysOwnNumber,
    "warns_before_hangup": WarnsBeforeHangup,
    "announces_holds": AnnouncesHolds,
    "thanks_after_holds": ThanksAfterHolds,
    "explains_silences": ExplainsSilences,
    "never_says": NeverSays,
    "uses_courtesy_words": UsesCourtesyWords,
    "repeats_key_info": RepeatsKeyInfo,
    "restates_issue": RestatesIssue,
    "confirms_repeats": ConfirmsRepeats,
    "lets_customer_finish": LetsCustomerFinish,
    "verifies_identity": VerifiesIdentity,
    "speaks_at_rate": SpeaksAtRate,
}


class _OneOperator(Term):
    """A mapping with one key, an operator's name, and its parameters as the value."""

    @model_validator(mode="after")
    def _exactly_one(self) -> _OneOperator:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"这里要有且只有一个算子:{'、'.join(OPERATORS)}")
        return self

    @cached_property
    def operator(self) -> Operator:
        (name,) = self.model_fields_set
        operator: Operator = getattr(self, name)
        return operator


_FIELDS: dict[str, Any] = {name: (operator, None) for name, operator in OPERATORS.items()}
Check: Any = create_model("Check", __base__=_OneOperator, **_FIELDS)
for _operator in OPERATORS.values():
    _operator.model_rebuild(_types_namespace={"Check": Check})  # those that are made of checks
Check.model_rebuild()
