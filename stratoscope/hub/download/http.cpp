#include "stratoscope/hub/download/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <charconv>
#include <exception>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "stratoscope/hub/download/address.h"
#include "stratoscope/hub/download/faults.h"
#include "stratoscope/hub/download/network_errors.h"
#include "stratoscope/version.h"

namespace stratoscope {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostHeaders = std::size_t{128} << 10;  // bytes of one response
constexpr std::size_t kMostBody = std::size_t{32} << 20;      // of a response that is kept whole
constexpr long kBuffer = 256L << 10;

// Writing to a connection closed by the peer raises SIGPIPE in this thread; blocked, it is an error code.
class WithoutPipeSignal {
 public:
  WithoutPipeSignal() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutPipeSignal() {
    const timespec at_once{};
    if (!was_pending_)
      while (::sigtimedwait(&pipe_, nullptr, &at_once) > 0) {
      }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutPipeSignal(const WithoutPipeSignal&) = delete;
  WithoutPipeSignal& operator=(const WithoutPipeSignal&) = delete;

 private:
  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// The state of one request while libcurl runs.
struct Exchange {
  HttpResponse response;
  BodySink* sink = nullptr;
  bool begun = false;
  std::size_t header_bytes = 0;
  std::exception_ptr error;

  Clock::duration stall{};
  std::uint64_t least_rate = 0;
  const std::function<bool()>* cancelled = nullptr;
  Clock::time_point window = Clock::now();
  std::uint64_t received_before = 0;
  bool is_cancelled = false, is_stalled = false;

  bool has_wanted_body() const { return sink != nullptr && (response.status == 200 || response.status == 206); }

  void take_header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kMostHeaders) throw Error("pull", "the server sends headers without end");
    if (line.starts_with("HTTP/")) {  // a new response, after "100 Continue" or a proxy's
      response.headers.clear();
      const std::string_view after = trimmed(line.substr(std::min(line.find(' '), line.size())));
      response.status = 0;
      std::from_chars(after.data(), after.data() + after.size(), response.status);
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name(line.substr(0, colon));
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    response.headers.emplace(std::move(name), trimmed(line.substr(colon + 1)));
  }

  void take_body(std::span<const char> bytes) {
    if (has_wanted_body()) {
      if (!std::exchange(begun, true)) sink->begin(response);
      sink->write(std::as_bytes(bytes));
      return;
    }
    if (response.body.size() + bytes.size() > kMostBody) throw Error("pull", "the server sends an answer without end");
    response.body.append(bytes.data(), bytes.size());
  }

  // Whether to continue, with so many bytes of body received.
  bool goes_on(std::uint64_t received) {
    is_cancelled = *cancelled && (*cancelled)();
    const auto now = Clock::now();
    if (now - window >= stall) {
      const auto seconds = std::chrono::duration<double>(now - window).count();
      is_stalled = static_cast<double>(received - received_before) < seconds * static_cast<double>(least_rate);
      window = now;
      received_before = received;
    }
    return !is_cancelled && !is_stalled;
  }
};

// libcurl's callbacks must not throw: their exceptions are kept in the exchange.
template <class Call>
std::size_t guarded(Exchange& exchange, std::size_t size, const Call& call) {
  try {
    call();
    return size;
  } catch (...) {
    exchange.error = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

extern "C" std::size_t on_header(char* text, std::size_t, std::size_t size, void* exchange) {
  auto& to = *static_cast<Exchange*>(exchange);
  return guarded(to, size, [&] { to.take_header({text, size}); });
}

extern "C" std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* exchange) {
  auto& to = *static_cast<Exchange*>(exchange);
  return guarded(to, size, [&] { to.take_body({bytes, size}); });
}

extern "C" int on_progress(void* exchange, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(exchange)->goes_on(static_cast<std::uint64_t>(received)) ? 0 : 1;
}

void set_up_library() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw Error("pull", std::string("libcurl cannot be used: ") + curl_easy_strerror(ready));
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::optional<std::uint64_t> HttpResponse::number(const std::string& name) const {
  const std::string text = header(name);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct HttpConnection::State {
  using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

  HttpOptions options;
  std::string certificates, certificates_folder;
  std::function<bool()> cancelled;
  Handle handle{nullptr, curl_easy_cleanup};

  void open() {
    handle.reset(curl_easy_init());
    if (handle == nullptr) throw std::bad_alloc();
  }

  // A handle that failed may keep state that a reset does not clear: after an unknown host, libcurl 7.88 rejects a
  // buffer size.
  void reopen() {
    set(CURLOPT_QUICK_EXIT, 1L);  // does not wait for a pending name lookup
    open();
  }

  template <class Value>
  void set(CURLoption option, Value value) const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
    const CURLcode code = curl_easy_setopt(handle.get(), option, value);
    if (code != CURLE_OK)
      throw Error("pull", "libcurl refuses setting " + std::to_string(option) + ": " + curl_easy_strerror(code));
  }

  void prepare(const HttpRequest& request, Exchange& exchange) const {
    curl_easy_reset(handle.get());  // connections stay open
    set(CURLOPT_URL, request.address.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, "stratoscope/" STRATOSCOPE_VERSION);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_BUFFERSIZE, kBuffer);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    if (request.head) set(CURLOPT_NOBODY, 1L);
    if (request.first_byte > 0) set(CURLOPT_RANGE, (std::to_string(request.first_byte) + "-").c_str());
    set(CURLOPT_ACCEPT_ENCODING, request.compressed ? "gzip" : "identity");
    if (!certificates.empty()) set(CURLOPT_CAINFO, certificates.c_str());
    if (!certificates_folder.empty()) set(CURLOPT_CAPATH, certificates_folder.c_str());
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&exchange));
    set(CURLOPT_NOPROGRESS, 0L);
    exchange.stall = options.stall;
    exchange.least_rate = options.least_rate;
    exchange.cancelled = &cancelled;
  }
};

HttpConnection::HttpConnection(const HttpOptions& options, const std::string& certificates,
                               const std::string& certificates_folder, std::function<bool()> cancelled)
    : state_(std::make_unique<State>()) {
  set_up_library();
  state_->options = options;
  state_->certificates = certificates;
  state_->certificates_folder = certificates_folder;
  state_->cancelled = std::move(cancelled);
  state_->open();
}

HttpConnection::~HttpConnection() {
  const WithoutPipeSignal quiet;  // closing may still send
  state_.reset();
}

HttpResponse HttpConnection::send(const HttpRequest& request, BodySink* sink) {
  const WithoutPipeSignal quiet;
  Exchange exchange;
  exchange.sink = sink;
  state_->prepare(request, exchange);
  CURL* const handle = state_->handle.get();
  std::array<char, CURL_ERROR_SIZE> said{};
  state_->set(CURLOPT_ERRORBUFFER, said.data());
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr, curl_slist_free_all);
  if (!request.token.empty()) {
    headers.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + request.token).c_str()));
    if (headers == nullptr) throw std::bad_alloc();
    state_->set(CURLOPT_HTTPHEADER, headers.get());
  }
  const CURLcode code = curl_easy_perform(handle);
  long proxy_status = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  curl_easy_reset(handle);  // removes pointers to objects of this call
  if (code != CURLE_OK) state_->reopen();

  if (exchange.error != nullptr) std::rethrow_exception(exchange.error);
  if (exchange.is_cancelled) throw Interrupted();
  if (exchange.is_stalled) throw PassingFault("pull", host_of(request.address) + " has stopped sending");
  if (code != CURLE_OK)
    throw_network_error(code, request.address, said[0] != '\0' ? said.data() : curl_easy_strerror(code), proxy_status);
  constexpr long kFromProxy = 407;
  if (exchange.response.status == kFromProxy) throw_proxy_refusal(request.address, kFromProxy);
  if (exchange.has_wanted_body() && !exchange.begun) sink->begin(exchange.response);  // an empty body
  return std::move(exchange.response);
}

}  // namespace stratoscope
