// What the sanitizers are told at run time in every program of their build trees (cmake/sanitizers.cmake), however it
// is started; ASAN_OPTIONS and the like still win. Everything that is left alone has its reason here.

extern "C" {

// Called by the runtimes under these names.
const char* __asan_default_options();
const char* __lsan_default_suppressions();
const char* __ubsan_default_options();
const char* __tsan_default_options();
const char* __tsan_default_suppressions();

const char* __asan_default_options() { return "detect_stack_use_after_return=1:strict_string_checks=1"; }

// libomp keeps what it knows of a thread until the process ends.
const char* __lsan_default_suppressions() { return "leak:libomp.so\n"; }

const char* __ubsan_default_options() { return "print_stacktrace=1"; }

// libomp is not instrumented: what it orders between threads the sanitizer cannot see.
const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1:second_deadlock_stack=1"; }

const char* __tsan_default_suppressions() { return ""; }
}
