"""What fails on a GPU is an exception that names the cause, again at each read; the CPU's work goes on, and the process
ends as it should."""

import ctypes

import pytest
from gpu import FOLDER, REAL, either, emulated, emulated_alone, real_alone, succeed
from programs import run

# fault(kind): another part of the process has done on GPU 0 what ends the process's use of it.
FAULT = (
    """
import ctypes
PTX = b'''
.version 7.0
.target sm_80
.address_size 64
.visible .entry store_to_no_memory()
{
  .reg .b64 %address;
  .reg .b32 %value;
  mov.u64 %address, 64;
  mov.u32 %value, 1;
  st.global.u32 [%address], %value;
  ret;
}
.visible .entry stop()
{
  trap;
}
'''
def call(name, *arguments):
    result = getattr(ctypes.CDLL("libcuda.so.1"), name)(*arguments)
    assert result == 0, (name, result)
def fault(kind):
    device, context, module, kernel = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    call("cuInit", 0)
    call("cuDeviceGet", ctypes.byref(device), 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
    call("cuModuleLoadData", ctypes.byref(module), PTX)
    call("cuModuleGetFunction", ctypes.byref(kernel), module, kind.encode())
    call("cuLaunchKernel", kernel, 1, 1, 1, 1, 1, 1, 0, None, None, None)
    assert ctypes.CDLL("libcuda.so.1").cuCtxSynchronize() != 0  # until then what comes next may be done before it
"""
    if REAL
    else f"""
import ctypes
def fault(kind):
    ctypes.CDLL({str(FOLDER / "libemulated_cuda.so")!r}).emulated_cuda_break(0)
"""
)

# lost(read): that it raises what a lost GPU raises.
LOST = """
def lost(read):
    try:
        read()
    except RuntimeError as e:
        assert "GPU 0 is lost to this process" in str(e) and "cudaError" in str(e), e
        return str(e)
    raise AssertionError("no failure")
def cpu_goes_on():
    with mx.default_device(mx.cpu):
        x = mx.ones((100, 100))
        assert (x @ x + x).sum().item() == 1010000
        assert mx.new_stream().record().wait()
"""


# --- no GPU that can be used


@pytest.mark.skipif(REAL, reason="there is a GPU, and so a driver")
def test_no_driver():
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        result = run("mx.new_stream(mx.gpu)", ANABRANCH_SIM_GPU="0", ANABRANCH_CUDA="1", ANABRANCH_CUDA_LIBRARY="")
        assert "ValueError: [new_stream] Cannot make gpu stream without gpu backend: " in result.stderr
        assert "no NVIDIA driver" in result.stderr or "built for the CPU alone" in result.stderr
    else:
        pytest.skip("there is a driver")


NOT_USABLE = (
    LOST
    + """
import os
assert not mx.is_available(mx.gpu) and mx.device_count(mx.gpu) == 0 and mx.default_device() == mx.cpu
for use in (lambda: mx.new_stream(mx.gpu), lambda: mx.ones(3, stream=mx.gpu), lambda: mx.device_info(mx.gpu)):
    try:
        use()
    except ValueError as e:
        assert os.environ["EXPECTED"] in str(e), e
    else:
        raise AssertionError("no ValueError")
cpu_goes_on()
"""
)


@emulated_alone
@pytest.mark.parametrize("version, text", [(12090, "12.9"), (9000, "9.0")])
def test_an_old_driver(version, text):
    expected = f"the NVIDIA driver is for CUDA {text}; CUDA 13.0 needs a newer one."
    result = run(NOT_USABLE, **emulated(driver=version), EXPECTED=expected)
    assert (result.returncode, result.stderr) == (0, "")


@either
def test_no_device():
    environment = {"CUDA_VISIBLE_DEVICES": ""} if REAL else emulated(devices=0)
    result = run(NOT_USABLE, **environment, EXPECTED="the NVIDIA driver finds no GPU")
    assert (result.returncode, result.stderr) == (0, "")


@emulated_alone
def test_a_library_that_is_no_backend():
    environment = emulated() | {"ANABRANCH_CUDA_LIBRARY": str(FOLDER / "none.so")}
    result = run(NOT_USABLE, **environment, EXPECTED="the CUDA backend could not be opened: ")
    assert (result.returncode, result.stderr) == (0, "")
    environment["ANABRANCH_CUDA_LIBRARY"] = str(FOLDER / "libemulated_cuda.so")
    result = run(NOT_USABLE, **environment, EXPECTED="is not a CUDA backend of this version.")
    assert (result.returncode, result.stderr) == (0, "")


# --- a GPU that is lost


@either
@pytest.mark.parametrize("kind, cause", [("store_to_no_memory", "cudaErrorIllegalAddress"), ("stop", "cudaError")])
def test_a_fault_on_the_gpu(kind, cause):
    succeed(
        FAULT
        + LOST
        + f"""
import asyncio
s = mx.new_stream(mx.gpu)
read = mx.add(mx.arange(4), 1, stream=s)
assert read.tolist() == [1, 2, 3, 4]
unread = mx.multiply(read, 2, stream=s)
begin = s.record(unread)
begin.wait()
fault({kind!r})
later = mx.exp(mx.ones(1000, stream=s), stream=s)
for _ in range(2):
    assert {cause!r} in lost(later.tolist)
    lost(unread.tolist)
    lost((later[:4] + unread).tolist)
    lost(lambda: str(later))
assert read.tolist() == [1, 2, 3, 4]  # its copy on the host
lost(lambda: mx.new_stream(mx.gpu))
end = s.record()
assert end.wait() and begin.elapsed(end) >= 0 and s.query()
async def wait():
    await mx.async_eval(mx.exp(later))
lost(lambda: asyncio.run(wait()))
cpu_goes_on()
mx.clear_cache()
mx.get_active_memory()
del unread, later
mx.async_eval(mx.exp(mx.ones(1000, stream=s), stream=s))  # the process ends with it
""",
    )


@either
def test_a_fault_while_threads_wait():
    succeed(
        FAULT
        + LOST
        + """
import threading, time
mx.eval(mx.ones(3, stream=mx.gpu) + 1)
told, steps = [], []
def work():
    s = mx.new_stream(mx.gpu)
    x = mx.random.normal((300, 300), stream=s)
    def go_on():
        y = x
        while True:
            y = mx.matmul(y, x, stream=s) * 0.01
            mx.eval(y)
            steps.append(1)
    told.append(lost(go_on))
def work_on_cpu():
    while len(told) < 3:
        cpu_goes_on()
threads = [threading.Thread(target=f) for f in (work, work, work, work_on_cpu)]
for t in threads:
    t.start()
deadline = time.monotonic() + 60
while len(steps) < 10:
    assert time.monotonic() < deadline
    time.sleep(0.001)
fault("store_to_no_memory")
for t in threads:
    t.join(60)
    assert not t.is_alive()
assert len(told) == 3
try:
    mx.synchronize()
except RuntimeError as e:
    assert "lost" in str(e)
""",
    )


@emulated_alone
@pytest.mark.parametrize("launch", [1, 2, 3, 7, 20])
def test_a_kernel_that_fails(launch):
    """The GPU's own kernels, at various places of what is in flight; another GPU goes on."""
    succeed(
        LOST
        + """
first, second = mx.Device(mx.gpu, 0), mx.Device(mx.gpu, 1)
s, t = mx.new_stream(first), mx.new_stream(first)
def go_on():
    x = mx.ones((50, 50), stream=s)
    for i in range(40):
        x = mx.sum(mx.exp(x, stream=t), 0, keepdims=True, stream=s) * mx.ones((50, 1)) * 1e-6
        mx.async_eval(x)
    x.tolist()
assert "cudaErrorIllegalAddress" in lost(go_on)
assert mx.add(mx.ones(3, stream=second), 1, stream=second).tolist() == [2, 2, 2]
try:
    mx.synchronize(first)
except RuntimeError as e:
    assert "lost" in str(e)
mx.synchronize(second)
cpu_goes_on()
""",
        **emulated(devices=2, **{"break": launch}),
    )


# --- programs that can't be compiled


PROGRAMS = """
import time
def programs():
    return {k: v for k, v in mx.device_info(mx.gpu).items() if k.startswith("programs_")}
def run_often(f):
    def run(device):
        with mx.default_device(device):
            return f(mx.arange(1000, dtype=mx.float32)).tolist()
    for _ in range(4):
        assert run(mx.gpu) == run(mx.cpu)
        deadline = time.monotonic() + 60
        while programs()["programs_compiling"]:
            assert time.monotonic() < deadline, programs()
            time.sleep(0.001)
def first(x):
    return mx.abs(x * 2 - 3) + x
def second(x):
    return mx.maximum(x * 0.5, 7 - x) * x
"""

COMPILES = (
    PROGRAMS
    + """
run_often(first)
assert programs()["programs_compiled"] > 0 and programs()["programs_error"] == "", programs()
"""
)

BREAK_COMPILER = """
import ctypes
path = next(line.split()[-1] for line in open("/proc/self/maps") if "/libnvrtc.so" in line)
compile_program = ctypes.cast(ctypes.CDLL(path).nvrtcCompileProgram, ctypes.c_void_p).value
assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(compile_program & ~4095), ctypes.c_size_t(8192), 7) == 0
ctypes.memmove(compile_program, bytes([0xb8, 6, 0, 0, 0, 0xc3]), 6)  # return NVRTC_ERROR_COMPILATION
"""


@either
def test_a_program_that_nvrtc_refuses(tmp_path):
    """It stays interpreted."""
    succeed(
        (COMPILES + BREAK_COMPILER if REAL else PROGRAMS)
        + """
run_often(second)
assert "NVRTC_ERROR_COMPILATION" in programs()["programs_error"], programs()
assert programs()["programs_interpreted"] > 0
""",
        ANABRANCH_CACHE_DIR=str(tmp_path),
    )


@real_alone
def test_a_damaged_cache_of_programs(tmp_path):
    folder = tmp_path / "cache"
    succeed(COMPILES, ANABRANCH_CACHE_DIR=str(folder))
    files = [f for f in folder.rglob("*") if f.is_file()]
    assert files
    for damage in (lambda b: b[: len(b) // 2], lambda b: b"", lambda b: bytes(len(b)), lambda b: b[:-1] + b"?"):
        for file in files:
            file.write_bytes(damage(file.read_bytes()))
        succeed(COMPILES, ANABRANCH_CACHE_DIR=str(folder))


@real_alone
def test_a_cache_of_programs_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "folder", "/proc/none", ""):
        succeed(COMPILES, ANABRANCH_CACHE_DIR=str(folder))
