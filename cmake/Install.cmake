# Two ways to install: the C++ package (library, headers, what find_package(anabranch) reads) under a prefix, and the
# Python package, which scikit-build-core asks for by its component.
include(CMakePackageConfigHelpers)

if(SKBUILD)
  install(TARGETS anabranch LIBRARY DESTINATION anabranch COMPONENT python)
  install(TARGETS _core LIBRARY DESTINATION anabranch COMPONENT python)
  install(FILES ${ANABRANCH_OPENBLAS_PATH} DESTINATION anabranch COMPONENT python)
  if(TARGET anabranch_cuda)
    install(TARGETS anabranch_cuda LIBRARY DESTINATION anabranch COMPONENT python)
  endif()
  # A wheel carries Highway too: few machines have it.
  foreach(part hwy hwy_contrib)
    get_target_property(library hwy::${part} LOCATION)
    file(REAL_PATH ${library} library)
    install(FILES ${library} DESTINATION anabranch RENAME lib${part}.so.1 COMPONENT python)
  endforeach()
  foreach(distribution scipy-openblas32 nanobind)
    execute_process(COMMAND ${Python_EXECUTABLE} -c
      "import importlib.metadata as m; print([f.locate() for f in m.files('${distribution}') if 'LICENSE' in f.name][0], end='')"
      OUTPUT_VARIABLE license COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${license} DESTINATION ${SKBUILD_METADATA_DIR}/licenses RENAME ${distribution}.txt COMPONENT python)
  endforeach()
else()
  install(TARGETS anabranch EXPORT anabranchTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp)
  install(DIRECTORY include/anabranch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp)
  install(FILES ${ANABRANCH_OPENBLAS_PATH} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp)
  if(TARGET anabranch_cuda)
    install(TARGETS anabranch_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp)
  endif()
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/anabranch)
  install(EXPORT anabranchTargets NAMESPACE anabranch:: DESTINATION ${package_dir} COMPONENT cpp)
  configure_package_config_file(cmake/anabranchConfig.cmake.in ${CMAKE_BINARY_DIR}/anabranchConfig.cmake
    INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/anabranchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/anabranchConfig.cmake ${CMAKE_BINARY_DIR}/anabranchConfigVersion.cmake
    DESTINATION ${package_dir} COMPONENT cpp)
endif()
