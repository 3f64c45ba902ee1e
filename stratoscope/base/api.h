// Marks the public interface: the shared library exports the namespaces opened with it, which are those of the headers
// that stratoscope/stratoscope.h includes, and nothing else.
#pragma once

#define STRATOSCOPE_API [[gnu::visibility("default")]]
