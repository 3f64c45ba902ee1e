# The Python package: its wheel (./run wheel) and its files for the system's Python.

# The wheel's library and program hold libstdc++, of which older systems lack symbols. Without its unused parts they need
# nothing newer than manylinux_2_34 has.
set(wheel_parts ${CMAKE_BINARY_DIR}/wheel-parts)
set(wheel_link_options -static-libstdc++ LINKER:--gc-sections LINKER:--as-needed)
add_library(stratoscope_wheel_library SHARED EXCLUDE_FROM_ALL)
foreach(floor ${STRATOSCOPE_FLOORS})
  target_sources(stratoscope_wheel_library PRIVATE $<TARGET_OBJECTS:stratoscope_${floor}>)
endforeach()
target_link_libraries(stratoscope_wheel_library PRIVATE stratoscope::demo stratoscope::c)
target_link_options(stratoscope_wheel_library PRIVATE ${wheel_link_options}
  LINKER:--version-script=${CMAKE_CURRENT_LIST_DIR}/exported_symbols.map)
set_target_properties(stratoscope_wheel_library PROPERTIES OUTPUT_NAME stratoscope LINKER_LANGUAGE CXX
  LIBRARY_OUTPUT_DIRECTORY ${wheel_parts})

add_executable(stratoscope_wheel_program EXCLUDE_FROM_ALL apps/cli/main.cpp)
stratoscope_options(stratoscope_wheel_program)
target_link_libraries(stratoscope_wheel_program PRIVATE stratoscope_cli)
target_link_options(stratoscope_wheel_program PRIVATE ${wheel_link_options}
  LINKER:--version-script=${CMAKE_CURRENT_LIST_DIR}/no_symbols.map)
set_target_properties(stratoscope_wheel_program PROPERTIES OUTPUT_NAME stratoscope RUNTIME_OUTPUT_DIRECTORY ${wheel_parts})

function(validate_hatchling result path)
  execute_process(COMMAND ${path} -c "import build, hatchling" RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(NOT status EQUAL 0)
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()
find_program(PYTHON_WITH_HATCHLING NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH VALIDATOR validate_hatchling)
find_program(PYTHON_WITH_HATCHLING NAMES python3 VALIDATOR validate_hatchling)
find_program(PATCHELF patchelf)
if(PYTHON_WITH_HATCHLING AND PATCHELF AND DPKG_SHLIBDEPS AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_custom_target(wheel
    COMMAND ${PYTHON_WITH_HATCHLING} -B ${CMAKE_CURRENT_LIST_DIR}/make_wheel.py ${CMAKE_SOURCE_DIR}
      $<TARGET_FILE:stratoscope_wheel_library> $<TARGET_FILE:stratoscope_wheel_program> ${CMAKE_BINARY_DIR}/wheels
    VERBATIM)
  add_dependencies(wheel stratoscope_wheel_library stratoscope_wheel_program)
endif()

install(DIRECTORY python/stratoscope DESTINATION lib/python3/dist-packages COMPONENT python
  PATTERN _bundled EXCLUDE PATTERN __pycache__ EXCLUDE PATTERN .mypy_cache EXCLUDE)
