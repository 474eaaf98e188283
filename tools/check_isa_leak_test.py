"""tools/check_isa_leak.py finds each kind of leak in a planted build folder, and nothing else."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parent / "check_isa_leak.py"
WIDE_FLAGS = ["-mavx2"]
ADD_ARRAYS = "void add(float* a) { for (int i = 0; i < 64; ++i) a[i] += 1; }\n"
INLINE = "inline __attribute__((noinline)) float twice(float x) { return 2 * x; }\n"
USES_INLINE = INLINE + "float use(float x) { return twice(x); }\n"

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="wide files are x86 only")


def plant(folder: Path, name: str, code: str, flags: list[str]) -> None:
    objects = folder / "CMakeFiles/hilo_planted.dir/src"
    objects.mkdir(parents=True, exist_ok=True)
    command = ["g++", "-O3", *flags, "-x", "c++", "-c", "-o", str(objects / f"{name}.o"), "-"]
    subprocess.run(command, input=code, text=True, check=True)


def check(folder: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_clean_build_passes(tmp_path):
    plant(tmp_path, "sum_avx2.cpp", ADD_ARRAYS, WIDE_FLAGS)
    plant(tmp_path, "plain.cpp", ADD_ARRAYS + USES_INLINE, [])
    status, told = check(tmp_path)
    assert status == 0, told
    assert "2 objects, 1 of them wide: no leak" in told


def test_inline_function_in_a_wide_file_is_found(tmp_path):
    plant(tmp_path, "sum_avx2.cpp", USES_INLINE, WIDE_FLAGS)
    status, told = check(tmp_path)
    assert status == 1
    assert "weak symbol twice(float)" in told


def test_wide_code_in_a_plain_file_is_found(tmp_path):
    plant(tmp_path, "sum_avx2.cpp", ADD_ARRAYS, WIDE_FLAGS)
    plant(tmp_path, "plain.cpp", ADD_ARRAYS, WIDE_FLAGS)
    status, told = check(tmp_path)
    assert status == 1
    assert "plain.cpp.o: wide registers in add(float*)" in told


def test_an_empty_folder_is_no_success(tmp_path):
    assert check(tmp_path)[0] == 2
