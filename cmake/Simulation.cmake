# The library once more for tests/simulation, on the types of src/simulation instead of std's: folders that know of
# threads are compiled with ANABRANCH_SIMULATED, the objects of the others serve both.
find_package(Boost 1.74 REQUIRED COMPONENTS context)

add_library(anabranch_simulated STATIC EXCLUDE_FROM_ALL)
foreach(folder ${folders} simulation)
  string(REPLACE anabranch_ "" name ${folder})
  if(name MATCHES "^(base|kernels)$")
    target_sources(anabranch_simulated PRIVATE $<TARGET_OBJECTS:${folder}>)
  else()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/${name}/*.cpp)
    list(FILTER sources EXCLUDE REGEX /backends/cuda/)
    target_sources(anabranch_simulated PRIVATE ${sources})
  endif()
endforeach()
target_compile_definitions(anabranch_simulated PUBLIC ANABRANCH_SIMULATED)
target_include_directories(anabranch_simulated PUBLIC include src)
target_link_libraries(anabranch_simulated PUBLIC Threads::Threads Boost::context hwy::hwy hwy::hwy_contrib
  ${CMAKE_DL_LIBS})
