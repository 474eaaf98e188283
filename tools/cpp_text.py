"""Just enough of C++ to check our own code: text without comments and literals, and functions.

Not a parser. It reads code that clang-format has laid out and that compiles, which is all that
tools/tidy ever sees.
"""

import re
from dataclasses import dataclass

COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def blank(text: str) -> str:
    """The code with comments and the insides of literals as spaces: places and lines stay."""

    def spaces(match: re.Match) -> str:
        found = match.group()
        emptied = re.sub(r"[^\n]", " ", found)
        if found[0] == "/":
            return emptied
        return found[0] + emptied[1:-1] + found[-1]

    return COMMENT_OR_LITERAL.sub(spaces, text)


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


@dataclass
class Function:
    name: str
    line: int
    lines: int


CONTAINER = re.compile(r'\b(namespace|class|struct|union|enum)\b(?![^{]*\)\s*$)|\bextern\s*"')
FUNCTION_HEAD = re.compile(
    r"\)\s*(const|noexcept(\s*\(.*\))?|override|final|mutable|&&?|\s)*(->[^;=]*)?$", re.DOTALL)
NAME = re.compile(r"([~\w:]+)\s*\(")


def functions(code: str) -> list[Function]:
    """The outermost function bodies of blanked code, lambdas and local classes inside them."""
    found = []
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group()), code,
                  flags=re.MULTILINE | re.DOTALL)
    head_start = 0
    place = 0
    while (match := re.compile(r"[;{}]").search(code, place)) is not None:
        place = match.end()
        if match.group() != "{":
            head_start = place
            continue
        head = code[head_start:match.start()]
        if CONTAINER.search(head) and "(" not in CONTAINER.split(head)[0]:
            head_start = place  # What is inside is looked at in its own right.
            continue
        end = closing_brace(code, match.start())
        if FUNCTION_HEAD.search(head):
            start = head_start + len(head) - len(head.lstrip())
            name = NAME.search(head)
            found.append(Function(name.group(1) if name else "?", line_of(code, start),
                                  line_of(code, end) - line_of(code, start) + 1))
            head_start = end + 1
        else:
            # An initializer, as in `Type::Type() : member_{1} {`: the same head goes on after it.
            code = code[:match.start()] + re.sub(r"[^\n]", " ", code[match.start():end]) + (
                ")" + code[end + 1:])
        place = end + 1
    return found


def closing_brace(code: str, opening: int) -> int:
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(code) - 1


def call_arguments(code: str, opening: int) -> str:
    """The text between the parenthesis at `opening` and its partner."""
    depth = 0
    for match in re.compile(r"[()]").finditer(code, opening):
        depth += 1 if match.group() == "(" else -1
        if depth == 0:
            return code[opening + 1:match.start()]
    return code[opening + 1:]
