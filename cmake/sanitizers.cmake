# Build trees that watch the program while it runs (presets asan-ubsan and tsan): STRATOSCOPE_SANITIZER is "address",
# with undefined behaviour and leaks, or "thread". The first report ends the program, and so fails its test. What a
# sanitizer is told at run time, and what it is told to leave alone, stands in tests/support/sanitizer_defaults.cpp.
set(STRATOSCOPE_SANITIZER "" CACHE STRING "Watch the program run: address or thread")

if(STRATOSCOPE_SANITIZER AND NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  # libFuzzer is clang's, and the thread sanitizer does not understand GCC's OpenMP runtime.
  message(FATAL_ERROR "sanitizers are built with clang: add -D CMAKE_CXX_COMPILER=clang++, or use the presets")
endif()

if(STRATOSCOPE_SANITIZER STREQUAL "address")
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=all
    -fsanitize-ignorelist=${CMAKE_SOURCE_DIR}/cmake/undefined-behaviour-elsewhere.txt)
elseif(STRATOSCOPE_SANITIZER STREQUAL "thread")
  set(flags -fsanitize=thread)
  # Archer tells the thread sanitizer where libomp's threads meet.
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

# Floors that read what others wrote: the fuzzers (tests/fuzz) watch which way they go. That doubles the time of
# arithmetic, so the other floors do without.
set(fuzzed_floors base tensor files text hub probe session corpus experiments server)

set(calculating_floors tensor ops)

# Tests that calculate little: they take half the time to compile without optimisation. The program does not win: it is
# started so often that its own tests would take several times as long.
set(unoptimised test_analysis test_base test_experiments test_families test_figures test_files test_hub test_server)

# What a target of ours needs in such a tree.
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
  # Loops over numbers: at -O1 clang calls a function for each, and every start of the program packs a model.
  if(floor IN_LIST calculating_floors)
    target_compile_options(${target} PRIVATE -O2)
  endif()
  if(STRATOSCOPE_SANITIZER STREQUAL "address" AND floor IN_LIST fuzzed_floors)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()
