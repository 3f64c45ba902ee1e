# Debian packages: the program with its model, the shared library, and the development files.
#   ./run package
set(STRATOSCOPE_MAINTAINER "The Stratoscope authors <stratoscope@users.noreply.github.com>" CACHE STRING
  "Maintainer of the packages")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${STRATOSCOPE_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library development python)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Only installed targets are built for packages, not the tests.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

set(package_program stratoscope)
set(package_library libstratoscope${STRATOSCOPE_SOVERSION})
set(package_development libstratoscope-dev)
set(package_python python3-stratoscope)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
# gnuplot draws png and pdf, and svg and html where it is there; figures are in DejaVu Sans.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "gnuplot-nox | gnuplot, fonts-dejavu-core")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "look inside transformer language models
 Every value that a model computes on the way to its prediction has a name, and
 can be read, measured, drawn, or rewritten to see what changes. Models are GPT-2
 checkpoints in Hugging Face layout; a small one is included.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS stratoscope)  # the model
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/cmake/debian/postinst
  ${CMAKE_SOURCE_DIR}/cmake/debian/postrm)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "look inside transformer language models - shared library
 A C++ library that runs GPT-2 checkpoints and lets a program read and rewrite
 every value on the way to their predictions.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "${package_library} (= ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "look inside transformer language models - development files
 Headers of the Stratoscope library, and its files for CMake and pkg-config.")

set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
  "python3 (>= 3.9), python3-numpy, ${package_library} (= ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS stratoscope)  # the model
set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "python3-matplotlib, python3-pandas, python3-tqdm, jupyter-notebook")
set(CPACK_COMPONENT_PYTHON_DESCRIPTION "look inside transformer language models - Python package
 Forward passes, hidden states, hook points, edits and experiments of language
 models as NumPy arrays, and as figures in a notebook.")

# Each package has its licence and its changes, in Debian's form.
set(documents ${CMAKE_BINARY_DIR}/debian)
file(READ LICENSE licence)
string(REGEX REPLACE "^MIT License\n+(Copyright[^\n]*)\n+" "" licence "${licence}")
string(REGEX REPLACE "^Copyright \\(c\\) " "" copyright "${CMAKE_MATCH_1}")
string(REGEX REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REGEX REPLACE "\n(.)" "\n \\1" licence " ${licence}")
configure_file(cmake/debian/copyright.in ${documents}/copyright @ONLY)
string(TIMESTAMP STRATOSCOPE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(cmake/debian/changelog.in ${documents}/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nkf ${documents}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package_${component}})
  install(FILES ${documents}/copyright ${documents}/changelog.Debian.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package_${component}} COMPONENT ${component})
endforeach()
include(CPack)
