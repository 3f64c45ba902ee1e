"""The methods against the one description of the experiments: names, defaults, kinds."""
import inspect
import json

import pytest
from stratoscope import _library
from stratoscope.experiments import Experiments, field_of

DESCRIBED = {entry["name"]: entry for entry in json.loads(_library.library().stratoscope_experiments())}
# `run` and `info` have forms of their own, `tokens` is Model.tokenize, `weights` is Weights.summary.
NOT_METHODS = {"run", "info", "tokens", "weights"}
# Ids are taken by `target`, `words` and `text` as well.
COVERED = {"target_ids", "ids"}
METHODS = sorted(set(DESCRIBED) - NOT_METHODS)


def parameters_of(name):
    parameters = dict(inspect.signature(getattr(Experiments, name)).parameters)
    del parameters["self"]
    parameters.pop("stream", None)
    return parameters


def test_every_experiment_is_a_method():
    methods = {name for name in vars(Experiments) if not name.startswith("_")}
    assert methods == set(METHODS)
    assert len(methods) == 19


@pytest.mark.parametrize("name", METHODS)
def test_arguments_are_the_fields(name):
    fields = set(DESCRIBED[name]["schema"]["properties"]) - COVERED
    assert {field_of(name, argument) for argument in parameters_of(name)} == fields


@pytest.mark.parametrize("name", METHODS)
def test_required_arguments_are_the_required_fields(name):
    required = {n for n, p in parameters_of(name).items() if p.default is inspect.Parameter.empty}
    schema = DESCRIBED[name]["schema"]
    fields = schema["properties"].keys()
    text = {"text"} if {"ids", "text"} <= fields and "prompts" not in fields else set()
    assert {field_of(name, argument) for argument in required} == text | set(schema.get("required", []))


@pytest.mark.parametrize("name", METHODS)
def test_defaults_are_those_of_the_fields(name):
    properties = DESCRIBED[name]["schema"]["properties"]
    for argument, parameter in parameters_of(name).items():
        if parameter.default in (inspect.Parameter.empty, None):
            continue
        default = parameter.default
        described = properties[field_of(name, argument)].get("default", False if default is False else None)
        if isinstance(default, tuple):
            default = list(default)
        assert default == described, argument


@pytest.mark.parametrize("name", METHODS)
def test_choices_are_those_of_the_fields(name):
    hints = inspect.signature(getattr(Experiments, name), eval_str=True).parameters
    for argument in parameters_of(name):
        choices = DESCRIBED[name]["schema"]["properties"][field_of(name, argument)].get("enum")
        if choices:
            shown = str(hints[argument].annotation)
            assert all(f"'{choice}'" in shown for choice in choices), argument
            assert shown.count("'") == 2 * len(choices), argument


def test_documented():
    for name in METHODS:
        assert getattr(Experiments, name).__doc__
