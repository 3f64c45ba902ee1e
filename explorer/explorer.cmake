# The page: built by npm into one folder, whose files are embedded in the program. Sets EXPLORER_PAGES, the source that
# holds them. Without Node.js, or with STRATOSCOPE_EXPLORER=OFF, the program says what is missing.
set(explorer ${CMAKE_SOURCE_DIR}/explorer)
set(built ${CMAKE_BINARY_DIR}/explorer)
set(EXPLORER_PAGES ${built}/pages.cpp)

find_program(NPM npm)
if(STRATOSCOPE_EXPLORER AND NOT STRATOSCOPE_SANITIZER AND NPM AND EXISTS ${explorer}/package-lock.json)
  file(GLOB_RECURSE explorer_sources CONFIGURE_DEPENDS ${explorer}/src/* ${explorer}/public/*)
  list(APPEND explorer_sources ${explorer}/index.html ${explorer}/help.html ${CMAKE_SOURCE_DIR}/docs/explorer.md
    ${explorer}/vite.config.ts ${explorer}/svelte.config.js ${explorer}/tsconfig.json)
  add_custom_command(OUTPUT ${built}/installed
    COMMAND ${NPM} ci --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E make_directory ${built}
    COMMAND ${CMAKE_COMMAND} -E touch ${built}/installed
    DEPENDS ${explorer}/package.json ${explorer}/package-lock.json
    WORKING_DIRECTORY ${explorer} COMMENT "Installing what the explorer is built with" VERBATIM)
  add_custom_command(OUTPUT ${built}/dist/index.html
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${built}/dist
    COMMAND ${NPM} run --silent build -- --outDir ${built}/dist --emptyOutDir --logLevel warn
    DEPENDS ${built}/installed ${explorer_sources}
    WORKING_DIRECTORY ${explorer} COMMENT "Building the explorer" VERBATIM)
  set(page ${built}/dist/index.html)
  set(EXPLORER_BUILT ON CACHE INTERNAL "Whether the program has the page")
else()
  if(NOT STRATOSCOPE_SANITIZER)
    message(STATUS "The explorer's page is left out: no npm, or STRATOSCOPE_EXPLORER is OFF")
  endif()
  set(page "")
  set(EXPLORER_BUILT OFF CACHE INTERNAL "Whether the program has the page")
endif()
add_custom_command(OUTPUT ${EXPLORER_PAGES}
  COMMAND ${CMAKE_COMMAND} -DDIST=${built}/dist -DPAGE=${page} -DOUT=${EXPLORER_PAGES}
    -P ${explorer}/embed.cmake
  DEPENDS ${page} ${explorer}/embed.cmake COMMENT "Embedding the explorer" VERBATIM)
