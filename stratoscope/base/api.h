// Marks what a program outside may use: the shared library exports the namespaces that are opened with it, and nothing
// else. Those are the namespaces of the headers that stratoscope/stratoscope.h reaches.
#pragma once

#define STRATOSCOPE_API [[gnu::visibility("default")]]
