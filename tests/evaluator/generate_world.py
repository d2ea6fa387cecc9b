"""Random segments and dimensions over random traits."""

from __future__ import annotations

from random import Random

from tests.evaluator.generate_conditions import condition, moving
from tests.evaluator.generate_conditions import number as random_number
from tests.evaluator.generate_traits import KINDS, random_trait
from tests.evaluator.generate_values import DAYS, NUMBERS
from tests.evaluator.making import Making
from tests.evaluator.model import Dimension, Segment, Trait
from tests.evaluator.schema import number


def random_segment(make: Making) -> Segment:
    when = condition(make)
    return Segment(when=when, leaves_when=condition(make, 1) if make.chance(0.25) else None)


def random_dimension(make: Making) -> Dimension:
    rng = make.rng
    texts = make.of_value("text")
    form = rng.randrange(5 if texts else 4)
    if form == 4:
        numbers = [name for name in make.of_value("number") if make.traits[name[1]].formula is None]
        of = rng.choice(numbers) if numbers and make.chance(0.3) else rng.choice([*texts, ("profile", "city")])
        return Dimension(values_of=of, missing="none" if make.chance(0.7) else "cats")
    if form >= 2:
        bands = moving(make) if form == 2 else random_number(make)
        edges = {number(text): text for text in (DAYS if form == 2 else NUMBERS)}  # no two that are read alike
        at = [edges[edge] for edge in sorted(rng.sample(sorted(edges), rng.choice([1, 2, 3])))]
        names = ("low", "mid", "high", "top")[: len(at) + 1]
        return Dimension(bands=bands, at=tuple(at), names=names, missing=rng.choice(["never", "low"]))
    values = ["gold", "silver", "bronze", "other"][-rng.choice([2, 3, 4]) :]
    cases = tuple((value, condition(make, 1)) for value in values[:-1])
    return Dimension(cases=(*cases, (values[-1], None)))


def other_formula(make: Making) -> Trait:
    """A formula that gives a text, a time or a flag."""
    rng = make.rng
    texts, times = make.of_value("text"), make.of_value("time")
    if len(texts) > 1 and make.chance(0.4):
        return Trait(kind="formula", value="text", nullable=True, formula=("call", "coalesce", tuple(texts[:2])))
    if texts and make.chance(0.4):
        lower = ("call", "lower", (rng.choice(texts),))
        return Trait(kind="formula", value="text", nullable=True, formula=lower)
    if len(times) > 1 and make.chance(0.5):
        choice = ("if", times[0], ("<", times[0], times[1]), times[1])
        return Trait(kind="formula", value="time", nullable=True, formula=choice)
    return Trait(kind="formula", value="flag", nullable=False, formula=condition(make, 1))


def random_world(rng: Random) -> Making:
    """4 to 10 traits and as many formulas as fit, 5 to 12 segments, 2 to 4 dimensions, in one order."""
    make = Making(rng)
    for index in range(rng.randint(4, 9)):
        kind = rng.choice([*KINDS, "mean_gap_days"])
        make.traits[f"t{index}"] = random_trait(make, kind)
    if not make.of_value("number"):
        make.traits["orders"] = random_trait(make, "count")
    if make.chance(0.3):
        make.traits["g"] = other_formula(make)
    for index in range(rng.choice([0, 1, 1, 2])):
        formula = moving(make) if make.chance(0.25) else random_number(make, 2)
        make.traits[f"f{index}"] = Trait(kind="formula", value="number", nullable=True, formula=formula)
    wanted = [f"s{index}" for index in range(rng.randint(5, 12))] + [f"d{index}" for index in range(rng.randint(2, 4))]
    rng.shuffle(wanted)
    for name in wanted:
        if name.startswith("s"):
            make.segments[name] = random_segment(make)
        else:
            make.dimensions[name] = random_dimension(make)
        make.order.append(name)
    return make
