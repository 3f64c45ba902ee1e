// How much of everything a client may ask for. Over a limit the answer is a 4xx that names it.
#pragma once

#include <chrono>
#include <cstddef>

namespace stratoscope::server {

using std::chrono::seconds;

inline constexpr std::size_t kHeadBytes = 16 * 1024;
inline constexpr std::size_t kTargetBytes = 2000;  // path and query
inline constexpr std::size_t kTokenBytes = 1024;
inline constexpr std::size_t kBodyValues = 300'000;  // numbers, texts, lists and objects of one body
inline constexpr std::size_t kBodyBytes = std::size_t{8} << 20;
inline constexpr std::size_t kTextBytes = 64 * 1024;
inline constexpr std::size_t kEdits = 32;
inline constexpr std::size_t kEditBytes = 400;
inline constexpr std::size_t kAxisBytes = 4000;
inline constexpr std::size_t kGridPoints = 20'000;
inline constexpr std::size_t kAxes = 3;
inline constexpr std::size_t kTargets = 2;
inline constexpr std::size_t kTop = 100;
inline constexpr std::size_t kWindow = 256;  // positions that one answer may cover
inline constexpr std::size_t kFigureNumbers = 200'000;
inline constexpr std::size_t kFigurePanels = 16;  // and marks in each
inline constexpr std::size_t kLensWindow = 128;   // the same for the logit lens

inline constexpr std::size_t kConnections = 96;  // open at once, each with a thread
inline constexpr std::size_t kRequestsPerConnection = 10'000;
inline constexpr std::size_t kWaitingJobs = 512;                 // of all clients: some for each connection
inline constexpr std::size_t kWaitingPatientJobs = 256;          // of these that take long: others find room
inline constexpr std::size_t kWaitingJobsPerClient = 16;         // of one tab
inline constexpr std::size_t kTogether = kWaitingJobsPerClient;  // requests in one
inline constexpr std::chrono::milliseconds kScreenFrame{16};     // what comes within one is sent in one piece
inline constexpr std::size_t kEventsAhead = 4096;                // that a slow reader of a stream may be behind
inline constexpr seconds kRequestTime{10};                       // for a request to come in whole
inline constexpr seconds kAnswerTime{60};                        // for a piece of an answer to be taken
inline constexpr std::chrono::milliseconds kPartingTime{2000};   // for answers under way when the server stops
inline constexpr seconds kIdleTime{30};                          // of a connection between requests
inline constexpr seconds kJobTime{120};
inline constexpr seconds kSweepTime{1800};

inline constexpr std::size_t kOpenModels = 2;
inline constexpr std::size_t kKeptTextBytes = std::size_t{512} << 20;  // of runs, per model
inline constexpr std::size_t kKeptTexts = 16;

inline constexpr std::size_t kExperiments = 10'000;
inline constexpr std::size_t kExperimentBytes = std::size_t{4} << 20;
inline constexpr std::size_t kNoteBytes = 4000;
inline constexpr std::size_t kListed = 200;
inline constexpr std::size_t kSearchBytes = 200;

}  // namespace stratoscope::server
