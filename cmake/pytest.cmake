# Python tests that start built programs. Each file is one test in CTest; without pytest the test is reported as
# skipped.
function(validate_pytest result path)
  execute_process(COMMAND ${path} -c "import numpy, pytest" RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(NOT status EQUAL 0)
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()
find_program(PYTHON_WITH_PYTEST NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH VALIDATOR validate_pytest)
find_program(PYTHON_WITH_PYTEST NAMES python3 VALIDATOR validate_pytest)
if(NOT PYTHON_WITH_PYTEST)
  message(WARNING "no python3 with pytest and numpy: the tests of the command line are skipped "
                  "(apt install python3-pytest python3-numpy)")
endif()

# add_pytest(NAME FILE VARIABLE=VALUE …): the variables are the test's environment.
# They start before the short tests, which then use the remaining cores.
function(add_pytest name file)
  if(PYTHON_WITH_PYTEST)
    add_test(NAME ${name} COMMAND ${PYTHON_WITH_PYTEST} -m pytest -q -p no:cacheprovider
      ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 COST 10 ENVIRONMENT "${ARGN};PYTHONDONTWRITEBYTECODE=1")
  else()
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: no python3 with pytest and numpy")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped:")
  endif()
endfunction()
