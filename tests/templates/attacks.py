"""Templates that try to get out, and templates that try to use everything up, by the words that refuse them."""

from __future__ import annotations

from collections.abc import Mapping

DOUBLE = "{% set x = 'aaaaaaaaaaaaaaaa' %}"
SPREAD = "{% for a in range(100) %}{% for b in range(100) %}"
END = "{% endfor %}{% endfor %}"

ESCAPES: Mapping[str, Mapping[str, str]] = {
    "begin with a letter": {
        "class of a text": "{{ ''.__class__ }}",
        "base of a number": "{{ (1).__class__.__base__ }}",
        "globals of range": "{{ range.__globals__ }}",
        "init of a group": "{{ customer.__init__.__globals__.__builtins__ }}",
        "lipsum's globals": "{{ lipsum.__globals__['os'] }}",
        "self's context": "{{ self._TemplateReference__context }}",
        "request": "{{ request.application.__globals__ }}",
        "loop's context": "{% for i in items %}{{ loop._iterable }}{% endfor %}",
        "loop's cycle's function": "{% for i in items %}{{ loop.cycle.__func__ }}{% endfor %}",
        "wide letters": "{{ ''.__\N{FULLWIDTH LATIN SMALL LETTER C}lass__ }}",
        "wide letters, a name": "{% set \N{FULLWIDTH LATIN SMALL LETTER C} = 1 %}x",
        "letters that fold together": "{{ ''.__cla\N{LATIN SMALL LETTER LONG S}\N{LATIN SMALL LETTER LONG S}__ }}",
    },
    "has no '": {
        "class by item": "{{ ''['__class__'] }}",
        "class by a made name": "{{ ''['__cla' ~ 'ss__'] }}",
        "mro without underscores": "{{ traits.mro }}",
        "method of a group, not called": "{{ traits.update }}",
        "map over an attribute": "{{ items | map(attribute='__class__') | join }}",
        "sort by an attribute": "{{ items | sort('__class__') | length }}",
        "select by an attribute": "{{ items | selectattr('__class__') | length }}",
        "hidden underscores": "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
        "hidden underscores, written out": "{{ ''['\\N{LOW LINE}\\N{LOW LINE}class__'] }}",
        "a loop of one's own": "{% set loop = traits %}{{ loop.cycle(1) }}",
        "a field that is not there": "{{ traits.ordrs }}",
    },
    "can be called": {
        "mro": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "method of a group": "{{ customer.items() }}",
        "method of a list": "{{ items.append(1) }}",
        "method of a text": "{{ customer.first_name.upper() }}",
        "format": "{{ '{0.__class__}'.format(customer) }}",
        "format_map": "{{ '{a.__class__}'.format_map(customer) }}",
        "format kept in a name": "{% set f = '{0}'.format %}{{ f(1) }}",
        "cycler": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "joiner": "{{ joiner('a')() }}",
        "lipsum": "{{ lipsum(1000) }}",
        "namespace": "{% set ns = namespace(a=1) %}{{ ns.a }}",
        "dict": "{{ dict(a=1) }}",
        "super": "{{ super() }}",
        "caller": "{{ caller() }}",
        "config": "{{ config.items() }}",
        "loop's recursion": "{% for i in items %}{{ loop(items) }}{% endfor %}",
        "loop's changed": "{% for i in items %}{{ loop.changed(customer) }}{% endfor %}",
        "now": "{{ now() }}",
        "calling a value": "{{ customer.first_name() }}",
        "calling a filter's result": "{{ ('a' | upper)() }}",
        "calling through an if": "{{ (range if true else range)(3) }}",
        "calling by the name of a function": "{% for range in items %}{{ range.name(3) }}{% endfor %}",
        "calling range under another name": "{% set r = range %}{{ r(3) }}",
    },
    "cannot be called": {
        "a value under the name of a function": "{% for range in items %}{{ range(3) }}{% endfor %}",
        "a text under the name of a function": "{% set range = 'a' %}{{ range(3) }}",
    },
    "cannot be written": {
        "range itself": "{{ range }}",
        "loop itself": "{% for i in items %}{{ loop }}{% endfor %}",
        "loop's cycle, not called": "{% for i in items %}{{ loop.cycle }}{% endfor %}",
        "a group written": "{{ customer }}",
        "a list written": "{{ items }}",
    },
    "a text, number, flag or null belongs here": {
        "range as an item": "{{ [range] }}",
    },
    "no filter is called": {
        "format filter": "{{ '%s' | format(customer) }}",
        "attr filter": "{{ customer | attr('__class__') }}",
        "safe": "{{ customer.first_name | safe }}",
        "random": "{{ items | random }}",
        "shuffle": "{{ items | shuffle }}",
        "pprint": "{{ customer | pprint }}",
        "tojson": "{{ customer | tojson }}",
        "xmlattr": "{{ customer | xmlattr }}",
        "groupby": "{{ items | groupby('name') }}",
        "a filter that is no name": "{{ items | items_of_a_loop }}",
    },
    "a number belongs here; found": {
        "percent formatting": "{{ '%s' % customer }}",
        "percent formatting, wide": "{{ '%1000000000d' % 1 }}",
    },
    "positional arguments": {
        "map to attr": "{{ [customer.first_name] | map('attr', '__class__') | join }}",
    },
    "nothing was written": {
        "map over a dotted attribute": "{{ items | map(attribute='name.__class__') | join }}",
    },
    "is not available": {
        "setting an attribute": "{% set customer.first_name = 'x' %}",
        "recursive loop": "{% for i in items recursive %}{{ loop([i]) }}{% endfor %}",
        "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "call block": "{% call range() %}{% endcall %}",
        "block": "{% block a %}{% endblock %}",
        "set block": "{% set a %}x{% endset %}",
        "filter block": "{% filter upper %}x{% endfilter %}",
        "include": "{% include 'a/sms.txt' %}",
        "import": "{% import 'a/sms.txt' as a %}",
        "from import": "{% from 'a/sms.txt' import a %}",
        "extends": "{% extends 'a/sms.txt' %}",
        "do": "{% do items.clear() %}",
        "autoescape off": "{% autoescape false %}{{ customer.first_name }}{% endautoescape %}",
    },
    "nothing is called": {
        "self": "{{ self }}",
        "environment": "{{ environment }}",
        "context": "{{ context }}",
        "the code's own names": "{{ l_0_customer }}{{ missing }}{{ undefined }}{{ t_1 }}",
        "misspelled": "{{ custmer.first_name }}",
    },
    "no tag is called": {
        "debug": "{% debug %}",
        "trans": "{% trans %}x{% endtrans %}",
    },
    "no test is called": {
        "a function as a test": "{{ customer is callable }}",
        "a test of identity": "{{ customer is sameas customer }}",
    },
    "are not available": {
        "unpacked arguments": "{{ range(*[1, 2]) }}",
        "unpacked keywords": "{{ 'a' | replace(**{'old': 'a', 'new': 'b'}) }}",
    },
    "half a surrogate": {
        "half a letter": "{{ '\\ud800' }}",
    },
    "missing a required": {
        "a keyword that Python knows": "{{ 'a' | replace('a', class='b') }}",
    },
    "can't assign": {
        "a name that Python knows": "{% set None = 1 %}",
    },
}

BOMBS: Mapping[str, Mapping[str, str]] = {
    "a number belongs here; found": {
        "text times a number": "{{ 'x' * 1000000000 }}",
        "number times a text": "{{ 1000000000 * 'x' }}",
        "list times a number": "{{ ([0] * 1000000000) | length }}",
        "list plus list": "{% set a = [1] + [2] %}{{ a | length }}",
    },
    "is not available": {
        "power": "{{ 9 ** 9 ** 9 }}",
        "power, small": "{{ 2 ** 2 }}",
        "deep set blocks": "{% set a %}" * 3000 + "x" + "{% endset %}" * 3000,
    },
    "must be smaller than 10^30": {
        "products": "{% set x = 999999999999999 %}{{ x * x * x }}",
        "products in a loop": "{% set x = 10 ~ '' %}{{ ('1' ~ '0') | length * 100000000000000000000000000000 * 10 }}",
        "a huge number": "{{ " + "9" * 5000 + " }}",
        "a huge fraction": "{{ 1e308 * 10 }}",
        "infinity": "{{ 1e999 }}",
        "not a number": "{{ 1e999 - 1e999 }}",
    },
    "a text may have 262,144 characters": {
        "doubling": DOUBLE + "{% set x = x ~ x %}" * 30 + "{{ x }}",
        "doubling with plus": DOUBLE + "{% set x = x + x %}" * 30 + "{{ x }}",
        "doubling with join": DOUBLE + "{% set x = [x, x] | join %}" * 30 + "{{ x }}",
        "doubling with replace": DOUBLE + "{% set x = x | replace('a', 'aa') %}" * 30 + "{{ x }}",
    },
    "a text, number, flag or null belongs here": {
        "doubling with a list in itself": "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x | length }}",
        "doubling with a group in itself": "{% set x = {'a': 1} %}"
        + "{% set x = {'a': x, 'b': x} %}" * 40
        + "{{ x.a }}",
        "doubling with a tuple in itself": "{% set x = (1, 1) %}" + "{% set x = (x, x) %}" * 40 + "{{ x == x }}",
        "doubling in rows": "{% set x = [1] %}"
        + "{% set x = [x | first, x | batch(1) | first] %}" * 40
        + "{{ x == x }}",
    },
    "characters together": {
        "many long texts": DOUBLE
        + "{% set x = x ~ x %}" * 13
        + "".join(f"{{% set x{n} = x ~ '{n}' %}}" for n in range(3000))
        + "{{ x }}",
        "long texts in loops": DOUBLE + "{% set x = x ~ x %}" * 13 + SPREAD + "{% set y = x ~ a ~ b %}" + END + "done",
        "long texts sliced": DOUBLE + "{% set x = x ~ x %}" * 14 + SPREAD + "{% set y = x[::-1] %}" * 50 + END + "done",
        "long texts filtered": DOUBLE
        + "{% set x = x ~ x %}" * 13
        + "{% for a in range(1000) %}{{ (x | upper | lower | urlencode)[:1] }}{% endfor %}",
    },
    "1,000,000 steps": {
        "long texts compared": DOUBLE
        + "{% set x = x ~ x %}" * 13
        + "{% set y = x ~ 'b' %}{% set z = x ~ 'c' %}"
        + SPREAD
        + "{% if y == z or y in z or y < z %}x{% endif %}" * 20
        + END
        + "done",
        "long texts sorted": DOUBLE
        + "{% set x = x ~ x %}" * 12
        + "{% set l = ["
        + ", ".join(f"x ~ '{n}'" for n in range(40))
        + "] %}{% for a in range(1000) %}{{ (l | sort | unique | first)[:1] }}{% endfor %}",
        "heavy turns": SPREAD + "{% if a + b > a - b and a * b >= a %}x{% endif %}" * 200 + END,
    },
    "no filter is called": {
        "center": "{{ 'x' | center(1000000000) }}",
        "indent": "{{ 'x' | indent(1000000000) }}",
        "wordwrap": "{{ 'x' | wordwrap(1) }}",
        "urlize": "{{ ('a' * 100000) | urlize }}",
        "striptags": "{{ '<!--' | striptags }}",
        "slice filter": "{{ items | slice(1000000000) }}",
    },
    "can be called": {
        "ljust": "{{ 'x'.ljust(1000000000) }}",
        "zfill": "{{ 'x'.zfill(1000000000) }}",
        "expandtabs": "{{ '\\t'.expandtabs(1000000000) }}",
    },
    "positional arguments": {
        "batch with filling": "{{ items | batch(1000000000, 'x') | length }}",
    },
    "belongs here": {
        "batch of rows too long": "{{ items | batch(1000000000) | length }}",
        "round to a billion places": "{{ 1 | round(1000000000) }}",
        "number with a billion places": "{{ 1 | number(1000000000) }}",
        "truncate to a billion": "{{ 'x' | truncate(1000000000) }}",
    },
    "a range may have": {
        "range": "{{ range(1000000000) | length }}",
        "range, wide": "{% for i in range(0, 1000000000, 100000) %}{{ i }}{% endfor %}",
    },
    "cannot be 0": {
        "range without a step": "{% for i in range(0, 10, 0) %}{{ i }}{% endfor %}",
    },
    "10,000 loop turns": {
        "loops in loops": "{% for a in range(999) %}" * 6 + "x" + "{% endfor %}" * 6,
        "loops that write nothing": "{% for a in range(999) %}" * 6
        + "{% if a %}{% endif %}"
        + "{% endfor %}" * 6
        + "x",
        "loops with a condition": "{% for a in range(999) if a == 998 %}" * 12 + "x" + "{% endfor %}" * 12,
        "loops of rows": "{% for a in range(1000) | batch(1) %}{% for b in range(1000) | batch(1) %}x" + END,
    },
    "262,144 bytes": {
        "long output": SPREAD + "x" * 1000 + END,
        "long output in one turn": "{% for a in range(1000) %}{{ 'x' }}" + "y" * 1000 + "{% endfor %}",
    },
    "1,000 filters": {
        "filters in loops": SPREAD + "{{ a | abs }}{{ a | round }}" + END,
        "tests in loops": SPREAD + "{% if a is odd %}x{% endif %}" + END,
        "calls in loops": SPREAD + "{{ loop.cycle('a', 'b') }}" + END,
    },
    "a tag may have 250": {
        "filters upon filters": "{{ 1" + " | abs" * 1001 + " }}",
        "deep nots": "{{ " + "not " * 5000 + "1 }}",
        "deep signs": "{{ " + "- " * 5000 + "1 }}",
        "deep choices": "{{ " + "1 if 0 else " * 5000 + "1 }}",
        "deep sums": "{{ 1" + " + 1" * 5000 + " }}",
        "deep fields": "{{ customer" + ".a" * 5000 + " }}",
        "long joins": "{{ 1" + " ~ 1" * 50_000 + " }}",
    },
    "nested 12 deep": {
        "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "deep lists": "{{ " + "[" * 5000 + "1" + "]" * 5000 + " }}",
        "deep ifs": "{% if true %}" * 3000 + "x" + "{% endif %}" * 3000,
        "deep loops": "{% for a in [1] %}" * 3000 + "x" + "{% endfor %}" * 3000,
        "deep withs": "{% with a = 1 %}" * 3000 + "x" + "{% endwith %}" * 3000,
        "open brackets": "{" * 250_000,
        "open texts": "{{ '" * 50_000,
    },
    "60 deep together": {
        "deep sums below the limit of words": "{{ 1" + " + 1" * 120 + " }}",
    },
    "a template may have 4,000 tags": {
        "many tags": "{{ 1 }}" * 30_000,
    },
    "a template may have 262,144": {
        "a long template": "x" * 1_000_000,
    },
    "Missing end": {
        "open comments": "{#" * 100_000,
        "many raw blocks": "{% raw %}" * 20_000,
    },
    "no tag is called": {
        "blank tags": "{% %}" * 50_000,
    },
}
