# The Python that we build for, and the OpenBLAS that its package scipy-openblas32 carries. The library is opened when
# it is first needed, beside libanabranch.so (as in wheels) or else from ANABRANCH_OPENBLAS_PATH (as in a build tree).
if(ANABRANCH_BUILD_PYTHON)
  find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
elseif(NOT ANABRANCH_OPENBLAS_PATH)
  find_package(Python 3.10 REQUIRED COMPONENTS Interpreter)
endif()

if(NOT ANABRANCH_OPENBLAS_PATH)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
      "import os, scipy_openblas32 as b; print(os.path.join(b.get_lib_dir(), 'libscipy_openblas.so'), end='')"
    OUTPUT_VARIABLE openblas RESULT_VARIABLE status ERROR_QUIET)
  if(status OR NOT EXISTS "${openblas}")
    message(FATAL_ERROR "${Python_EXECUTABLE} has no scipy-openblas32. Cure: ${Python_EXECUTABLE} -m pip install "
      "scipy-openblas32, or configure with -DANABRANCH_OPENBLAS_PATH=/path/to/libscipy_openblas.so")
  endif()
  set(ANABRANCH_OPENBLAS_PATH "${openblas}" CACHE FILEPATH "libscipy_openblas.so of the package scipy-openblas32")
endif()
