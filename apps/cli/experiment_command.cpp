#include "apps/cli/experiment_command.h"

#include <memory>
#include <utility>

#include "apps/cli/field_options.h"
#include "apps/cli/output.h"
#include "apps/cli/record.h"
#include "stratoscope/base/error.h"

namespace stratoscope::cli {
namespace {

// A command while it runs: the options that were given, and the request that they fill.
class ExperimentCommand {
 public:
  ExperimentCommand(CLI::App& app, const Experiment& experiment, Presentation presentation)
      : presentation_(std::move(presentation)),
        request_(experiment.begin()),
        command_(*app.add_subcommand(experiment.name, experiment.summary)) {
    add_model_options(command_, common_);
    if (experiment.has_figure) add_figure_options(command_, figure_);
    options_.emplace(command_, request_->fields());
    if (experiment.is_recorded) add_record(command_, common_);
    for (const Field& field : request_->fields().all())
      if (field.is_argument && field.takes_several)
        add_words(command_, common_, field.value_name, field.help);
      else if (field.is_argument)
        add_text(command_, common_, field.help);
    for (const Field& field : request_->fields().all())
      if (field.is_more) add_more_texts(command_, common_, field.help);
  }

  void run(const Program& program) {
    check_figure(figure_);
    options_->read(common_);
    request_->check();
    const Session session = open_session(common_, program);
    if (figure_.file) request_->check_figure(session);
    const bool for_people = !common_.json && !program.sink;
    if (for_people && presentation_.prepare) presentation_.prepare(session, *request_);
    const std::unique_ptr<ExperimentResult> result = request_->run(session);
    warn_all(result->warnings());
    if (figure_.file) write_figure(figure_, *result->figure(), session.progress());
    const Document document = result->document();
    if (common_.record) write_record(common_, command_, *options_, *result, document);
    if (program.sink)
      program.sink(document);
    else if (common_.json || !presentation_.print)
      print_json(document);
    else
      presentation_.print(session, *request_, *result);
    if (const auto missing = result->missing()) throw Error(command_.get_name(), *missing);
  }

  CLI::App& command() { return command_; }

 private:
  CommonOptions common_;
  FigureOptions figure_;
  Presentation presentation_;
  std::unique_ptr<ExperimentRequest> request_;
  CLI::App& command_;
  std::optional<FieldOptions> options_;
};

}  // namespace

void add_experiment(CLI::App& app, Program& program, const Experiment& experiment, Presentation presentation) {
  auto command = std::make_shared<ExperimentCommand>(app, experiment, std::move(presentation));
  command->command().callback([command, &program] { program.action = [command, &program] { command->run(program); }; });
}

}  // namespace stratoscope::cli
