# For tests: the CUDA backend's own sources, and its kernels', on a CUDA that the host plays
# (tests/cuda_kernels/emulated). ANABRANCH_CUDA_LIBRARY=build/release/tests/libanabranch_cuda_emulated.so makes that
# mx.gpu. Needs neither a GPU nor the CUDA toolkit.
set(emulated ${PROJECT_SOURCE_DIR}/tests/cuda_kernels/emulated)

set(device_options -O1 -Wno-unknown-pragmas)

add_library(emulated_cuda SHARED ${emulated}/cuda_runtime.cpp ${emulated}/queues.cpp ${emulated}/grid.cpp)
target_include_directories(emulated_cuda BEFORE PUBLIC ${emulated} ${PROJECT_SOURCE_DIR}/include
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(emulated_cuda PRIVATE Threads::Threads Boost::context)
set_source_files_properties(${emulated}/grid.cpp PROPERTIES COMPILE_OPTIONS "${device_options}")

# Under the name by which it is looked for: who finds it open takes it.
add_library(emulated_cublaslt SHARED ${emulated}/cublasLt.cpp)
target_compile_options(emulated_cublaslt PRIVATE ${device_options} -O3 -fcx-limited-range)
target_link_libraries(emulated_cublaslt PRIVATE emulated_cuda)
set_target_properties(emulated_cublaslt PROPERTIES OUTPUT_NAME cublasLt SUFFIX .so.13
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/emulated)

add_library(emulated_nvrtc SHARED ${emulated}/nvrtc.cpp)
set_target_properties(emulated_nvrtc PROPERTIES OUTPUT_NAME nvrtc SUFFIX .so.13
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/emulated)

file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernels/*.cu)
add_library(emulated_kernels OBJECT ${sources})
set_source_files_properties(${sources} PROPERTIES LANGUAGE CXX)
target_compile_options(emulated_kernels PRIVATE ${device_options})
target_link_libraries(emulated_kernels PRIVATE emulated_cuda)

file(GLOB device_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/backends/cuda/*.cu)
set_source_files_properties(${device_sources} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${device_options}")
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/backends/cuda/*.cpp)
add_library(anabranch_cuda_emulated MODULE ${sources} ${device_sources} $<TARGET_OBJECTS:emulated_kernels>)
target_link_libraries(anabranch_cuda_emulated PRIVATE anabranch emulated_cuda Threads::Threads ${CMAKE_DL_LIBS}
  -Wl,--no-as-needed emulated_cublaslt emulated_nvrtc)
set_target_properties(anabranch_cuda_emulated PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
