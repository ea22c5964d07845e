"""Invented names: of people, places and bodies. The same random state gives the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain, count
from random import Random

_SURNAMES = {
    210: "陈", 160: "林", 105: "黄", 75: "张", 60: "王李", 50: "吴", 40: "蔡许郑杨", 26: "谢郭洪苏", 20: "叶刘庄曾柯",
    15: "邱周江卢颜", 10: "何徐施赖潘罗方", 7: "温钟沈余胡朱傅", 4: "马廖纪魏戴石白",
}  # fmt: skip
_WEIGHTS = {name: weight for weight, names in _SURNAMES.items() for name in names} | {"欧阳": 2}
SURNAMES, WEIGHTS = list(_WEIGHTS), list(_WEIGHTS.values())
_FIRST = "志建文明国永海少金天小晓雅美丽秀淑惠思嘉子俊家锦清庆添水亚玉瑞宗振育佳婉"
_LAST = "伟强华辉杰龙福兴生平英珍玲燕芳婷萍梅云珠琴远航宇轩怡妍彬敏健财治成来根雯"
_ALONE = "伟强磊军勇杰涛超明辉敏静丽芳娟艳玲燕萍娜婷颖"

_PLACES = "海新东西金凤龙石莲青兴祥瑞安锦云鼎芸渐贞", "阳屿塘山湖坂埔厝井美岭溪湾林田坑寨桥江瑶"
_BRANDS = "恒盛顺联泰宏博聚卓信铭泽润晟翔", "达源丰通成鑫远嘉华益利康越和旺"
_TRADES = (
    "电子", "机械", "食品", "包装", "物流", "新材料", "生物医药", "服饰", "五金", "建材", "光电", "汽车配件", "餐饮", "园林",
    "家具",
)  # fmt: skip


def surname(random: Random) -> str:
    return random.choices(SURNAMES, WEIGHTS)[0]


def person(random: Random, family: str | None, reserved: Collection[str]) -> str:
    """A full name that is not reserved; most of a household share its surname.

    One in five has a single given character, so that namesakes are as common as they are.
    """
    while True:
        first = family if family and random.random() < 0.7 else surname(random)
        given = random.choice(_ALONE) if random.random() < 0.2 else random.choice(_FIRST) + random.choice(_LAST)
        if first + given not in reserved:
            return first + given


def enterprise(number: int) -> str:
    """The name of the n-th enterprise; no two have the same."""
    known = len(_BRANDS[0]) * len(_BRANDS[1]) * len(_TRADES)
    province, number = ("厦门", "福建", "闽南", "鹭岛")[number // known % 4], number * 1009 % known
    number, trade = divmod(number, len(_TRADES))
    last, first = divmod(number, len(_BRANDS[0]))
    return f"{province}{_BRANDS[0][first]}{_BRANDS[1][last]}{_TRADES[trade]}有限公司"


def places(taken: set[str]) -> Iterator[str]:
    """Names of places that are not taken, without end and no two the same."""
    firsts, lasts = _PLACES
    for prefix in chain(("", *"上下前后内外大小南北中"), map(str, count(2))):
        for i in range(len(firsts) * len(lasts)):
            name = prefix + firsts[i % len(firsts)] + lasts[(i * 7 + i // len(firsts)) % len(lasts)]
            if name not in taken:
                yield name


_ORGANIZATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UNIFIED = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code(kind: str, number: int) -> str:
    """A unified social credit code of Haicang (350205) that checks, for the n-th invented body.

    `kind` is the registering authority and category, such as 91 for enterprises. Both check characters are right:
    that of the organization code (GB 11714) and that of the whole (GB 32100).
    """
    digits = ""
    for _ in range(6):
        number, rest = divmod(number, len(_UNIFIED))
        digits = _UNIFIED[rest] + digits
    body = "MA" + digits
    total = sum(_ORGANIZATION.index(c) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    code = f"{kind}350205{body}{'0123456789X0'[11 - total % 11]}"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    return code + _UNIFIED[-sum(_UNIFIED.index(c) * w for c, w in zip(code, weights, strict=True)) % 31]
