# The extension module anabranch._core, and the package around it as a tree in the build folder that can be imported:
# links to the sources, so that an edit counts at once.
execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
  OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE nanobind_ROOT COMMAND_ERROR_IS_FATAL ANY)
find_package(nanobind CONFIG REQUIRED)

set(package ${CMAKE_BINARY_DIR}/python/anabranch)
file(GLOB_RECURSE modules CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/python/anabranch
  python/anabranch/*.py python/anabranch/*.pyi python/anabranch/py.typed)
file(GLOB stale ${package}/*.py ${package}/*.pyi)
if(stale)
  file(REMOVE ${stale})
endif()
foreach(module ${modules})
  cmake_path(GET module PARENT_PATH folder)
  file(MAKE_DIRECTORY ${package}/${folder})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/python/anabranch/${module} ${package}/${module} SYMBOLIC)
endforeach()

file(GLOB_RECURSE sources CONFIGURE_DEPENDS python/*.cpp)
if(sources)
  nanobind_add_module(_core NB_STATIC NB_DOMAIN anabranch NOMINSIZE ${sources})
  target_include_directories(_core PRIVATE include src python)
  target_link_libraries(_core PRIVATE anabranch)
  target_compile_definitions(_core PRIVATE ANABRANCH_VERSION="${PROJECT_VERSION}")
  set_target_properties(_core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${package} INSTALL_RPATH $ORIGIN)
endif()
