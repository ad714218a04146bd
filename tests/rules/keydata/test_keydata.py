"""What counts as a key datum of the customer, and what its value is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.conftest import CALL_DAY, WHERE, dialogue
from zhijian.rules.keydata.datum import Datum, Turn
from zhijian.rules.keydata.extract import extract
from zhijian.rules.keydata.repeat_back import repeat_back


def data(*lines: str) -> list[tuple[str, str]]:
    return [(datum.kind, datum.value) for datum in extract(dialogue(*lines), reference=CALL_DAY)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # what it is tells the word before it …
        (["客:户号是四四零幺三六七八九零"], [("户号", "4401367890")]),
        (["客:户号零五幺二三四五六七八九零幺"], [("户号", "0512345678901")]),
        (["客:电话是零五幺九,七二一三,五零六六"], [("电话", "051972135066")]),
        # … its shape …
        (["客:我的号码是一三七,幺幺二三,四五六七"], [("电话", "13711234567")]),
        # … or the agent's question
        (["坐:请报一下户号", "客:一零三四五,六七八九零"], [("户号", "1034567890")]),
        (["坐:请留个电话", "客:七二一三五零六六"], [("电话", "72135066")]),
        (["坐:请报户号和身份证后四位", "客:四四零幺三六七八九零,四零幺七"], [("户号", "4401367890")]),
        # as recognisers write it
        (["客:电话1,34 7753 零零幺八。"], [("电话", "13477530018")]),
        (["客:电话要三四七七五三零零幺八"], [("电话", "13477530018")]),
        (["客:电话是幺三八。五五零三。三七二幺。"], [("电话", "13855033721")]),
        # almost heard digits make a mobile number of those that were
        (["客:电话幺三四请亲五三零零幺八"], [("电话", "13477530018")]),
        (["坐:请留个电话", "客:聊三四七七五三,零零幺请。"], [("电话", "13477530017")]),
        (["客:电话要三四期期五三,零零幺八"], [("电话", "13477530018")]),
        (["坐:请留个电话", "客:聊三四七七五三,零零要请"], [("电话", "13477530017")]),
        (["坐:请留个电话", "客:腰三四,七七五三零零幺雅"], [("电话", "13477530011")]),
        # with a digit heard twice, as the agent has it
        (["客:电话幺三四四七七五三安安零八", "坐:幺三四七七五三二二零八"], [("电话", "13477532208")]),
        # after a house number
        (
            ["坐:地址和电话", "客:春晖小区六号楼四零二,幺三四,七七五三,零零幺八"],
            [("地址", "春晖小区6号楼402"), ("电话", "13477530018")],
        ),
        # in groups over several turns
        (["坐:请留电话", "客:幺三八", "坐:嗯", "客:五五零三", "坐:五五零三", "客:三七二幺"], [("电话", "13855033721")]),
        # corrected: the last group, from the mistake on, the whole
        (["客:电话幺三八,五五零三,三七二幺,说错了,三七二六"], [("电话", "13855033726")]),
        (["客:电话幺三八,五五零三,三七二幺,不对,三七幺二,幺二"], [("电话", "13855033712")]),
        (["客:电话幺三九,不对,幺三五,六八六八,六八六八"], [("电话", "13568686868")]),
        (["坐:请报电话", "客:五五二六八六九,不对,八六八,六八六八"], [("电话", "8686868")]),
        (["坐:户号多少", "客:零三幺七四四八二九五,不对,最后一位是六,二九六"], [("户号", "0317448296")]),
        (["客:电话幺三八五五零三,不对,五五零二,三七二幺"], [("电话", "13855023721")]),
        (["坐:请问户号", "客:一零三四五六七八九零,哦不对,最后是九一"], [("户号", "1034567891")]),
        (["客:电话幺三四七七五三零零幺六,不对,是幺三四七七五三零零幺八"], [("电话", "13477530018")]),
        (["客:电话幺三四七七五三零零幺六,等等,这个是旧号,新的是幺三四七七五三零零幺八"], [("电话", "13477530018")]),
        # the customer puts the agent right
        (
            ["客:电话幺三四,七七五三,零零幺八", "坐:幺三四七七五三幺零零八", "客:不是不是,零零幺八,零零,后面幺八"],
            [("电话", "13477530018")],
        ),
        # or himself
        (
            ["客:电话幺三四七七五三零零幺八", "坐:好的,请稍等", "客:不对,说错了,后六位是五三零零八幺"],
            [("电话", "13477530081")],
        ),
        # a 户号 may begin like a telephone number
        (["坐:请报户号", "客:户号啊,零六四三,二二幺八,五零"], [("户号", "0643221850")]),
        (["坐:户号多少", "客:户号在手机里,等一下,五三二六零零四八幺七"], [("户号", "5326004817")]),
        # said again: still one
        (["客:电话幺三四七七五三零零幺八", "坐:幺三四,七七五三", "客:零零幺八"], [("电话", "13477530018")]),
        # other numbers
        (["坐:请报身份证号", "客:三二零一零二一九八零零一零一一二三四"], []),
        (["客:手机尾号五五八九", "客:身份证后四位四零幺七"], []),
        (["客:工号一零二三的那个", "客:工单号二零二六零五一二零零三"], []),
        (["客:二零二五年买的房,一百二十平"], []),
        (["客:这个月两百八十度,上个月才一百五十度"], []),
        (["坐:您来电的号码是幺三八零零幺三八零零零吗", "客:对,幺三八零零幺三八零零零"], []),
    ],
)
def test_dictated_numbers(lines: list[str], expected: list[tuple[str, str]]) -> None:
    assert data(*lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["客:我姓周"], ["周"]),
        (["坐:您贵姓", "客:免贵姓欧阳"], ["欧阳"]),
        (["坐:请问您贵姓", "客:免贵姓州"], ["周"]),
        (["坐:怎么称呼您", "客:叫我老张就行"], ["张"]),
        (["坐:怎么称呼您", "客:周女士"], ["周"]),
        (["客:我叫钱大海,家里停电了"], ["钱大海"]),
        (["客:我叫钱大海家里停电了"], ["钱大海"]),
        (["客:户主叫吴志明"], ["吴志明"]),
        (["客:户主李明对吧"], ["李明"]),
        (["坐:请问户主姓名", "客:李明"], ["李明"]),
        (["客:我姓何", "坐:请问全名", "客:何建军"], ["何建军"]),
        (["客:户主是我妈的名字,钱玉兰"], ["钱玉兰"]),
        (["坐:请报户号和户名", "客:户名是我老头子,叫乐阿根"], ["乐阿根"]),
        # a third person whom the call is about
        (["客:他叫刘强,态度特别差"], ["刘强"]),
        (["客:来了个姓赵的师傅"], ["赵"]),
        # no names
        (["客:你叫什么名字啊", "客:你姓什么"], []),
        (["客:老百姓用电不容易"], []),
        (["客:户主是单位", "客:户主方便就行"], []),
        (["坐:请问姓名", "客:方便"], []),
        (["客:叫师傅来一趟", "客:我叫乐个电工"], []),
        (["客:王师傅你好,我问下电费", "客:谢谢你啊李小姐", "客:麻烦您了张女士"], []),
        (["客:那边师傅还没来", "客:让公司经理接电话"], []),
        (["坐:请问是陈女士吗", "客:是的,我姓陈"], []),
    ],
)
def test_names(lines: list[str], expected: list[str]) -> None:
    assert data(*lines) == [("姓名", name) for name in expected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([WHERE, "客:江北区春晖小区六号楼三单元四零二"], ["江北区春晖小区6号楼3单元402"]),
        ([WHERE, "客:地址是解放街十六号院二号楼二零四"], ["解放街16号院2号楼204"]),
        ([WHERE, "客:在白塔镇小河村村口,旁边有片竹林"], ["白塔镇小河村村口"]),
        ([WHERE, "客:江北区解放街,解放街十六号"], ["江北区解放街16号"]),
        ([WHERE, "客:春晖,春晖小区六号楼"], ["春晖小区6号楼"]),
        ([WHERE, "客:江北区解放街,江北区解放街十六号"], ["江北区解放街16号"]),
        ([WHERE, "客:东山镇李家庄村三组二十五号"], ["东山镇李家庄村3组25号"]),
        ([WHERE, "客:海淀区中关村大街二十七号,中鼎大厦a座幺二零三室"], ["海淀区中关村大街27号中鼎大厦a座1203室"]),
        ([WHERE, "客:万科城市花园二期"], ["万科城市花园2期"]),
        ([WHERE, "客:人民医院对面那个阳光公寓"], ["阳光公寓"]),
        (["坐:是哪个营业厅", "客:就是环湖大道营业厅"], ["环湖大道营业厅"]),
        (["客:帮我查一下紫竹小区五栋三零一欠不欠费"], ["紫竹小区5栋301"]),
        (["客:我在春晖小区,这边停电了"], ["春晖小区"]),
        # parts of an address
        ([WHERE, "客:滨江路一二零号五幢甲单元三零一"], ["滨江路120号5幢甲单元301"]),
        ([WHERE, "客:青田乡石门村第三村民组"], ["青田乡石门村第3村民组"]),
        ([WHERE, "客:朝阳街三十八号附二号"], ["朝阳街38号附2号"]),
        ([WHERE, "客:嘉禾苑十一号楼东单元六楼西户"], ["嘉禾苑11号楼东单元6楼西户"]),
        ([WHERE, "客:八一路十六号三单元二零一"], ["八一路16号3单元201"]),
        ([WHERE, "客:工业园三号厂房"], ["工业园3号厂房"]),
        ([WHERE, "客:创业路与迎宾大道交叉口"], ["创业路与迎宾大道交叉口"]),
        (["客:我住东风农场三队"], ["东风农场3队"]),
        # nothing marks the name as one, or what did was misheard
        (["客:帮我查一下翡翠城十四幢一二零一"], ["翡翠城14幢1201"]),
        (["客:我家在锦绣三栋二零一没电了"], ["锦绣3栋201"]),
        (["客:查下翠屏小曲七洞五零二"], ["翠屏小曲7栋502"]),
        ([WHERE, "客:湖滨路时九号"], ["湖滨路19号"]),
        (["客:我家在湖滨路九号楼,当时九号楼停电了"], ["湖滨路9号楼"]),
        # over a pause
        ([WHERE, "客:江北区春晖小区,六号楼三单元,四零二。"], ["江北区春晖小区6号楼3单元402"]),
        ([WHERE, "客:东湖花园,地下车库二十六号车位"], ["东湖花园地下车库26号车位"]),
        ([WHERE, "客:春晖小区,然后六号楼"], ["春晖小区6号楼"]),
        # bit by bit
        ([WHERE, "客:春晖小区", "坐:几号楼几单元", "客:六号楼三单元四零二"], ["春晖小区6号楼3单元402"]),
        # misheard beyond recognition, but asked for
        ([WHERE, "客:在清山震东花春二族"], ["清山震东花春2族"]),
        # the agent's question was misheard
        (["坐:是哪个小渠的", "客:听雨雅城五号楼,到底还要多久"], ["听雨雅城5号楼"]),
        # named after an office, or beside a plant
        (["客:我在白塔镇小河变电站这边,停电了"], ["白塔镇小河变电站"]),
        (["客:那个人住在牛角坡十七号"], ["牛角坡17号"]),
        (["客:我家在供电所家属院三号楼二单元"], ["供电所家属院3号楼2单元"]),
        # corrected
        ([WHERE, "客:春晖小区六号楼,不对,锦绣花园九号楼"], ["锦绣花园9号楼"]),
        ([WHERE, "客:春晖小区六号楼,电压不对,锦绣花园九号楼也一样"], ["春晖小区6号楼", "锦绣花园9号楼"]),
        ([WHERE, "客:榕树街十九号。不对,十九号是我妈那边,我是二十一号三楼"], ["榕树街21号3楼"]),
        ([WHERE, "客:榕树街十九号三楼,不对,十九号四楼"], ["榕树街19号4楼"]),
        ([WHERE, "客:春晖小区六号楼三单元四零二,不对,是六号楼三单元五零二"], ["春晖小区6号楼3单元502"]),
        ([WHERE, "客:春晖小区六号楼三单元四零二,不对,五号楼"], ["春晖小区5号楼3单元402"]),
        # a question is no correction; that its date is taken for a part is a known mistake
        ([WHERE, "客:榕树街十九号,是不是二十五号交费"], ["榕树街19号25号"]),
        ([WHERE, "客:榕树街十九号,不是,二十一号"], ["榕树街21号"]),
        ([WHERE, "客:榕树街十九号,我记错了,二十一号"], ["榕树街21号"]),
        ([WHERE, "客:榕树街三十九号,那个,不对不对,是二十一号"], ["榕树街21号"]),
        ([WHERE, "客:望江街三号,不是三号,三号是饭店,我是十三号"], ["望江街13号"]),
        ([WHERE, "客:榕树街十七号,不对,十九号"], ["榕树街19号"]),
        ([WHERE, "客:湖头服务区,四号,四号桩"], ["湖头服务区4号"]),
        ([WHERE, "客:幸福路三号三号楼二单元"], ["幸福路3号3号楼2单元"]),
        ([WHERE, "客:幸福路十八号,十八号楼二十五层"], ["幸福路18号18号楼25层"]),
        ([WHERE, "客:就那一号楼三单元"], ["1号楼3单元"]),
        # what a request is about, and what happens to others
        (["客:江北区环湖大道营业厅几点上班"], []),
        (["客:上次在江北区环湖大道供电所交的费"], []),
        (["客:我要投诉营业厅三号窗口,二号柜台也一样"], []),
        (["客:听说江北区春晖小区也停电了"], []),
        (["坐:您上的是哪个小学", "客:听雨雅城五号楼,到底还要多久"], []),
        # places in passing
        (["客:我们小区停电了,隔壁小区都有电"], []),
        (["客:你们营业厅那位态度不好", "客:线路坏了,马路上都是水"], []),
        (["客:我们村口那棵树倒了"], []),
        (["客:能不能给我们这栋留一路"], []),
        (["客:把我院子里照明的线剪了", "客:我住楼道里三层"], []),
        (["客:我们这十几户都没电,一栋楼都黑了"], []),
        (["客:我们这一栋楼都没电,对面那一栋有电"], []),
        (["客:门字里面加一个文那个字"], []),
        (["客:三楼漏水,二楼也跳闸,三月的电费"], []),
        (["客:刚才三号楼二单元也停了", "客:我们三栋二单元都没电"], []),
        (["坐:您在光明路十号三单元吗", "客:对,光明路十号三单元"], []),
        (["坐:车位在哪儿", "客:西区"], []),
    ],
)
def test_addresses(lines: list[str], expected: list[str]) -> None:
    assert data(*lines) == [("地址", address) for address in expected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["客:上个月扣了我三百二十块五"], [("金额", "320.50")]),
        (["客:充了两百,没到账"], [("金额", "200")]),
        (["客:收了五十,说是换开关"], [("金额", "50")]),
        (["客:我问一下换电表是不是要收两百"], []),
        (["客:充了一百块,不对,两百块"], [("金额", "200")]),
        (["客:花了一百多块,以前七八十块"], []),
        (["客:五毛六一度贵不贵", "客:一分钱没收"], []),
        (["客:十一点十一点孩子早睡了"], [("时间", "11:00")]),
        (["客:两点三刻一直没来电"], [("时间", "02:45")]),
        (["客:拖到现在一毛钱没见着", "客:一块钱都没退给我"], []),
        (["客:我充了一块钱,没到账", "客:收了我五毛钱没退给我"], [("金额", "1"), ("金额", "0.50")]),
        (["客:房东收我们一块五一渡"], []),
        (["客:充了三百屋十块"], [("金额", "350")]),
        (["客:充了六百二十一块"], [("金额", "621")]),
        # units and numerals as recognisers write them
        (["客:充了六白块,交了两百快"], [("金额", "600"), ("金额", "200")]),
        (["客:扣了我五百而十八块"], [("金额", "528")]),
        (["客:多收了七百二时五块钱"], [("金额", "725")]),
        (["客:交了期百块"], [("金额", "700")]),
        (["客:退了三百林九元"], [("金额", "309")]),
        (["客:我白跑了两趟,等了两百快三百天", "客:五时多的时候,排到八十快点"], []),
        (["客:我家三块地,用的是一块表"], []),
        (["坐:您欠费一百二十元", "客:一百二十元啊"], []),
        # a price that is asked, and sums in other questions
        (["客:换个空气开关是不是要五十块钱?"], []),
        (["客:换表要收我两百块钱吗"], []),
        (["客:换表要两百块,我交了"], [("金额", "200")]),
        (["客:我昨天充了两百块怎么还没到账?"], [("金额", "200")]),
        (["客:退我两百块是吧?"], [("金额", "200")]),
        (["坐:什么时候方便", "客:明天下午三点"], [("时间", "2026-11-22T15:00")]),
        (["客:昨天就停了,上个月也停过,停了五个小时"], []),
        (["客:请再早一点"], []),
        (["客:物业一时说行一时说不行"], []),
        (["坐:什么时候方便", "客:我六点下班,七点可以吗"], [("时间", "06:00"), ("时间", "07:00")]),
        (["客:明天上午九点来修行不行"], [("时间", "2026-11-22T09:00")]),
        (["客:昨天晚上八点停的电"], [("时间", "2026-11-20T20:00")]),
        (["客:今天早上八点停的电到现在还没有来你们能不能快点"], [("时间", "2026-11-21T08:00")]),
        (["客:昨天晚上八点停电了你们知道吗"], [("时间", "2026-11-20T20:00")]),
        # in passing
        (["坐:什么时候停的", "客:现在都八点了"], []),
        # points of a speech, parts of a character
        (["客:我说三点啊,第一你们通知太晚"], []),
        (["坐:您说几点", "客:我说三点"], [("时间", "03:00")]),
        (["客:我昨天说下午三点来"], [("时间", "15:00")]),
        (["坐:请问怎么写", "客:三点水的那个字"], []),
        (["客:昨天下午三点水管爆了"], [("时间", "2026-11-20T15:00")]),
        (["坐:什么时候停的", "客:线在豆八点了"], []),
        (["坐:给您约的是周四下物两点", "客:周四下午两点啊"], []),
        (["客:现在都八点了", "客:八点能来电吗", "客:五点会不会停电?"], []),
        (["客:我七点上班,晚上十点回来", "客:一般下午三点抄表"], []),
        (["客:以前每个月五十块钱,每个月交六十块"], []),
    ],
)
def test_sums_and_times(lines: list[str], expected: list[tuple[str, str]]) -> None:
    assert data(*lines) == expected


@pytest.mark.parametrize(
    ("lines", "confidence"),
    [
        (["客:那还行,四点说他们包线"], 0.5),
        (["客:四点半停的电"], 0.8),
        (["客:下午四点停的电"], 0.8),
        (["坐:什么时候停的", "客:四点"], 0.8),
        (["客:电话幺三八,五五零三,三七二幺,不对,三七二六"], 0.8),
        (["客:电话幺三八五五零三三七二幺,不对,三七二六二六"], 0.5),
        ([WHERE, "客:榕树街十七号,不对,十九号"], 0.5),
    ],
)
def test_what_may_have_been_misunderstood_is_in_doubt(lines: list[str], confidence: float) -> None:
    (datum,) = extract(dialogue(*lines), reference=CALL_DAY)
    assert datum.confidence == confidence


def test_an_incomplete_number_is_in_doubt() -> None:
    (datum,) = extract(dialogue("客:电话幺三四七七五三零零"))
    assert datum.confidence == 0.5


SPEECH = st.text(alphabet="我姓周叫吴志明电话户号幺三八零一二点元块小区楼在不对,。 路五", max_size=30)


@given(st.lists(st.tuples(st.sampled_from("坐客"), SPEECH), max_size=6))
def test_any_dialogue_gives_data_that_lie_in_the_customers_turns(lines: list[tuple[str, str]]) -> None:
    turns = dialogue(*(f"{role}:{said}" for role, said in lines))
    found = extract(turns, reference=CALL_DAY)
    assert list(found) == sorted(found, key=lambda datum: (datum.turn, datum.start))
    for datum in found:
        check_places(datum, turns)
        repeat = repeat_back(datum, turns)
        assert repeat.said_back is (repeat.match is not None)
        if repeat.turn is not None and repeat.start is not None and repeat.end is not None:
            assert turns[repeat.turn].role == "agent"
            assert 0 <= repeat.start <= repeat.end <= len(turns[repeat.turn].text)


def check_places(datum: Datum, turns: list[Turn]) -> None:
    assert datum.value
    assert datum.turn <= datum.last_turn
    for place in datum.places:
        assert turns[place.turn].role == "customer"
        assert 0 <= place.start < place.end <= len(turns[place.turn].text)


def test_a_surname_with_a_title_that_nobody_asked_for_is_in_doubt() -> None:
    (datum,) = extract(dialogue("客:王经理说可以的"))
    assert (datum.value, datum.confidence) == ("王", 0.5)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("客:电话幺三四七七五三零零幺请记一下", id="the next word is none of its digits"),
        pytest.param("客:电话二三四七七五三零零请八", id="no mobile number"),
        pytest.param("客:电话幺三请七请请三零零幺八", id="too many"),
    ],
)
def test_words_that_sound_almost_like_digits_stay_words(said):
    assert all(len(value) < 11 for _, value in data(said))


@pytest.mark.parametrize("said", ["我先问一下电费", "我想问", "我先报电话", "我行不行"])
def test_what_is_no_surname(said):
    assert data("坐:请问怎么称呼您", f"客:{said}") == []


def test_an_account_number_that_begins_with_a_homophone_is_in_doubt() -> None:
    (datum,) = extract(dialogue("客:户号拔零二六四四幺七"))
    assert (datum.value, datum.confidence) == ("80264417", 0.5)


@pytest.mark.parametrize(
    ("agent", "customer", "kinds"),
    [
        ("预计下午六点来电。", "六点啊,那等等吧。", []),
        ("上期是一百三十六块。", "一百三十六块,这么多。", []),
        ("一共是二十五块。", "五块我交过了。", ["金额"]),
        ("师傅早上七点可以到。", "早上不行,晚上七点来。", ["时间"]),
        ("上期是一百三十六块。", "不是,我交的是一百三十九块。", ["金额"]),
    ],
)
def test_what_the_agent_said_before_is_no_datum_what_corrects_it_is(
    agent: str, customer: str, kinds: list[str]
) -> None:
    assert [kind for kind, _ in data(f"坐:{agent}", f"客:{customer}")] == kinds
