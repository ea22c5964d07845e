"""Invented names: of people, places and bodies. The same random state gives the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain, count
from random import Random

_SURNAMES = (
    "陈 210 林 160 黄 105 张 75 王 60 李 60 吴 52 蔡 42 许 38 郑 38 杨 36 谢 28 郭 26 洪 26 苏 24 叶 22 刘 22 庄 20"
    " 曾 18 柯 18 邱 16 周 16 江 14 卢 14 颜 12 何 12 徐 12 施 10 赖 10 潘 9 罗 9 方 9 温 8 钟 8 沈 8 余 7 胡 7 朱 7"
    " 傅 6 马 5 廖 5 纪 5 魏 5 戴 4 石 4 白 3 欧阳 2"
).split()
SURNAMES = _SURNAMES[::2]
_WEIGHTS = [int(w) for w in _SURNAMES[1::2]]
_FIRST = "志 建 文 明 国 永 海 少 金 天 小 晓 雅 美 丽 秀 淑 惠 思 嘉 子 俊 家 锦 清 庆 添 水 亚 玉 瑞 宗 振 育 佳 婉".split()
_LAST = "伟 强 华 辉 杰 龙 福 兴 生 平 英 珍 玲 燕 芳 婷 萍 梅 云 珠 琴 远 航 宇 轩 怡 妍 彬 敏 健 财 治 成 来 根 雯".split()
_ALONE = "伟 强 磊 军 勇 杰 涛 超 明 辉 敏 静 丽 芳 娟 艳 玲 燕 萍 娜 婷 颖".split()

PLACES = ("海 新 东 西 金 凤 龙 石 莲 青 兴 祥 瑞 安 锦 云 鼎 芸 渐 贞".split(), "阳 屿 塘 山 湖 坂 埔 厝 井 美 岭 溪 湾 林 田 坑 寨 桥 江 瑶".split())  # fmt: skip
_TRADES = "电子 机械 食品 包装 物流 新材料 生物医药 服饰 五金 建材 光电 汽车配件 餐饮 园林 家具".split()
_BRANDS = (
    "恒 盛 顺 联 泰 宏 博 聚 卓 信 铭 泽 润 晟 翔".split(),
    "达 源 丰 通 成 鑫 远 嘉 华 益 利 康 越 和 旺".split(),
)


def surname(random: Random) -> str:
    return random.choices(SURNAMES, _WEIGHTS)[0]


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
    firsts, lasts = PLACES
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
