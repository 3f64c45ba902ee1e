# Writes a C++ source whose object holds the files of DIST, or none if PAGE is empty.
#   cmake -DDIST=… -DPAGE=… -DOUT=… -P embed.cmake

set(blobs "")
set(table "")
set(count 0)
function(embed file name)
  file(SHA256 ${file} hash)  # in the text, so that a changed file is compiled again
  set(blobs "${blobs}EMBED(${name}, \"${file}\")  // ${hash}\n" PARENT_SCOPE)
endfunction()

if(PAGE)
  file(GLOB_RECURSE files RELATIVE ${DIST} ${DIST}/*)
  list(SORT files)
  foreach(file ${files})
    string(REGEX MATCH "[^.]*$" ending ${file})
    set(type application/octet-stream)
    if(ending STREQUAL "html")
      set(type "text/html; charset=utf-8")
    elseif(ending STREQUAL "js")
      set(type "text/javascript; charset=utf-8")
    elseif(ending STREQUAL "css")
      set(type "text/css; charset=utf-8")
    elseif(ending STREQUAL "svg")
      set(type "image/svg+xml")
    endif()
    embed(${DIST}/${file} page_${count})
    string(APPEND table "    {\"/${file}\", \"${type}\", bytes_of(page_${count}, page_${count}_end)},\n")
    math(EXPR count "${count} + 1")
  endforeach()
endif()

file(WRITE ${OUT} "// Made by explorer/embed.cmake.
#include <vector>

#include \"apps/server/pages.h\"

// The assembler copies a file's bytes in; a compiler would take them one number at a time.
#define EMBED(name, file)                                                                          \\
  asm(\".pushsection .rodata\\n.balign 16\\nstratoscope_\" #name \":\\n.incbin \\\"\" file \"\\\"\\n\"     \\
      \"stratoscope_\" #name \"_end:\\n.byte 0\\n.popsection\\n\");                                   \\
  [[gnu::visibility(\"hidden\")]] extern const char name[] asm(\"stratoscope_\" #name);              \\
  [[gnu::visibility(\"hidden\")]] extern const char name##_end[] asm(\"stratoscope_\" #name \"_end\");

namespace stratoscope::server {

// Outside of the anonymous namespace: there clang misses their definitions.
${blobs}
namespace {

[[maybe_unused]] std::string_view bytes_of(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::span<const Page> pages() {
  static const std::vector<Page> all = {
${table}  };
  return all;
}

}  // namespace stratoscope::server
")
