#!/usr/bin/env python3
"""Writes src/tokenizer/data/split_automata.inc: the regular expressions that byte-level BPE splits
texts by, as tables, so that nothing interprets a regular expression when a text comes.

    tools/regex_automaton.py > src/tokenizer/data/split_automata.inc

A table is indexed by state and class of character. Its entry says where to go, and whether a match
ends before the character. Alternatives are tried as the reference's engine (Oniguruma) does: the
first that matches wins, not the longest. A state is therefore a list of positions in the
expression, the preferred one first; where one of them is the end, those after it are dropped.

Characters come from Debian's unicode-data (Unicode 15.0), and those of 15.1 and 16 from the list
below, because Oniguruma 6.9.10 has Unicode 16. tests/oracle/subword_oracle_test.py compares all.
"""

import argparse
import pathlib
import re

from subword_tables import print_pages
from unicode_tables import CODE_POINTS, UnicodeData, parse_range, print_array

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "qwen2": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + REST,
    "llama3": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + REST,
}

YOUNG_LETTERS = """1C89-1C8A A7CB-A7CD A7DA-A7DC 105C0-105F3 10D4A-10D65 10D6F-10D85 10EC2-10EC4
    11380-11389 1138B 1138E 11390-113B5 113B7 113D1 113D3 11BC0-11BE0 13460-143FA 16100-1611D
    16D40-16D6C 18CFF 1E5D0-1E5ED 1E5F0 2EBF0-2EE5D"""
YOUNG_NUMBERS = """10D40-10D49 116D0-116E3 11BF0-11BF9 16130-16139 16D70-16D79 1CCF0-1CCF9
    1E5F1-1E5FA"""

DEAD, ACCEPT, STATES_MAX = 0x7F, 0x80, 0x7F
END_OF_TEXT = -1


class Characters:
    """The sets that expressions name."""

    def __init__(self, folder):
        data = UnicodeData(folder)
        self.all = frozenset(range(CODE_POINTS))
        self.by_name = {
            r"\p{L}": self._of_category(data, "L", YOUNG_LETTERS),
            r"\p{N}": self._of_category(data, "N", YOUNG_NUMBERS),
            r"\s": frozenset(data.whitespace),
            r"\r": frozenset({0xD}),
            r"\n": frozenset({0xA}),
        }
        self.by_name[r"\S"] = self.all - self.by_name[r"\s"]
        self._folded = {}
        for line in (folder / "CaseFolding.txt").read_text().splitlines():
            field = [part.strip() for part in line.split("#")[0].split(";")]
            if len(field) > 2 and field[1] in "CS":
                self._folded[int(field[0], 16)] = int(field[2], 16)

    @staticmethod
    def _of_category(data, first_letter, young):
        members = {c for c, category in data.category.items() if category[0] == first_letter}
        members |= {c for part in young.split() for c in parse_range(part, "-")}
        return frozenset(members)

    def in_any_case(self, character):
        folded = self._folded.get(character, character)
        return frozenset(
            {folded} | {c for c, target in self._folded.items() if target == folded}
        )


class Program:
    """An expression as instructions: ("set", characters), ("split", preferred, other),
    ("jump", where), ("not_ahead", characters), ("match",)."""

    TOKEN = re.compile(r"\(\?i:|\(\?!|\\p\{\w\}|\\.|\[\^?|\{\d+,\d+\}|.", re.DOTALL)

    def __init__(self, expression, characters):
        self.characters = characters
        self.tokens = self.TOKEN.findall(expression)
        self.any_case = False
        self.code = self.alternatives()
        assert not self.tokens, f"left over: {self.tokens}"
        self.code.append(("match",))

    @staticmethod
    def moved(code, by):
        jumps = {"split", "jump"}
        return [(op[0], *(t + by for t in op[1:])) if op[0] in jumps else op for op in code]

    def alternatives(self):
        code = self.sequence()
        if self.tokens and self.tokens[0] == "|":
            self.tokens.pop(0)
            other = self.alternatives()
            end = len(code) + len(other) + 2
            split = ("split", 1, len(code) + 2)
            code = [split, *self.moved(code, 1), ("jump", end), *self.moved(other, len(code) + 2)]
        return code

    def sequence(self):
        code = []
        while self.tokens and self.tokens[0] not in "|)":
            code += self.moved(self.repeated(self.item()), len(code))
        return code

    def repeated(self, item):
        sign = self.tokens[0] if self.tokens else ""
        if sign not in ("?", "*", "+") and not re.fullmatch(r"\{\d+,\d+\}", sign):
            return item
        self.tokens.pop(0)
        size = len(item)
        if sign == "?":
            return [("split", 1, size + 1), *self.moved(item, 1)]
        if sign == "*":
            return [("split", 1, size + 2), *self.moved(item, 1), ("jump", 0)]
        if sign == "+":
            return [*item, ("split", 0, size + 1)]
        least, most = map(int, sign[1:-1].split(","))
        code = []
        for turn in range(most):
            more = [("split", 1, size + 1), *self.moved(item, 1)] if turn >= least else item
            code += self.moved(more, len(code))
        return code

    def item(self):
        token = self.tokens.pop(0)
        if token in ("(?i:", "(?!"):
            before, self.any_case = self.any_case, token == "(?i:"
            code = self.alternatives()
            self.any_case = before
            assert self.tokens.pop(0) == ")"
            if token == "(?!":
                assert len(code) == 1, "looking ahead is for one character"
                code = [("not_ahead", code[0][1])]
            return code
        if token[0] == "[":
            members = set()
            while self.tokens[0] != "]":
                members |= self.set_of(self.tokens.pop(0))
            self.tokens.pop(0)
            return [("set", self.characters.all - members if token == "[^" else frozenset(members))]
        return [("set", self.set_of(token))]

    def set_of(self, token):
        if token in self.characters.by_name:
            return self.characters.by_name[token]
        assert len(token) == 1, f"unknown: {token}"
        in_any_case = self.characters.in_any_case(ord(token)) if self.any_case else {ord(token)}
        return frozenset(in_any_case)

    def sets(self):
        return [op[1] for op in self.code if op[0] in ("set", "not_ahead")]


class Automaton:
    def __init__(self, program, example_of_class):
        self.program = program
        self.states = {(0,): 0}
        self.rows = []
        queue = [(0,)]
        for state in queue:  # grows while it is walked
            row = []
            for example in example_of_class:
                accepts, following = self.step(state, example)
                if following and following not in self.states:
                    self.states[following] = len(self.states)
                    queue.append(following)
                target = self.states[following] if following else DEAD
                row.append(target | (ACCEPT if accepts else 0))
            self.rows.append(row)
        assert len(self.states) < STATES_MAX

    def step(self, state, character):
        """Whether a match ends before `character`, and the positions after it."""
        following, seen = [], set()

        def follow(place):
            """True: a match; nothing after it matters."""
            if place in seen:
                return False
            seen.add(place)
            op = self.program.code[place]
            if op[0] == "match":
                return True
            if op[0] == "split":
                return follow(op[1]) or follow(op[2])
            if op[0] == "jump":
                return follow(op[1])
            if op[0] == "not_ahead":
                return character not in op[1] and follow(place + 1)
            if character in op[1] and place + 1 not in following:
                following.append(place + 1)
            return False

        accepts = any(follow(place) for place in state)
        return accepts, tuple(following)


def classes_of(programs):
    """The class of each character, and one character of each class. Characters that no expression
    tells apart share a class."""
    sets = list(dict.fromkeys(members for program in programs for members in program.sets()))
    number_of, class_of, examples = {}, [], []
    for character in range(CODE_POINTS):
        key = tuple(character in members for members in sets)
        if key not in number_of:
            number_of[key] = len(number_of)
            examples.append(character)
        class_of.append(number_of[key])
    return class_of, [*examples, END_OF_TEXT]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--unicode-data", type=pathlib.Path, default=pathlib.Path("/usr/share/unicode")
    )
    characters = Characters(parser.parse_args().unicode_data)
    programs = {name: Program(text, characters) for name, text in PATTERNS.items()}
    class_of, examples = classes_of(programs.values())
    print("// Generated by tools/regex_automaton.py from Debian's unicode-data; do not edit.")
    print("// Copyright Unicode, Inc.; used under the Unicode License, see NOTICE.")
    print_pages(class_of.__getitem__, "page_of_block", "class_of_character", "uint8_t")
    print(f"constexpr uint32_t class_count = {len(examples)};  // the last is the end of the text")
    for name, program in programs.items():
        rows = Automaton(program, examples).rows
        entries = [entry for row in rows for entry in row]
        print_array(f"constexpr uint8_t {name}_transitions[{len(entries)}]", entries)
    print("constexpr SplitAutomaton split_automata[] = {")
    for name, text in PATTERNS.items():
        parts = [text[at : at + 80] for at in range(0, len(text), 80)]
        print("    {" + "\n     ".join(f'R"({part})"' for part in parts) + ",")
        print(f"     {name}_transitions}},")
    print("};")


if __name__ == "__main__":
    main()
