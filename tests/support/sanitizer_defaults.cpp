// The run-time options of the sanitizers in every program of their build trees (cmake/sanitizers.cmake), however it is
// started; ASAN_OPTIONS and similar variables take precedence. Every suppression has its reason here.

extern "C" {

// The sanitizer runtimes call these functions by name.
const char* __asan_default_options();
const char* __lsan_default_suppressions();
const char* __ubsan_default_options();
const char* __tsan_default_options();
const char* __tsan_default_suppressions();

const char* __asan_default_options() { return "detect_stack_use_after_return=1:strict_string_checks=1"; }

// libomp keeps its data of a thread until the process ends.
const char* __lsan_default_suppressions() { return "leak:libomp.so\n"; }

const char* __ubsan_default_options() { return "print_stacktrace=1"; }

// libomp is not instrumented: the sanitizer cannot see its synchronisation of threads.
const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1:second_deadlock_stack=1"; }

const char* __tsan_default_suppressions() { return ""; }
}
