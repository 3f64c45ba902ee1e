# One library per folder of stratoscope/. A floor links only the floors below it, so that a wrong include fails to link.
#   add_floor(NAME SOURCES a.cpp … LINK lower_floor or package targets … [ALONE b.cpp …])
# ALONE are sources with local names that also occur in another file of the folder: the presets compile several files of
# a folder as one, in less than half the time (CMAKE_UNITY_BUILD).

# Floors with loops over numbers or bytes are fully optimised in a release build. The other floors and the program only
# arrange results; with -O1 they compile in two thirds of the time.
set(optimised_floors base tensor files text ops hub model probe analysis)

# For targets outside optimised_floors, in a release build.
function(optimise_little target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

function(stratoscope_options target)
  # GCC 12 at -O3 reports -Wrestrict on ordinary std::string concatenation (its bug 105651). GCC's -Wconversion does not
  # include sign conversions, clang's does.
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
  if(NOT name IN_LIST optimised_floors)
    optimise_little(stratoscope_${name})
  endif()
  target_link_libraries(stratoscope_${name} PUBLIC ${ARG_LINK})
endfunction()

# Adds the cases of a GoogleTest program to CTest: one by one or, under a sanitizer, where each process starts slowly,
# distributed over `processes` processes.
function(add_cases target prefix processes fixtures)
  set(properties)
  if(fixtures)
    set(properties PROPERTIES FIXTURES_REQUIRED ${fixtures})
  endif()
  if(NOT STRATOSCOPE_SANITIZER)
    gtest_discover_tests(${target} TEST_PREFIX "${prefix}." DISCOVERY_TIMEOUT 60 ${properties})
    return()
  endif()
  string(REPLACE test_ "" name ${target})
  math(EXPR last "${processes} - 1")
  foreach(part RANGE ${last})
    add_test(NAME ${name}.part_${part} COMMAND ${target} --gtest_brief=1)
    set_tests_properties(${name}.part_${part} PROPERTIES COST 5 FIXTURES_REQUIRED "${fixtures}"
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${processes};GTEST_SHARD_INDEX=${part}")
  endforeach()
endfunction()

# One test program per folder of tests/.
#   add_floor_tests(NAME SOURCES a_test.cpp … LINK floors … [ALONE b_test.cpp …]
#     [FIXTURES that must run before, such as oracle_cases] [PROCESSES under a sanitizer; 1])
function(add_floor_tests name)
  cmake_parse_arguments(ARG "" "PROCESSES" "SOURCES;LINK;ALONE;FIXTURES" ${ARGN})
  if(NOT ARG_PROCESSES)
    set(ARG_PROCESSES 1)
  endif()
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  add_executable(test_${name} ${ARG_SOURCES})
  stratoscope_options(test_${name})
  optimise_little(test_${name})
  target_compile_definitions(test_${name} PRIVATE STRATOSCOPE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    GPT2_ORACLE_DIR="${STRATOSCOPE_ORACLES}/oracle/gpt2" FAMILY_ORACLE_DIR="${STRATOSCOPE_ORACLES}/oracle/families")
  target_link_libraries(test_${name} PRIVATE ${ARG_LINK} GTest::gtest_main)
  add_cases(test_${name} ${name} ${ARG_PROCESSES} "${ARG_FIXTURES}")
endfunction()
