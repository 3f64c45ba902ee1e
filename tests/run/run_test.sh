#!/usr/bin/env bash
# ./run on made-up systems: a copy of it with stand-ins for apt-get, dpkg-query, cmake, ctest and the program.
#   run_test.sh RUN
set -euo pipefail
script=$(readlink -f "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

stand_in() { # NAME: the script on standard input, logged whenever it is called
  { echo "#!/bin/bash" && echo "echo \"$1 \$*\" >>'$folder/log'" && cat; } >"$folder/bin/$1"
  chmod +x "$folder/bin/$1"
}

# A Debian system with everything installed but $MISSING, and a fresh clone.
new_system() {
  rm -rf "${folder:?}"/*
  mkdir -p "$folder/bin" "$folder/clone" "$folder/elsewhere"
  local tool
  for tool in bash cat dirname env grep mktemp nproc readlink rm sed tee touch; do
    ln -s "$(command -v "$tool")" "$folder/bin/$tool"
  done
  cp "$script" "$folder/clone/run"
  stand_in dpkg-query <<'END'
for package in "${@:4}"; do [[ " $MISSING " == *" $package "* ]] || echo -n "installed:$package "; done
END
  stand_in apt-get <<'END'
echo "apt-get was here"
exit "${APT_STATUS:-0}"
END
  stand_in sudo <<<'exec "$@"'
  stand_in cmake <<'END'
if [[ $1 == --preset ]]; then
  [[ ${CONFIGURE_STATUS:-0} == 0 ]] || exit 1
  declare -A folders=([release]=build [asan-ubsan]=build-asan [tsan]=build-tsan [arm64]=build-arm64)
  folder=${folders[$2]}
  command -p mkdir -p "$folder" && touch "$folder/build.ninja"
  printf '%s\n' "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" CMAKE_GENERATOR:INTERNAL=Ninja "${@:3}" |
    sed 's/^-D\(.*\)=/\1:BOOL=/' >"$folder/CMakeCache.txt"
elif [[ $1 == --build ]]; then
  printf '#!/bin/bash\necho "in $PWD: $*"\n' >"$2/stratoscope"
  command -p chmod +x "$2/stratoscope"
  exit "${BUILD_STATUS:-0}"
fi
END
  stand_in clang++ <<<''
  stand_in ctest <<'END'
[[ $2 != *"${CTEST_FAILS_IN-none}" ]] || CTEST_STATUS=8
echo "1/3 Test #1: a ....***Skipped   0.01 sec"
[[ ${CTEST_STATUS:-0} == 0 ]] || { echo "67% tests passed, 1 tests failed out of 3" && exit 8; }
echo "100% tests passed, 0 tests failed out of 3"
END
  export MISSING=""
  unset APT_STATUS CONFIGURE_STATUS BUILD_STATUS CTEST_STATUS CTEST_FAILS_IN
}

# Calls ./run from another folder; sets output, errors, status and log (the calls of the stand-ins).
call() {
  : >"$folder/log"
  status=0
  output=$(cd "$folder/elsewhere" && PATH=$folder/bin "$folder/clone/run" "$@" </dev/null 2>"$folder/errors") ||
    status=$?
  errors=$(cat "$folder/errors")
  log=$(grep -v '^dpkg-query' "$folder/log" || true)
}

expect() { # WHAT TEXT PATTERN
  # shellcheck disable=SC2053  # a pattern on purpose
  [[ $2 == $3 ]] || {
    failures=$((failures + 1))
    printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n  stderr: %s\n' "$1" "$3" "$2" "$errors"
  }
}

new_system
call demo --out here
expect "the demo runs where it was called" "$output" "in $folder/elsewhere: demo --out here"
expect "only the program is built, without tests and page" "$log" \
  "cmake --preset release --fresh -DSTRATOSCOPE_TESTS=OFF -DSTRATOSCOPE_EXPLORER=OFF"$'\n'"cmake --build $folder/clone/build --target stratoscope"
expect "the first demo says how long it takes" "$errors" "run: first run, *: about [1-9]* minutes on *"
call demo
expect "the second demo configures nothing" "$log" "cmake --build $folder/clone/build --target stratoscope"
expect "and takes no time worth a word" "$errors" "run: building stratoscope"
call serve --port 0
expect "the page is added when it is served" "$log" \
  "cmake --preset release -DSTRATOSCOPE_TESTS=OFF -DSTRATOSCOPE_EXPLORER=ON"$'\n'"cmake --build $folder/clone/build --target stratoscope"
expect "and served" "$output" "in $folder/elsewhere: serve --port 0"
call demo
expect "a later demo does not take it away" "$log" "cmake --build $folder/clone/build --target stratoscope"
call test -R something
expect "tests are switched on in the same folder" "$log" \
  "cmake --preset release -DSTRATOSCOPE_TESTS=ON -DSTRATOSCOPE_EXPLORER=ON"$'\n'"cmake --build $folder/clone/build"$'\n'"ctest --test-dir*"
expect "arguments reach ctest" "$log" "*ctest --test-dir * -R something"
expect "some tests are those of the release alone" "$output" "*100% tests passed*"$'\n'"3 tests: 2 passed, 0 failed, 1 skipped"
expect "tests that pass" "$status" 0
call test
expect "every test also runs under the sanitizers" "$log" \
  "*--build $folder/clone/build"$'\n'*"--build $folder/clone/build-asan"$'\n'*"--build $folder/clone/build-tsan"$'\n'*
expect "the last line counts all tests" "${output##*$'\n'}" "9 tests: 6 passed, 0 failed, 3 skipped"
expect "the lines before it count each folder's" "$output" \
  "*"$'\n'"release: 3 tests: *"$'\n'"asan-ubsan: 3 tests: *"$'\n'"tsan: 3 tests: *"$'\n'"9 tests: *"
CTEST_FAILS_IN=build-asan call test
expect "a report of a sanitizer fails" "$status" 8
expect "and the others are run all the same" "${output##*$'\n'}" "9 tests: 5 passed, 1 failed, 3 skipped"
call build
expect "tests stay switched on" "$log" "cmake --build $folder/clone/build --target stratoscope"
CTEST_STATUS=8 call test -R something
expect "a failing test fails" "$status" 8
expect "the last line counts failures" "${output##*$'\n'}" "3 tests: 1 passed, 1 failed, 1 skipped"
BUILD_STATUS=1 call test
expect "a failing build fails" "$status $errors" "1 *the build failed*"
expect "nothing is tested after a failed build" "$log" "*--build $folder/clone/build"

mkdir -p "$folder/clone/tests/fuzz"
echo "add_fuzzer(npy SOURCES" >"$folder/clone/tests/fuzz/CMakeLists.txt"
cat >"$folder/clone/tests/fuzz/search.sh" <<'END'
#!/bin/bash
echo "search $*"
[[ $1 != *"$FUZZ_FINDS" ]]
END
chmod +x "$folder/clone/tests/fuzz/search.sh"
export FUZZ_FINDS=nothing
call fuzz npy 7
expect "a fuzzer searches as long as asked" "$status $output" \
  "0 search $folder/clone/build-asan/tests/fuzz/fuzz_npy */seeds/npy 7 $folder/clone/.cache/fuzz/npy learn"
call fuzz 3
expect "or all of them do" "$status $output" "0 search */fuzz_npy * 3 *"
FUZZ_FINDS=npy call fuzz
expect "a finding is a failure" "$status" 1
call fuzz zip
expect "an unknown fuzzer" "$status $errors" "1 *no such fuzzer: zip; there are npy"
call fuzz npy missing
expect "a finding that is not there" "$status $errors" "1 *no such file: missing"

sed -i "s|^CMAKE_HOME_DIRECTORY.*|CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere|" "$folder/clone/build/CMakeCache.txt"
call build
expect "a copied build folder is configured afresh" "$log" "cmake --preset release --fresh -DSTRATOSCOPE_TESTS=OFF -DSTRATOSCOPE_EXPLORER=ON*"

new_system
MISSING="libzip-dev libgtest-dev" call build
expect "only what is missing is installed" "$log" \
  "*apt-get -qq -o DPkg::Lock::Timeout=300 update*install -y --no-install-recommends libzip-dev"$'\n'"cmake --preset*"
expect "apt is quiet when it works" "$errors" \
  "run: installing libzip-dev"$'\n'"run: configuring release"$'\n'"run: building stratoscope"
MISSING="nodejs npm" call demo
expect "the demo needs no Node.js" "$log" "cmake --build $folder/clone/build --target stratoscope"
MISSING="libzip-dev" call build
expect "new packages are looked at" "$log" "*cmake --preset release -D*"
MISSING="libzip-dev" APT_STATUS=100 call build
expect "apt speaks when it fails" "$errors" "*apt-get was here*could not install: libzip-dev*"
expect "and CMake has the last word" "$status $log" "0 *cmake --build*"

new_system
stand_in npm <<<''
stand_in ninja <<<''
MISSING="npm ninja-build nodejs" call test
expect "a tool from elsewhere is not installed again" "$log" "*--no-install-recommends nodejs"$'\n'"*"

new_system
stand_in python3 <<'END'
[[ $1 == -c ]] || echo "python3 in $PWD: $*"
END
call bench self --tokens 22
expect "a benchmark of this machine alone is the program's" "$output" "in $folder/elsewhere: bench --tokens 22"
call bench sweep --quick
expect "the other programs are asked by Python" "$output" \
  "python3 in $folder/elsewhere: -B $folder/clone/bench/run.py sweep --quick"
expect "after what they need is built" "$log" "*--target stratoscope stratoscope_library bench_peer bench_figure bench_products bench_attention"$'\n'"python3 -c*"
MISSING="libopenblas0-pthread" call bench
expect "and installed" "$log" "*--no-install-recommends libopenblas0-pthread"$'\n'"*"

new_system
stand_in dpkg-shlibdeps <<<''
stand_in cpack <<<'command -p mkdir -p packages && echo >packages/one.deb'
MISSING="file" call package
expect "packages are printed" "$status $output" "0 $folder/clone/build/packages/one.deb"
expect "what they need is installed, and what they hold is built first" "$log" \
  "*--no-install-recommends file"$'\n'*"--target stratoscope stratoscope_pages stratoscope_library"$'\n'"cpack "
rm "$folder/bin/dpkg-shlibdeps"
call package
expect "where there is nothing to make them with" "$status $errors" "1 *no dpkg-shlibdeps*"

new_system
mkdir "$folder/clone/cmake"
stand_in sysroot.sh <<<''
mv "$folder/bin/sysroot.sh" "$folder/clone/cmake/"
MISSING="qemu-user" call cross arm64
expect "the emulator is installed, and libraries get a folder of their own" "$log" \
  "*--no-install-recommends qemu-user"$'\n'"sysroot.sh arm64 $folder/clone/build-arm64/sysroot libc6-dev *libboost-dev *"
expect "what has kernels is built and tested" "$log" \
  "*cmake --preset arm64 *--target stratoscope test_ops test_model"$'\n'"ctest --test-dir $folder/clone/build-arm64 *"
expect "tests are counted" "${output##*$'\n'}" "3 tests: 2 passed, 0 failed, 1 skipped"
CTEST_STATUS=8 call cross arm64
expect "a failing test on another processor fails" "$status" 8
call cross mips
expect "an architecture that is not known" "$status $errors" "1 *no other architecture than arm64*"

new_system
rm "$folder/bin/apt-get"
call build
expect "another system is told what is needed" "$errors" "*not a Debian system*Highway*run: configuring release*"
expect "and builds where CMake finds everything" "$status" 0
rm "$folder/bin/clang++"
call test
expect "without clang the sanitizers are left out, loudly" "$output" \
  "*"$'\n'"asan-ubsan, tsan: SKIPPED, because there is no clang++"*$'\n'"4 tests: 2 passed, 0 failed, 2 skipped"
rm -r "$folder/clone/build"
CONFIGURE_STATUS=1 call build
expect "and fails where it does not" "$status $errors" "1 *cannot configure*"

call cross arm64
expect "libraries of another processor are Debian's" "$status $errors" "1 *not a Debian system: arm64*"

# Every requirement has a line in the list: each package that is installed, and each that CMake looks for.
call requirements
listed=$(tr '[:upper:]' '[:lower:]' <<<"$output" | tr -d '_-')
installed=$(tr '\n' ' ' <"$script" | grep -oE ' [a-z]+_packages=\([^)]*' | sed 's/.*(//; s/"[^"]*"//')
found=$(sed -nE 's/^ *find_package\((\w+).*/\1/p; s/^pkg_check_modules\(.* ([a-z0-9]+)(-8)?\)/\1/p' \
  "$(dirname "$script")/CMakeLists.txt")
expect "the lists are read" "$installed $found" "*g++*libboost-dev*shellcheck* Threads*libhwy*libpcre2*"
for name in $installed $found; do
  name=$(tr '[:upper:]' '[:lower:]' <<<"$name" | tr -d '_-')
  [[ $name == threads || $listed == *$name* ]] || expect "the list has $name" no yes
done

call frobnicate
expect "an unknown command" "$status $errors" "2 *no such command: frobnicate*usage:*"
call
expect "no command" "$status $output" "0 usage:*"

[[ $failures -eq 0 ]] || exit 1
echo "./run behaves"
