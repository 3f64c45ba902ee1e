# Build trees with sanitizers (presets asan-ubsan and tsan): STRATOSCOPE_SANITIZER is "address", with undefined
# behaviour and leaks, or "thread". The first report ends the program, so that its test fails. The sanitizers' run-time
# options and suppressions are in tests/support/sanitizer_defaults.cpp.
set(STRATOSCOPE_SANITIZER "" CACHE STRING "Sanitizers of the build: address or thread")

if(STRATOSCOPE_SANITIZER AND NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  # libFuzzer needs clang, and the thread sanitizer does not support GCC's OpenMP runtime.
  message(FATAL_ERROR "sanitizers are built with clang: add -D CMAKE_CXX_COMPILER=clang++, or use the presets")
endif()

if(STRATOSCOPE_SANITIZER STREQUAL "address")
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=all
    -fsanitize-ignorelist=${CMAKE_SOURCE_DIR}/cmake/undefined-behaviour-elsewhere.txt)
elseif(STRATOSCOPE_SANITIZER STREQUAL "thread")
  set(flags -fsanitize=thread)
  # Archer reports the synchronisation of libomp's threads to the thread sanitizer.
  get_filename_component(clang ${CMAKE_CXX_COMPILER} REALPATH)
  find_library(ARCHER_LIBRARY archer HINTS ${clang}/../../lib REQUIRED)
elseif(STRATOSCOPE_SANITIZER)
  message(FATAL_ERROR "STRATOSCOPE_SANITIZER is '${STRATOSCOPE_SANITIZER}', expected address or thread")
endif()
if(STRATOSCOPE_SANITIZER)
  add_compile_options(${flags} -O1 -g1 -fno-omit-frame-pointer)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(${flags})
endif()

# Floors that read untrusted input are compiled with coverage for the fuzzers (tests/fuzz). Coverage doubles the time of
# arithmetic, so that the other floors have none.
set(fuzzed_floors base tensor files text hub probe session corpus experiments c server)

set(calculating_floors tensor ops)

# Tests with little arithmetic: without optimisation they take half the time to compile. The program stays optimised:
# its tests start it so often that they would take several times as long.
set(unoptimised test_analysis test_base test_c test_experiments test_families test_figures test_files test_hub test_server)

# Sets the sanitizer options of a target of the project.
function(sanitize target)
  if(NOT STRATOSCOPE_SANITIZER)
    return()
  endif()
  if(target IN_LIST unoptimised)
    target_compile_options(${target} PRIVATE -O0)
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/sanitizer_defaults.cpp)
    if(STRATOSCOPE_SANITIZER STREQUAL "thread")
      target_link_options(${target} PRIVATE -Wl,--no-as-needed)
      target_link_libraries(${target} PRIVATE ${ARCHER_LIBRARY})
    endif()
    return()
  endif()
  string(REPLACE stratoscope_ "" floor ${target})
  # Loops over numbers: at -O1 clang calls a function for each of them, and every start of the program packs a model.
  if(floor IN_LIST calculating_floors)
    target_compile_options(${target} PRIVATE -O2)
  endif()
  if(STRATOSCOPE_SANITIZER STREQUAL "address" AND floor IN_LIST fuzzed_floors)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()
