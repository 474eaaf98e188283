#!/usr/bin/env python3
"""Writes the character tables that Unigram and byte-level BPE need beside those of WordPiece.

    tools/subword_tables.py normal_forms > src/tokenizer/data/normal_form_tables.inc
    tools/subword_tables.py graphemes > src/tokenizer/data/grapheme_tables.inc

The source is Debian's package unicode-data (Unicode 15.0). The reference takes these from two
places of other versions; tests/oracle/subword_oracle_test.py compares every code point.

  decomposition, composition, combining class    9.0   crate unicode-normalization-alignments 0.1.12
  grapheme clusters                             17.0   crate unicode-segmentation 1.13
"""

import argparse
import pathlib

from unicode_tables import CODE_POINTS, PAGE, UnicodeData, parse_range, print_array

# In this order in src/tokenizer/graphemes.cpp.
CLASSES = """other cr lf control extend linker non_joiner zwj spacing_mark prepend
    regional_indicator pictographic consonant l v t lv lvt""".split()

# What Unicode 15.1, 16 and 17 changed, from the crate's tables: class, then characters.
YOUNG_CLASSES = {
    "spacing_mark": "1171E 113B9-113BA 113CA 113CC-113CD 11B61 11B65 11B67 1612A-1612C",
    "extend": """CC0 CC7-CC8 CCA-CCB 1715 1734 1B3B 1B3D 1B43-1B44 1BAA 1BF2-1BF3 A953 A9C0 111C0
        11235 1134D 116B6 1193D 11F41 16FF0-16FF1 1D166 1D16D 897 1ACF-1ADD 1AE0-1AEB 10D69-10D6D
        10EFA-10EFC 113B8 113BB-113C0 113C2 113C5 113C7-113C9 113CE-113D0 113D2 113E1-113E2 11B60
        11B62-11B64 11B66 11F5A 1611E-16129 1612D-1612F 1E5EE-1E5EF 1E6E3 1E6E6 1E6EE-1E6EF
        1E6F5""",
    "other": """11A3A 2388 2605 2607-260D 260F-2610 2612 2616-2617 2619-261C 261E-261F 2621
        2624-2625 2627-2629 262B-262D 2630-2637 263B-263F 2641 2643-2647 2654-265E 2661-2662 2664
        2667 2669-267A 267C-267D 2680-2685 2690-2691 2698 269A 269D-269F 26A2-26A6 26A8-26A9
        26AC-26AF 26B2-26BC 26BF-26C3 26C6-26C7 26C9-26CD 26D0 26D2 26D5-26E8 26EB-26EF 26F6
        26FB-26FC 26FE-2701 2703-2704 270E 2710-2711 2765-2767 1F000-1F003 1F005-1F02B 1F030-1F093
        1F0A0-1F0AE 1F0B1-1F0BF 1F0C1-1F0CE 1F0D1-1F0F5 1F10D-1F10F 1F12F 1F16C-1F16F 1F1AD
        1F260-1F265 1F322-1F323 1F394-1F395 1F398 1F39C-1F39D 1F3F1-1F3F2 1F3F6 1F4FE 1F546-1F548
        1F54F 1F568-1F56E 1F571-1F572 1F57B-1F586 1F588-1F589 1F58E-1F58F 1F591-1F594 1F597-1F5A3
        1F5A6-1F5A7 1F5A9-1F5B0 1F5B3-1F5BB 1F5BD-1F5C1 1F5C5-1F5D0 1F5D4-1F5DB 1F5DF-1F5E0 1F5E2
        1F5E4-1F5E7 1F5E9-1F5EE 1F5F0-1F5F2 1F5F4-1F5F9 1F6C6-1F6CA 1F6D3-1F6D4 1F6E6-1F6E8 1F6EA
        1F6F1-1F6F2 1F774-1F77F 1F7D5-1F7D9 1F8B0-1F8BB 1F8C0-1F8C1 1F8D0-1F8D8 1FA00-1FA57
        1FA60-1FA6D""",
    "prepend": "113D1",
    "v": "16D63 16D67-16D6A",
    # Indic_Conjunct_Break came with 15.1.
    "linker": """94D 9CD ACD B4D C4D D4D 1039 17D2 1A60 1B44 1BAB A9C0 AAF6 10A3F 11133 113D0 1193E
        11A47 11A99 11F42""",
    "consonant": """915-939 958-95F 978-97F 995-9A8 9AA-9B0 9B2 9B6-9B9 9DC-9DD 9DF 9F0-9F1 A95-AA8
        AAA-AB0 AB2-AB3 AB5-AB9 AF9 B15-B28 B2A-B30 B32-B33 B35-B39 B5C-B5D B5F B71 C15-C28 C2A-C39
        C58-C5A D15-D3A 1000-102A 103F 1050-1055 105A-105D 1061 1065-1066 106E-1070 1075-1081 108E
        1780-17B3 1A20-1A54 1B0B-1B0C 1B13-1B33 1B45-1B4C 1B83-1BA0 1BAE-1BAF 1BBB-1BBD A989-A98B
        A98F-A9B2 A9E0-A9E4 A9E7-A9EF A9FA-A9FE AA60-AA6F AA71-AA73 AA7A AA7E-AA7F AAE0-AAEA
        ABC0-ABDA 10A00 10A10-10A13 10A15-10A17 10A19-10A35 11103-11126 11144 11147 11380-11389
        1138B 1138E 11390-113B5 11900-11906 11909 1190C-11913 11915-11916 11918-1192F 11A00
        11A0B-11A32 11A50 11A5C-11A83 11F04-11F10 11F12-11F33""",
    "non_joiner": "200C",
}


FLAG_SECOND, FLAG_STAYS_COMPOSED, FLAG_STAYS_COMPATIBLE = 1, 2, 4


def print_pages(value_of, name_of_pages, name_of_values, value_type):
    pages, page_of = {}, []
    for first in range(0, CODE_POINTS, PAGE):
        page = tuple(value_of(c) for c in range(first, first + PAGE))
        page_of.append(pages.setdefault(page, len(pages)))
    assert len(pages) <= 0x100
    print_array(f"constexpr uint8_t {name_of_pages}[{len(page_of)}]", page_of)
    values = [value for page in pages for value in page]
    print_array(f"constexpr {value_type} {name_of_values}[{len(values)}]", values)


class NormalForms:
    def __init__(self, folder):
        data = UnicodeData(folder)
        old = (9, 0)
        self.canonical = {c: p for c, p in data.decomposition.items() if data.existed_in(c, old)}
        self.compatible = dict(self.canonical)
        for line in (folder / "UnicodeData.txt").read_text().splitlines():
            field = line.split(";")
            code_point = int(field[0], 16)
            if field[5].startswith("<") and data.existed_in(code_point, old):
                parts = field[5].split("> ")[1].split()
                self.compatible[code_point] = [int(part, 16) for part in parts]
        self.combining = {c: v for c, v in data.combining.items() if data.existed_in(c, old)}
        excluded = data._members(
            folder / "DerivedNormalizationProps.txt", "Full_Composition_Exclusion"
        )
        self.composed = sorted(
            (*parts, c)
            for c, parts in self.canonical.items()
            if c not in excluded and len(parts) == 2
        )
        self.composites = {composed for *_, composed in self.composed}
        # Conjoining vowels and final consonants of Hangul, which compose by arithmetic.
        self.seconds = {second for _, second, _ in self.composed}
        self.seconds |= {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}

    def decompose(self, code_point, table):
        if code_point not in table:
            return [code_point]
        return [c for part in table[code_point] for c in self.decompose(part, table)]

    def composes_back(self, code_point, table):
        """It is what its own parts become again, and no part acts on what stands before it."""
        parts = self.decompose(code_point, table)
        if parts == [code_point]:
            return True
        is_composed = code_point in self.composites
        same = parts == self.decompose(code_point, self.canonical)
        return is_composed and same and parts[0] not in self.seconds | self.combining.keys()

    def print(self):
        strings, places, records = [0], {}, {}

        def place(characters):
            key = tuple(characters)
            if key not in places:
                places[key] = len(strings)
                strings.extend([len(key), *key])
            return places[key]

        def record(c):
            canonical = place(self.decompose(c, self.canonical)) if c in self.canonical else 0
            compatible = place(self.decompose(c, self.compatible)) if c in self.compatible else 0
            flags = FLAG_SECOND * (c in self.seconds)
            if c not in self.combining and c not in self.seconds:
                flags |= FLAG_STAYS_COMPOSED * self.composes_back(c, self.canonical)
                flags |= FLAG_STAYS_COMPATIBLE * self.composes_back(c, self.compatible)
            entry = (self.combining.get(c, 0), flags, canonical, compatible)
            return records.setdefault(entry, len(records))

        print_pages(record, "page_of_block", "record_of_character", "uint16_t")
        fields = ["{%d, %d, %d, %d}" % entry for entry in records]
        print_array(f"constexpr FormRecord form_records[{len(fields)}]", fields)
        print_array(f"constexpr uint32_t form_strings[{len(strings)}]", strings)
        pairs = ["{%d, %d, %d}" % entry for entry in self.composed]
        print_array(f"constexpr Composition compositions[{len(pairs)}]", pairs)


def print_graphemes(folder):
    class_of = {}
    for members, name in UnicodeData._properties(folder / "emoji/emoji-data.txt"):
        if name == "Extended_Pictographic":
            class_of.update(dict.fromkeys(members, "pictographic"))
    for members, name in UnicodeData._properties(folder / "auxiliary/GraphemeBreakProperty.txt"):
        name = name.lower().replace("spacingmark", "spacing_mark")
        class_of.update(dict.fromkeys(members, name))
    for name, members in YOUNG_CLASSES.items():
        for part in members.split():
            class_of.update(dict.fromkeys(parse_range(part, "-"), name))
    number = {name: place for place, name in enumerate(CLASSES)}
    print_pages(
        lambda c: number[class_of.get(c, "other")], "page_of_block", "class_of_character", "uint8_t"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=("normal_forms", "graphemes"))
    parser.add_argument(
        "--unicode-data", type=pathlib.Path, default=pathlib.Path("/usr/share/unicode")
    )
    arguments = parser.parse_args()
    print("// Generated by tools/subword_tables.py from Debian's unicode-data; do not edit.")
    print("// Copyright Unicode, Inc.; used under the Unicode License, see NOTICE.")
    if arguments.table == "normal_forms":
        NormalForms(arguments.unicode_data).print()
    else:
        print_graphemes(arguments.unicode_data)


if __name__ == "__main__":
    main()
