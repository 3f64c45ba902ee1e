#include "apps/server/http_error.h"

#include <new>
#include <nlohmann/json.hpp>

namespace stratoscope::server {
namespace {

std::string body_of(const std::string& where, const std::string& problem, const std::string& hint,
                    const std::string& message, const std::string& details) {
  nlohmann::ordered_json error{{"where", where}, {"problem", problem}, {"hint", hint}, {"message", message}};
  if (!details.empty()) error["details"] = details;
  return nlohmann::ordered_json{{"error", error}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string body_of(const Error& error) {
  return body_of(error.where(), error.problem(), error.hint(), error.what(), error.details());
}

}  // namespace

ErrorResponse error_response(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const HttpError& error) {
    return {error.status(), body_of(error)};
  } catch (const Interrupted&) {
    return {409, body_of(Error("request", "a newer request of the same client took its place, or the server stops"))};
  } catch (const Error& error) {
    return {400, body_of(error)};
  } catch (const std::bad_alloc&) {
    return {507, body_of(Error("memory", "there is not enough for this request", "try a shorter text"))};
  } catch (const std::exception& error) {
    return {500, body_of(Error("server", error.what()))};
  } catch (...) {
    return {500, body_of(Error("server", "an unknown failure"))};
  }
}

}  // namespace stratoscope::server
