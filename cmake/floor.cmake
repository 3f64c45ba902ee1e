# One library per folder of stratoscope/. A floor links only the floors below it, so a wrong include fails to link.
#   add_floor(NAME SOURCES a.cpp … LINK lower_floor or package targets … [ALONE b.cpp …])
# ALONE are sources with local names that another file of the folder has as well: the presets compile several files of a
# folder as one, in less than half the time (CMAKE_UNITY_BUILD).
function(stratoscope_options target)
  # GCC 12 at -O3 reports -Wrestrict on ordinary std::string concatenation (its bug 105651). Its -Wconversion leaves
  # sign conversions out, clang's does not.
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR} ${STRATOSCOPE_GENERATED})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion> -ffp-contract=off
    $<$<BOOL:${STRATOSCOPE_WERROR}>:-Werror>)
  sanitize(${target})
endfunction()

function(add_floor name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;ALONE" ${ARGN})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  add_library(stratoscope_${name} STATIC ${ARG_SOURCES})
  add_library(stratoscope::${name} ALIAS stratoscope_${name})
  set_target_properties(stratoscope_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  stratoscope_options(stratoscope_${name})
  target_link_libraries(stratoscope_${name} PUBLIC ${ARG_LINK})
endfunction()

# One test program per folder of tests/; its cases appear in CTest one by one.
#   add_floor_tests(NAME SOURCES a_test.cpp … LINK floors … [ALONE b_test.cpp …]
#     [FIXTURES what must run before, such as oracle_cases])
function(add_floor_tests name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;ALONE;FIXTURES" ${ARGN})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  add_executable(test_${name} ${ARG_SOURCES})
  stratoscope_options(test_${name})
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # what is tested is optimised, tests compile fast
  target_compile_definitions(test_${name} PRIVATE STRATOSCOPE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    GPT2_ORACLE_DIR="${STRATOSCOPE_ORACLES}/oracle/gpt2" FAMILY_ORACLE_DIR="${STRATOSCOPE_ORACLES}/oracle/families")
  target_link_libraries(test_${name} PRIVATE ${ARG_LINK} GTest::gtest_main)
  set(properties)
  if(ARG_FIXTURES)
    set(properties PROPERTIES FIXTURES_REQUIRED ${ARG_FIXTURES})
  endif()
  gtest_discover_tests(test_${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60 ${properties})
endfunction()
