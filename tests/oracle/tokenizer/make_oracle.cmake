# Run by CTest before the oracle's tests: fetches npm tokenizers and asks them, once for each state of the scripts.
#   cmake -D SOURCE=<repository> -D OUT=<build folder of the oracle> -P make_oracle.cmake
# Where Node.js, npm or the registry is missing it leaves the reason in OUT/missing.txt, for the tests to be skipped with.
set(here ${SOURCE}/tests/oracle/tokenizer)
set(model ${SOURCE}/models/novella-7m)
set(tokens ${SOURCE}/tests/golden/tokens.json)

set(state "")
foreach(file ${here}/package-lock.json ${here}/oracle.js ${here}/texts.js ${model}/tokenizer.json ${tokens})
  file(SHA256 ${file} hash)
  string(APPEND state "${hash}\n")
endforeach()
set(stamp "")
if(EXISTS ${OUT}/stamp.txt)
  file(READ ${OUT}/stamp.txt stamp)
endif()
if(stamp STREQUAL state)
  return()
endif()

function(skip reason)
  file(WRITE ${OUT}/missing.txt "${reason}")
  message(STATUS "no tokenizer oracle: ${reason}")
endfunction()

file(REMOVE ${OUT}/stamp.txt ${OUT}/missing.txt)
file(MAKE_DIRECTORY ${OUT})
find_program(NODE NAMES node nodejs)
find_program(NPM npm)
if(NOT NODE OR NOT NPM)
  skip("Node.js and npm are not installed (Debian: apt install nodejs npm)")
  return()
endif()

file(COPY ${here}/package.json ${here}/package-lock.json ${here}/oracle.js ${here}/texts.js DESTINATION ${OUT})
execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=1 WORKING_DIRECTORY ${OUT}
  RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said TIMEOUT 300)
if(failed)
  skip("npm ci failed, is the registry within reach? ${said}")
  return()
endif()
execute_process(COMMAND ${NODE} -e "require('tokenizers')" WORKING_DIRECTORY ${OUT}
  RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(failed)
  skip("npm tokenizers has no build for this system: ${said}")
  return()
endif()

execute_process(COMMAND ${NODE} oracle.js ${OUT} ${model} ${tokens} WORKING_DIRECTORY ${OUT} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "oracle.js failed: ${failed}")
endif()
file(WRITE ${OUT}/stamp.txt "${state}")
