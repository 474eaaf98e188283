"""Calls that are not made in hilo, each with what to use instead.

A line that needs one says why: a comment `tidy: allowed, because ...` on it or just above it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Ban:
    pattern: str
    instead: str
    tests_too: bool = True
    only_in: str = ""  # paths that begin so


CPP = [
    Ban(r"\bv?sn?printf\s*\(", "fmt::format_to_n"),
    Ban(r"\bstr(cpy|ncpy|cat|ncat)\s*\(", "std::copy_n with a checked length"),
    Ban(r"\b(atoi|atol|atoll|atof|sscanf)\s*\(", "std::from_chars, which tells an error",
        tests_too=False),
    Ban(r"\bs?rand\s*\(", "std::mt19937_64 with a seed that is printed"),
    Ban(r"(?<![\w.>])system\s*\(|\bpopen\s*\(", "the supervisor: a shell hides exit reasons"),
    Ban(r"\bstd::endl\b", "'\\n': a flush costs a system call"),
    Ban(r"(?<!operator )\bnew\s+[\w:<]", "std::make_unique, or a value"),
    Ban(r"(?<!operator )(?<!= )\bdelete\b", "std::unique_ptr, or a value", only_in="src/"),
    Ban(r"(?<![\w:])(malloc|calloc|realloc)\s*\(", "std::vector or std::make_unique",
        tests_too=False, only_in="src/"),
    # In the Python binding owners are shared indeed: the interpreter's objects and our threads.
    Ban(r"\bstd::(shared_ptr|make_shared|weak_ptr)\b", "a value or std::unique_ptr: one owner",
        only_in="src/"),
    Ban(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(|(?<![\w.>])sleep\s*\(",
        "a wait on a descriptor with a limit", tests_too=False, only_in="src/"),
    Ban(r"\.detach\s*\(\)", "a thread that is joined"),
    Ban(r"(?<!_)\bassert\s*\(", "ENSURE, which stays on in release builds"),
    Ban(r"\bthrow\b(?! std::bad_alloc| CLI::)", "Result for operating errors, ENSURE for our own",
        tests_too=False, only_in="src/"),
    Ban(r"\bdynamic_cast\b|\btypeid\b", "a virtual function or std::variant"),
    Ban(r"\bsignal\s*\(\s*SIG\w+\s*,(?!\s*SIG_)", "sigaction, whose flags are explicit",
        tests_too=False),
    Ban(r"\batomic_thread_fence\b",
        "ordered atomic operations: the thread sanitizer cannot see fences"),
    Ban(r"\bstd::(cout|cerr)\b", "base/log.h, or fmt::print for what a program prints"),
    Ban(r"\busing namespace std;", "the names, one by one"),
]
PYTHON = [
    Ban(r"\bos\.system\s*\(|\bshell\s*=\s*True", "subprocess with a list of arguments"),
    Ban(r"^\s*except\s*:", "the exceptions that can come"),
    Ban(r"\btime\.sleep\s*\(", "a wait with a limit on what is awaited", tests_too=False,
        only_in="python/hilo/"),
    Ban(r"^\s*print\s*\(", "an exception or a return value: a library does not print",
        tests_too=False, only_in="python/hilo/"),
    Ban(r"^from [\w.]+ import \*", "the names, one by one"),
]
# A private constructor can only be called so, and its result has an owner at once.
OWNED_NEW = re.compile(r"\bunique_ptr<[^;{}()]*>\s*\w*\s*[({]\s*new\b")
ALLOWED_HERE = re.compile(r"tidy: allowed, \w")


def banned_calls(path: str, text: str, code: str, bans: list[Ban],
                 in_test: bool) -> Iterator[tuple[int, str, str]]:
    """(line, call, what to use instead). `code` is `text` without what is not code."""
    bans = [ban for ban in bans
            if path.startswith(ban.only_in) and (ban.tests_too or not in_test)]
    code = OWNED_NEW.sub(lambda match: match.group()[:-len("new")] + "   ", code)
    lines = text.splitlines()
    for number, line in enumerate(code.splitlines()):
        near = lines[max(0, number - 2):number + 1]
        for ban in bans:
            match = re.search(ban.pattern, line)
            if match and not any(ALLOWED_HERE.search(other) for other in near):
                yield number + 1, match.group().strip(), ban.instead
