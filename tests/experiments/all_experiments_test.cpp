// Every experiment of the list: names, fields, and that a body which its schema forbids is refused.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "stratoscope/experiments/experiment.h"
#include "stratoscope/request/json_fields.h"
#include "tests/support/json_schema.h"

namespace stratoscope {
namespace {

TEST(AllExperiments, HaveNamesSummariesAndFieldsOfTheirOwn) {
  std::set<std::string> names;
  for (const Experiment& experiment : all_experiments()) {
    SCOPED_TRACE(experiment.name);
    EXPECT_TRUE(names.insert(experiment.name).second);
    EXPECT_FALSE(experiment.summary.empty());
    const auto request = experiment.begin();
    std::set<std::string> fields, options;
    for (const Field& field : request->fields().all()) {
      EXPECT_TRUE(fields.insert(field.name).second) << field.name;
      EXPECT_TRUE(options.insert(field.option).second) << field.option;
      EXPECT_FALSE(field.help.empty()) << field.name;
      EXPECT_FALSE(field.is_given) << field.name;
      const FieldForm form = form_of(field);
      EXPECT_TRUE(!field.value_name.empty() || form.is_flag || field.is_argument || !form.choices.empty())
          << field.name;
      if (!field.needs.empty()) {
        EXPECT_NE(request->fields().find(field.needs), nullptr) << field.name;
      }
      for (const std::string& other : field.unless) EXPECT_NE(request->fields().find(other), nullptr) << other;
    }
  }
  EXPECT_GT(names.size(), 15U);
}

// A value of each required field that is read.
nlohmann::json least_body(Fields& fields) {
  nlohmann::json body = nlohmann::json::object();
  for (const Field& field : fields.all())
    if (field.is_required) body[field.name] = form_of(field).is_list ? nlohmann::json::array() : nlohmann::json("a");
  return body;
}

TEST(AllExperiments, ReadNoBodyThatTheirSchemaForbids) {
  BodyLimits limits;
  limits.text_bytes = limits.expression_bytes = 100;
  limits.list_entries = 4;
  limits.is_served = true;
  std::size_t forbidden = 0, read = 0;
  for (const Experiment& experiment : all_experiments()) {
    if (!experiment.is_served) continue;
    const auto described = experiment.begin();
    const nlohmann::json schema = schema_of(described->fields(), limits);
    nlohmann::json least = least_body(described->fields());
    for (const auto& [name, property] : schema["properties"].items())
      for (const nlohmann::json& value : test::values_of_every_type()) {
        nlohmann::json body = least;
        body[name] = value;
        const bool is_allowed = test::schema_allows(schema, body);
        bool is_read = true;
        try {
          read_json(experiment.begin()->fields(), body, limits);
        } catch (const Error&) {
          is_read = false;
        }
        forbidden += is_allowed ? 0 : 1;
        read += is_read ? 1 : 0;
        EXPECT_TRUE(is_allowed || !is_read) << experiment.name << " " << body;
      }
  }
  EXPECT_GT(forbidden, 1000U);
  EXPECT_GT(read, 300U);
}

}  // namespace
}  // namespace stratoscope
