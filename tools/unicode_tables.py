#!/usr/bin/env python3
"""Writes src/tokenizer/data/unicode_tables.inc, the character tables of the tokenizer.

    tools/unicode_tables.py > src/tokenizer/data/unicode_tables.inc

The source is Debian's package unicode-data (Unicode 15.0). The reference, Hugging Face
`tokenizers`, mixes four versions of Unicode, because it takes its tables from four places; the
exceptions below turn 15.0 into each of them. tests/oracle/tokenizer_oracle_test.py compares every
code point.

  categories (control, punctuation, nonspacing mark)   8.0   crate unicode_categories 0.1.1
  canonical decomposition, combining class             9.0   crate unicode-normalization-alignments
  lowercase, whitespace                               17.0   Rust's standard library
  word characters (\\w beside a single_word token)     16.0   crate regex-syntax
"""

import argparse
import pathlib
import sys

CODE_POINTS = 0x110000
PAGE = 128
SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)
MODES = (
    (True, False),
    (False, True),
    (True, True),
)  # (lowercase, strip_accents), as in CharacterRecord

# A fold is copied as so many bytes whatever its length, so the last one needs some behind it.
FOLD_BYTES_MAX = 12

# Categories that changed after 8.0 for characters that existed in 8.0.
NOT_YET_NONSPACING = {0x1885, 0x1886, 0xA9BD, 0x111C9}
ONCE_NONSPACING = {0x1734}
ONCE_PUNCTUATION = {0x166D, 0x111C9}

# Letters of Unicode 16 and 17 and their lowercase.
YOUNG_LOWERCASE = {
    0x1C89: 0x1C8A,
    0xA7CB: 0x264,
    0xA7CC: 0xA7CD,
    0xA7CE: 0xA7CF,
    0xA7D2: 0xA7D3,
    0xA7D4: 0xA7D5,
    0xA7DA: 0xA7DB,
    0xA7DC: 0x19B,
}
YOUNG_LOWERCASE.update({letter: letter + 0x20 for letter in range(0x10D50, 0x10D66)})
YOUNG_LOWERCASE.update({letter: letter + 0x1B for letter in range(0x16EA0, 0x16EB9)})

# The reference leaves out 2B820-2B91F, which Unicode calls Extension E; so do we.
CHINESE = (
    range(0x4E00, 0xA000),
    range(0x3400, 0x4DC0),
    range(0x20000, 0x2A6E0),
    range(0x2A700, 0x2B740),
    range(0x2B740, 0x2B820),
    range(0x2B920, 0x2CEB0),
    range(0xF900, 0xFB00),
    range(0x2F800, 0x2FA20),
)

# Word characters that came with Unicode 15.1 and 16.
YOUNG_WORD = """897 1C89-1C8A A7CB-A7CD A7DA-A7DC 105C0-105F3 10D40-10D65 10D69-10D6D 10D6F-10D85
    10EC2-10EC4 10EFC 11380-11389 1138B 1138E 11390-113B5 113B7-113C0 113C2 113C5 113C7-113CA
    113CC-113D3 113E1-113E2 116D0-116E3 11BC0-11BE0 11BF0-11BF9 11F5A 13460-143FA 16100-16139
    16D40-16D6C 16D70-16D79 18CFF 1CCF0-1CCF9 1E5D0-1E5FA 2EBF0-2EE5D"""

ASCII_PUNCTUATION = {*range(0x21, 0x30), *range(0x3A, 0x41), *range(0x5B, 0x61), *range(0x7B, 0x7F)}

FLAG_DELETED, FLAG_WHITESPACE, FLAG_PUNCTUATION, FLAG_CHINESE, FLAG_HANGUL, FLAG_WORD = (
    1 << bit for bit in range(6)
)
ENTRY_IS_PUNCTUATION = 0x80


def parse_range(text, separator):
    first, _, last = text.partition(separator)
    return range(int(first, 16), int(last or first, 16) + 1)


class UnicodeData:
    """The files of one Unicode version, as sets and dictionaries of code points."""

    def __init__(self, folder):
        self.category, self.combining, self.decomposition, self.lowercase = {}, {}, {}, {}
        range_first = None
        for line in (folder / "UnicodeData.txt").read_text().splitlines():
            field = line.split(";")
            code_point = int(field[0], 16)
            if field[1].endswith(", First>"):
                range_first = code_point
                continue
            if field[1].endswith(", Last>"):
                for member in range(range_first, code_point + 1):
                    self.category[member] = field[2]
                continue
            self.category[code_point] = field[2]
            if field[3] != "0":
                self.combining[code_point] = int(field[3])
            if field[5] and not field[5].startswith("<"):
                self.decomposition[code_point] = [int(part, 16) for part in field[5].split()]
            if field[13]:
                self.lowercase[code_point] = int(field[13], 16)
        self.age = {}
        for members, version in self._properties(folder / "DerivedAge.txt"):
            major, minor = version.split(".")
            self.age.update(dict.fromkeys(members, (int(major), int(minor))))
        self.whitespace = self._members(folder / "PropList.txt", "White_Space")
        self.join_control = self._members(folder / "PropList.txt", "Join_Control")
        self.alphabetic = self._members(folder / "DerivedCoreProperties.txt", "Alphabetic")

    @staticmethod
    def _properties(path):
        for line in path.read_text().splitlines():
            content = line.split("#")[0].strip()
            if content:
                members, value = (part.strip() for part in content.split(";")[:2])
                yield parse_range(members, ".."), value

    def _members(self, path, name):
        return {
            member
            for members, value in self._properties(path)
            if value == name
            for member in members
        }

    def existed_in(self, code_point, version):
        return self.age.get(code_point, (99, 0)) <= version


class Reference:
    """The character sets of the reference, each of its own Unicode version."""

    def __init__(self, data):
        old = {c: category for c, category in data.category.items() if data.existed_in(c, (8, 0))}
        self.deleted = {c for c, category in old.items() if category in ("Cc", "Cf", "Co")}
        self.deleted = self.deleted - {0x9, 0xA, 0xD} | {0x0, 0xFFFD}
        self.nonspacing = {c for c, category in old.items() if category == "Mn"}
        self.nonspacing = self.nonspacing - NOT_YET_NONSPACING | ONCE_NONSPACING
        self.punctuation = {c for c, category in old.items() if category[0] == "P"}
        self.punctuation |= ONCE_PUNCTUATION | ASCII_PUNCTUATION
        self.whitespace = data.whitespace
        self.chinese = {c for members in CHINESE for c in members}
        self.word = (
            data.alphabetic
            | data.join_control
            | {
                c
                for c, category in data.category.items()
                if category in ("Mn", "Mc", "Me", "Nd", "Pc")
            }
        )
        self.word |= {c for members in YOUNG_WORD.split() for c in parse_range(members, "-")}
        self._simple_lowercase = {**data.lowercase, **YOUNG_LOWERCASE}
        self._decomposition = {
            c: parts for c, parts in data.decomposition.items() if data.existed_in(c, (9, 0))
        }
        self._combining = {
            c: value for c, value in data.combining.items() if data.existed_in(c, (9, 0))
        }

    def decompose(self, code_point):
        parts = self._decomposition.get(code_point)
        return (
            [code_point] if parts is None else [c for part in parts for c in self.decompose(part)]
        )

    def lowercase(self, code_point):
        if code_point == 0x130:  # The one letter whose lowercase is two characters: i, dot above.
            return [0x69, 0x307]
        return [self._simple_lowercase.get(code_point, code_point)]

    def combining_class(self, code_point):
        return self._combining.get(self.decompose(code_point)[0], 0)

    def fold(self, code_point, lowercase, strip):
        folded = [code_point]
        if strip:
            folded = [c for c in self.decompose(code_point) if c not in self.nonspacing]
        if lowercase:
            folded = [lower for c in folded for lower in self.lowercase(c)]
        return folded

    def flags(self, code_point):
        value = 0
        for flag, members in (
            (FLAG_DELETED, self.deleted),
            (FLAG_WHITESPACE, self.whitespace),
            (FLAG_PUNCTUATION, self.punctuation),
            (FLAG_CHINESE, self.chinese),
            (FLAG_HANGUL, HANGUL),
            (FLAG_WORD, self.word),
        ):
            if code_point in members:
                value |= flag
        return value


def utf8(code_points):
    return "".join(map(chr, code_points)).encode()


class Tables:
    """Pages of record numbers, records, and the byte strings that characters fold to.

    An entry of the strings is a header byte (length, and a bit for punctuation), then the bytes.
    Offset 0 means that the character stays as it is.
    """

    def __init__(self, reference):
        self.reference = reference
        self.strings = bytearray(b"\0")
        self._entries = {}
        self.records, self.pages, self.page_of = {}, {}, []
        for first in range(0, CODE_POINTS, PAGE):
            page = tuple(self._record_number(c) for c in range(first, first + PAGE))
            self.page_of.append(self.pages.setdefault(page, len(self.pages)))
        if len(self.strings) > 0xFFFF or len(self.pages) > 0xFF:
            sys.exit("the tables have outgrown their index types")

    def _record_number(self, code_point):
        record = (0, 0, 0, 0, 0)
        if code_point not in SURROGATES:
            record = (
                self.reference.flags(code_point),
                self.reference.combining_class(code_point),
                *(self._entry(code_point, *mode) for mode in MODES),
            )
        return self.records.setdefault(record, len(self.records))

    def _entry(self, code_point, lowercase, strip):
        folded = self.reference.fold(code_point, lowercase, strip)
        if folded == [code_point]:
            return 0
        self._check(code_point, folded)
        is_punctuation = folded[:1] != [] and folded[0] in self.reference.punctuation
        encoded = utf8(folded)
        entry = bytes([len(encoded) | ENTRY_IS_PUNCTUATION * is_punctuation]) + encoded
        if entry not in self._entries:
            self._entries[entry] = len(self.strings)
            self.strings += entry
        return self._entries[entry]

    def _check(self, code_point, folded):
        """What the C++ code relies on and would not notice."""
        reference = self.reference
        kinds = {(c in reference.punctuation, c in reference.whitespace) for c in folded}
        assert len(kinds) <= 1, f"{code_point:X} folds to characters of two kinds"
        assert len(folded) == 1 or kinds <= {(False, False)}, f"{code_point:X}: several separators"
        assert (
            code_point not in reference.chinese or len(folded) == 1
        ), f"{code_point:X}: one ideograph"
        assert len(utf8(folded)) <= 3 * len(
            utf8([code_point])
        ), f"{code_point:X} grows more than thrice"
        assert len(utf8(folded)) <= FOLD_BYTES_MAX, f"{code_point:X}: a long fold"
        first_class = reference.combining_class(code_point)
        assert (
            not first_class or not folded or folded == [code_point]
        ), f"{code_point:X}: mark that folds"


def print_array(declaration, values):
    print(f"{declaration} = {{")
    line = "   "
    for value in values:
        if len(line) + len(str(value)) + 2 > 100:
            print(line)
            line = "   "
        line += f" {value},"
    print(line + "\n};")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--unicode-data", type=pathlib.Path, default=pathlib.Path("/usr/share/unicode")
    )
    tables = Tables(Reference(UnicodeData(parser.parse_args().unicode_data)))
    print(
        "// Generated by tools/unicode_tables.py from Debian's package unicode-data; do not edit."
    )
    print("// Copyright Unicode, Inc.; used under the Unicode License, see NOTICE.")
    print_array(f"constexpr uint8_t page_of_block[{len(tables.page_of)}]", tables.page_of)
    numbers = [number for page in tables.pages for number in page]
    print_array(f"constexpr uint16_t record_of_character[{len(numbers)}]", numbers)
    fields = ["{%d, %d, {%d, %d, %d}}" % record for record in tables.records]
    print_array(f"constexpr CharacterRecord character_records[{len(fields)}]", fields)
    strings = tables.strings + bytes(FOLD_BYTES_MAX)
    print_array(f"constexpr uint8_t fold_strings[{len(strings)}]", strings)


if __name__ == "__main__":
    main()
