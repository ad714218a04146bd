#!/usr/bin/env python3
"""Says how a night's verdicts on the samples compare with their labels. Standard library only.

usage: compare.py OUT_DIR   (OUT_DIR: what `zhijian run data_samples --out OUT_DIR` wrote)
"""

import json
import sys
from pathlib import Path

LABELS = Path(__file__).with_name("truth.json")
OUTCOMES = {"pass": "合格", "fail": "扣分", "na": "不适用", "unsure": "待复核", None: "无"}


def main(out: Path) -> int:
    cards = {card["call_id"]: card for card in map(json.loads, (out / "scorecards.jsonl").open(encoding="utf-8"))}
    agree = total = found = faults = false = doubt = 0
    for call in json.loads(LABELS.read_text(encoding="utf-8")):
        card = cards.get(call["call_id"], {})
        verdicts = {item["id"]: item["outcome"] for item in card.get("items", [])}
        for item, label in call["labels"].items():
            want, got = label["outcome"], verdicts.get(item)
            total, agree = total + 1, agree + (want == got)
            doubt += got == "unsure" != want
            faults, found = faults + (want == "fail"), found + (want == got == "fail")
            false += got == "fail" != want
            if want != got:
                print(f"  {call['call_id']} {item}:标注为{OUTCOMES[want]},判为{OUTCOMES.get(got, got)}")
    print(f"与标注对照:{total} 项中 {agree} 项一致;埋设的 {faults} 处缺陷找到 {found} 处")
    print(f"误扣 {false} 项;存疑待复核 {doubt} 项")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
