# The CUDA backend, a plug-in library beside libanabranch that is opened only where a driver is found. Without the CUDA
# toolkit everything else is built. All *.cu and src/backends/cuda belong to it. It links the CUDA runtime statically
# and opens cuBLASLt and NVRTC when they are first needed.
include(CheckLanguage)
set(ANABRANCH_CUDA AUTO CACHE STRING "Build the CUDA backend: ON, OFF, or AUTO (where the CUDA toolkit 13 is found)")
if(NOT ANABRANCH_CUDA OR ANABRANCH_SANITIZE)
  return()
endif()
find_package(CUDAToolkit 13 QUIET)
check_language(CUDA)
if(NOT CUDAToolkit_FOUND OR NOT CMAKE_CUDA_COMPILER)
  if(ANABRANCH_CUDA STREQUAL AUTO)
    message(STATUS "CUDA toolkit 13 not found: building for the CPU alone")
    return()
  endif()
  message(FATAL_ERROR "ANABRANCH_CUDA is ON, but the CUDA toolkit 13 (nvcc) was not found")
endif()

set(CMAKE_CUDA_ARCHITECTURES 90-real 80-virtual CACHE STRING "Machine code for 9.0, and PTX for 8.0 and later")

if(ANABRANCH_CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${ANABRANCH_CCACHE})
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc 13 has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)

file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/kernels/*.cu src/backends/cuda/*.cpp src/backends/cuda/*.cu)
add_library(anabranch_cuda MODULE ${sources})
target_include_directories(anabranch_cuda PRIVATE include src)
target_compile_options(anabranch_cuda PRIVATE
  $<$<COMPILE_LANGUAGE:CUDA>:--fmad=false --expt-relaxed-constexpr --extended-lambda -O3 --diag-suppress=186>)
target_link_libraries(anabranch_cuda PRIVATE anabranch CUDA::cudart_static Threads::Threads ${CMAKE_DL_LIBS})
target_link_options(anabranch_cuda PRIVATE -Wl,--no-undefined)
set_target_properties(anabranch_cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
  CUDA_RUNTIME_LIBRARY Static INSTALL_RPATH $ORIGIN)
