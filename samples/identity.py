"""Identities of the synthetic heads: every trait is drawn from a generator seeded by the name.

The two identities of a *group*, the filmed person and the donor of the face, share sex and are
close in skin tone, as forgers choose their donors.
"""

import zlib
from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]
"""Blue, green, red; linear light in [0, 1]."""

SKIN_TONES = ("e6c4b2", "dcb59e", "cda086", "b98a6f", "9f7058", "7f5742", "63412f", "482f22")
HAIR_COLOURS = ("17110e", "2a1b12", "3d2716", "5b3a1e", "8a6234", "b08d57", "6b2f16", "6a645d")
IRIS_COLOURS = ("3b2414", "5a3b1e", "6d5a2c", "55733f", "4d7391", "6f8694")
CLOTHES = ("20304f", "5c1f24", "2f4a38", "8c8377", "b9b4aa", "26262b", "6a4a7a", "a8683a")

SHAPES = (
    *("head/head-oval", "head/head-round", "head/head-square", "head/head-rectangular"),
    *("head/head-triangular", "head/head-invertedtriangular", "head/head-diamond"),
)
OPPOSITES = (
    *(("head/head-fat", "decr", "incr"), ("head/head-scale-vert", "decr", "incr")),
    *(("chin/chin-height", "decr", "incr"), ("chin/chin-width", "decr", "incr")),
    *(("chin/chin-prominent", "decr", "incr"), ("chin/chin-jaw-drop", "decr", "incr")),
    *(
        ("forehead/forehead-scale-vert", "decr", "incr"),
        ("forehead/forehead-temple", "decr", "incr"),
    ),
    *(("nose/nose-scale-horiz", "decr", "incr"), ("nose/nose-scale-vert", "decr", "incr")),
    *(("nose/nose-hump", "decr", "incr"), ("nose/nose-point", "down", "up")),
    *(("nose/nose-width1", "decr", "incr"), ("nose/nose-flaring", "decr", "incr")),
    *(("mouth/mouth-scale-horiz", "decr", "incr"), ("mouth/mouth-trans", "down", "up")),
    *(
        ("mouth/mouth-upperlip-height", "decr", "incr"),
        ("mouth/mouth-lowerlip-height", "decr", "incr"),
    ),
    *(("eyebrows/eyebrows-trans", "down", "up"), ("eyebrows/eyebrows-angle", "down", "up")),
)
EYES = (("scale", "decr", "incr"), ("trans", "in", "out"), ("corner2", "down", "up"))
CHEEKS = (("bones", "decr", "incr"), ("volume", "decr", "incr"))
EARS = (("wing", "decr", "incr"), ("scale", "decr", "incr"))


@dataclass(frozen=True)
class Hair:
    """Hair, brows and beard.

    Attributes:
        colour: Of the hair; brows and beard are mixed from it.
        hairline: Heights of its lower edge at the angles `HAIRLINE_ANGLES` from front to back.
        thickness: How far the cap stands off the skull.
        cover: Density in [0, 1].
        beard: Density of the beard in [0, 1].
        brow: Thickness of the brows.
    """

    colour: Colour
    hairline: tuple[float, ...]
    thickness: float
    cover: float
    beard: float
    brow: float


@dataclass(frozen=True)
class Light:
    """One key light, one fill light and a sky over a ground.

    Attributes:
        key, fill: Unit vectors towards the lights.
        key_colour, sky, ground: Radiances.
    """

    key: tuple[float, float, float]
    fill: tuple[float, float, float]
    key_colour: Colour
    sky: Colour
    ground: Colour


@dataclass(frozen=True)
class Identity:
    """One synthetic person and the room he or she is filmed in.

    Attributes:
        name: Seeds everything random about the person.
        targets: Weights of MakeHuman targets by name.
        ancestry: Weights of the african, asian and caucasian targets, summing to 1.
        skin, lips, iris, clothes: Albedos.
        grain: Strength of the skin's fine texture.
        freckles: Strength of its spots.
        neckline: Height of the collar, and how deep its V is.
        face_height: From chin to hairline, in pixels of the frame.
        blur: Standard deviation of the lens's blur, in pixels.
        noise: Standard deviation of the camera's noise at mid grey, in grey levels.
    """

    name: str
    targets: dict[str, float]
    ancestry: dict[str, float]
    skin: Colour
    lips: Colour
    iris: Colour
    clothes: Colour
    grain: float
    freckles: float
    hair: Hair
    light: Light
    neckline: tuple[float, float]
    face_height: float
    blur: float
    noise: float


HAIRLINE_ANGLES = (0.0, 35.0, 62.0, 82.0, 100.0, 125.0, 180.0)
"""Degrees around the skull, from the forehead to the nape."""


def seeded(*words: object) -> np.random.Generator:
    """Return a random generator seeded by the words."""
    return np.random.default_rng(zlib.crc32("/".join(map(str, words)).encode()))


def linear(colour: str) -> Colour:
    """``"rrggbb"`` in sRGB to linear (blue, green, red)."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return blue**2.2, green**2.2, red**2.2


def make_identity(group: int, member: int) -> Identity:
    """Draw one identity.

    Args:
        group: Number of the group; what both members share comes from it.
        member: 0 for the filmed person, 1 for the donor.
    """
    name = f"group{group:02d}-{('target', 'donor')[member]}"
    shared, rng = seeded("group", group), seeded(name)
    male = bool(group % 2)
    tone = float(np.clip(shared.uniform(0.2, 6.8) + rng.uniform(-0.6, 0.6), 0, 7))
    ancestry = _ancestry(tone, rng)
    years = float(np.clip(rng.beta(1.3, 2.0), 0.0, 1.0))
    skin = _between(SKIN_TONES, tone)
    grey = years > 0.75
    dark = int(rng.integers(0, 8 if tone < 3 else 3))
    return Identity(
        name=name,
        targets=_targets(male, years, ancestry, rng),
        ancestry=ancestry,
        skin=skin,
        lips=_mix(
            skin,
            linear(str(rng.choice(["b8585a", "a84a4c", "c4706a"]))),
            (0.4 if male else 0.65) * (1 - 0.08 * tone),
        ),
        iris=linear(IRIS_COLOURS[int(rng.integers(0, 6 if tone < 3 else 2))]),
        clothes=linear(str(rng.choice(CLOTHES))),
        grain=float(rng.uniform(0.5, 1.15)),
        freckles=float(rng.uniform(0.0, 1.0) ** 3),
        hair=_hair(male, linear(HAIR_COLOURS[7 if grey else dark]), rng),
        light=_light(rng),
        neckline=(float(rng.uniform(5.58, 5.8)), float(rng.choice([0.0, 0.0, 0.35, 0.6]))),
        face_height=float(rng.uniform(184, 206)),
        blur=float(rng.uniform(0.25, 0.7)),
        noise=float(rng.uniform(2.0, 3.6)),
    )


def _ancestry(tone: float, rng: np.random.Generator) -> dict[str, float]:
    favoured = np.array(
        [np.clip((tone - 3) / 2, 0, 1), float(1 < tone < 5), np.clip((4 - tone) / 2, 0, 1)]
    )
    weights = rng.dirichlet(0.25 + 2.0 * favoured)
    return dict(zip(("african", "asian", "caucasian"), weights.tolist(), strict=True))


def _targets(
    male: bool, years: float, ancestry: dict[str, float], rng: np.random.Generator
) -> dict[str, float]:
    """Target weights: sex, age, build and ancestry, then twenty-odd single features."""
    weights: dict[str, float] = {}
    manly = float(np.clip((0.88 if male else 0.1) + rng.normal(0, 0.08), 0, 1))
    build = float(np.clip(rng.normal(0, 0.4), -0.8, 0.8))
    for sex, of_sex in (("male", manly), ("female", 1 - manly)):
        for age, of_age in (("young", 1 - years), ("old", years)):
            share = of_sex * of_age
            for people, of_people in ancestry.items():
                weights[f"macrodetails/{people}-{sex}-{age}"] = share * of_people
            body = f"macrodetails/universal-{sex}-{age}-averagemuscle"
            weights[f"{body}-averageweight"] = share * (1 - abs(build))
            weights[f"{body}-{'max' if build > 0 else 'min'}weight"] = share * abs(build)
    weights[str(rng.choice(SHAPES))] = float(rng.uniform(0.3, 0.9))
    for stem, less, more in OPPOSITES:
        # Brows moved far would cut into the eyes.
        value = rng.normal(0, 0.1 if stem.startswith("eyebrows") else 0.3)
        weights[f"{stem}-{less if value < 0 else more}"] = float(min(abs(value), 0.9))
    for folder, features in (
        ("eyes/{}-eye", EYES),
        ("cheek/{}-cheek", CHEEKS),
        ("ears/{}-ear", EARS),
    ):
        for feature, less, more in features:
            value = rng.normal(0, 0.3)
            for side in "lr":
                key = f"{folder.format(side)}-{feature}-{less if value < 0 else more}"
                weights[key] = float(np.clip(abs(value) + rng.normal(0, 0.05), 0, 0.9))
    return weights


def _hair(male: bool, colour: Colour, rng: np.random.Generator) -> Hair:
    front = rng.uniform(7.9, 8.25) if male else rng.uniform(7.9, 8.1)
    corner = front + (rng.uniform(0.0, 0.15) if male else rng.uniform(-0.05, 0.05))
    temple = min(front, 8.05) - rng.uniform(0.05, 0.25)
    side = rng.uniform(7.25, 7.55) if male else rng.uniform(6.9, 7.3)
    nape = rng.uniform(6.5, 6.8) if male else rng.uniform(5.9, 6.3)
    return Hair(
        colour=colour,
        hairline=(front, corner, temple, side, side - 0.1, nape, nape - 0.2),
        thickness=float(rng.uniform(0.06, 0.2) if male else rng.uniform(0.18, 0.3)),
        cover=float(rng.uniform(0.85, 1.0)),
        beard=float(rng.choice([0.0, 0.2, 0.45, 0.75])) if male else 0.0,
        brow=float(rng.uniform(0.034, 0.046) if male else rng.uniform(0.024, 0.034)),
    )


def _light(rng: np.random.Generator) -> Light:
    side = float(rng.choice([-1.0, 1.0]))
    key = _unit(side * rng.uniform(0.25, 0.9), rng.uniform(0.25, 0.7), rng.uniform(0.7, 1.0))
    fill = _unit(-side * rng.uniform(0.6, 1.0), rng.uniform(-0.1, 0.3), 0.6)
    warm, strength = rng.uniform(-0.04, 0.18), rng.uniform(0.8, 1.1)
    return Light(
        key=key,
        fill=fill,
        key_colour=(strength * (1 - warm), strength, strength * (1 + warm)),
        sky=_scaled((1 + 0.5 * warm, 1.0, 1 - 0.5 * warm), rng.uniform(0.28, 0.46)),
        ground=_scaled((0.85, 0.95, 1.0), rng.uniform(0.16, 0.28)),
    )


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = float(np.sqrt(x * x + y * y + z * z))
    return x / length, y / length, z / length


def _scaled(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    blue, green, red = (a * (1 - share) + b * share for a, b in zip(first, second, strict=True))
    return blue, green, red


def _between(palette: tuple[str, ...], position: float) -> Colour:
    index = min(int(position), len(palette) - 2)
    return _mix(linear(palette[index]), linear(palette[index + 1]), position - index)
