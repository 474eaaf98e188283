"""tools/check_ptxas.py reads what ptxas prints, and tells each way to leave the table."""

import subprocess
import sys
from pathlib import Path

CHECK = Path(__file__).resolve().parent / "check_ptxas.py"
SYMBOL = "_ZN4hilo4simt53_GLOBAL__N__11gelu_kernelINS0_10Bf16FormatEEEv8CudaGelu"


def log(architecture: str = "90", registers: int = 40, shared: int = 16, spilled: int = 0) -> str:
    return (f"ptxas info    : Compiling entry function '{SYMBOL}' for 'sm_{architecture}'\n"
            f"    0 bytes stack frame, {spilled} bytes spill stores, 0 bytes spill loads\n"
            f"ptxas info    : Used {registers} registers, used 1 barriers, {shared} bytes smem\n")


def check(folder: Path, text: str, *more: str) -> tuple[int, str]:
    (folder / "log").write_text(text)
    done = subprocess.run([sys.executable, CHECK, folder / "log", folder / "table",
                           "--architectures", "80,90", *more], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_what_is_within_the_table_passes(tmp_path: Path) -> None:
    both = log("80", 38, 16) + log("90", 40, 16)
    assert check(tmp_path, both, "--write") == (0, "")
    assert (tmp_path / "table").read_text().splitlines()[1:] == ["gelu_kernel<bf16>\t40\t16"]
    assert check(tmp_path, both) == (0, "")


def test_each_way_to_leave_the_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("gelu_kernel<bf16>\t40\t16\n")
    for wrong, told in ((log(registers=41), "41 registers, 40 are allowed"),
                        (log(shared=17), "17 bytes of shared memory, 16 are allowed"),
                        (log(spilled=8), "8 bytes are spilled"),
                        ("", "was not compiled for all")):
        status, said = check(tmp_path, log("80") + wrong)
        assert status == 1
        assert told in said


def test_kernels_and_rows_belong_together(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("other_kernel\t40\t16\n")
    status, said = check(tmp_path, log("80") + log("90"))
    assert status == 1
    assert "gelu_kernel<bf16> is only in the log" in said
    assert "other_kernel is only in the table" in said


def test_a_compiler_that_failed_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("")
    assert check(tmp_path, "gelu.cu(3): error: no such thing") == (
        1, "gelu.cu(3): error: no such thing\n")
