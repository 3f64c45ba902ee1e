// The limits of requests. A request over a limit gets a 4xx response that names it.
#pragma once

#include <chrono>
#include <cstddef>

namespace stratoscope::server {

using std::chrono::seconds;

inline constexpr std::size_t kHeadBytes = 16 * 1024;
inline constexpr std::size_t kTargetBytes = 2000;  // path and query
inline constexpr std::size_t kTokenBytes = 1024;
inline constexpr std::size_t kBodyValues = 300'000;  // JSON values of one body
inline constexpr std::size_t kBodyBytes = std::size_t{8} << 20;
inline constexpr std::size_t kTextBytes = 64 * 1024;
inline constexpr std::size_t kExpressionBytes = 4000;  // of an edit, an axis, the name of a hook point
inline constexpr std::size_t kGridPoints = 20'000;
inline constexpr std::size_t kListEntries = 256;        // of a list in the body of an experiment
inline constexpr std::size_t kExperimentTokens = 1024;  // of a text whose document grows faster than the text
inline constexpr std::size_t kFigureNumbers = 200'000;
inline constexpr std::size_t kFigurePanels = 16;  // and marks in each

inline constexpr std::size_t kConnections = 96;  // open at once, each with a thread
inline constexpr std::size_t kRequestsPerConnection = 10'000;
inline constexpr std::size_t kWaitingJobs = 512;                      // of all clients
inline constexpr std::size_t kWaitingLowPriorityJobs = 256;           // of low priority, so that others have room
inline constexpr std::size_t kWaitingJobsPerClient = 16;              // of one client
inline constexpr std::size_t kBatchRequests = kWaitingJobsPerClient;  // requests in one batch
inline constexpr std::chrono::milliseconds kFrameTime{16};            // events within this time are sent in one piece
inline constexpr std::size_t kPendingEvents = 4096;                   // not yet read by a client; more cancel the job
inline constexpr seconds kRequestTime{10};                            // to receive a whole request
inline constexpr seconds kSendTime{60};                               // for the client to receive a piece of a response
inline constexpr std::chrono::milliseconds kShutdownTime{2000};       // for responses in progress when the server stops
inline constexpr seconds kIdleTime{30};                               // of a connection between requests
inline constexpr seconds kJobTime{120};
inline constexpr seconds kSweepTime{1800};

inline constexpr std::size_t kOpenModels = 2;
inline constexpr std::size_t kCachedTextBytes = std::size_t{512} << 20;  // per model
inline constexpr std::size_t kCachedTexts = 16;

inline constexpr std::size_t kExperiments = 10'000;
inline constexpr std::size_t kExperimentBytes = std::size_t{4} << 20;
inline constexpr std::size_t kNoteBytes = 4000;
inline constexpr std::size_t kListLength = 200;
inline constexpr std::size_t kSearchBytes = 200;

}  // namespace stratoscope::server
