# The floors as one shared library, and the files that other projects need to use it. The program does not need the
# library: it links the floors statically.
add_library(stratoscope_library SHARED)
add_library(stratoscope::stratoscope ALIAS stratoscope_library)
foreach(floor ${STRATOSCOPE_FLOORS})
  target_sources(stratoscope_library PRIVATE $<TARGET_OBJECTS:stratoscope_${floor}>)
endforeach()
# Links the archives of the same objects for the libraries that the floors link; the archives themselves add no symbols.
target_link_libraries(stratoscope_library PRIVATE stratoscope::demo stratoscope::c)
target_compile_features(stratoscope_library INTERFACE cxx_std_20)
target_include_directories(stratoscope_library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# Floors are compiled with hidden symbols; the map also hides symbols from templates of the standard library.
set(symbols ${CMAKE_CURRENT_LIST_DIR}/exported_symbols.map)
target_link_options(stratoscope_library PRIVATE LINKER:--version-script=${symbols} LINKER:--as-needed)
# Before 1.0 every minor version may change the interface.
set(STRATOSCOPE_SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set_target_properties(stratoscope_library PROPERTIES OUTPUT_NAME stratoscope EXPORT_NAME stratoscope LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${STRATOSCOPE_SOVERSION} LINK_DEPENDS ${symbols}
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# The public headers are the umbrella header and the headers that it includes, directly or indirectly.
function(reached_headers header result)
  set(reached ${header})
  set(next 0)
  list(LENGTH reached count)
  while(next LESS count)
    list(GET reached ${next} file)
    file(STRINGS ${file} lines REGEX "^#include \"stratoscope/")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
    foreach(line ${lines})
      string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" included ${line})
      if(EXISTS ${CMAKE_SOURCE_DIR}/${included})
        list(APPEND reached ${included})
      endif()
    endforeach()
    list(REMOVE_DUPLICATES reached)
    list(LENGTH reached count)
    math(EXPR next "${next} + 1")
  endwhile()
  set(${result} ${reached} PARENT_SCOPE)
endfunction()
reached_headers(stratoscope/stratoscope.h headers)
foreach(header ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder} COMPONENT development)
endforeach()
install(FILES stratoscope/c/stratoscope.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/stratoscope/c COMPONENT development)
install(FILES ${STRATOSCOPE_GENERATED}/stratoscope/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/stratoscope
  COMPONENT development)

install(TARGETS stratoscope_library EXPORT stratoscope
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/stratoscope)
# Public headers include only the standard library, so that consumers need no other packages.
install(EXPORT stratoscope FILE stratoscope-config.cmake NAMESPACE stratoscope:: DESTINATION ${package}
  COMPONENT development)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/stratoscope-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/stratoscope-config-version.cmake DESTINATION ${package} COMPONENT development)

file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/stratoscope.pc.in ${CMAKE_BINARY_DIR}/stratoscope.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/stratoscope.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
