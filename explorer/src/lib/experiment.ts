// The state and its result as a document, to be saved, exported and replayed.
import { postJson } from "./api";
import { sweepRequest } from "./command";
import { state } from "./state.svelte";
import { sweeping } from "./sweep.svelte";

// The experiment that `stratoscope replay` runs again and compares: the current sweep, or else the prediction.
async function record() {
  const common = {
    ...(state.model === "novella-7m" ? {} : { model: [state.model] }),
    ...(state.usesCorrupt ? { corrupt: [state.corrupt] } : {}),
  };
  const { asked, answer } = sweeping.run ?? {};
  if (asked && answer && JSON.stringify(asked) === JSON.stringify(sweepRequest())) {
    const { model, corrupt, ...rest } = common;
    if (asked.corrupt !== undefined) Object.assign(rest, { corrupt: [asked.corrupt] });
    if (model) Object.assign(rest, { model });
    const target = "targets" in asked ? { target: asked.targets } : {};
    return { command: "sweep", options: { ...rest, edit: asked.edits, over: asked.axes, metric: [asked.metric], ...target }, result: answer };
  }
  const result = await postJson<any>("/api/predict", { ...state.request, position: state.position });
  return { command: "predict", options: { ...common, edit: state.activeEdits, position: [String(state.position)] }, result };
}

export async function experiment(note: string) {
  const { command, options, result } = await record();
  const sweep = sweepRequest();
  return {
    stratoscope: "experiment",
    record: 1,
    command,
    text: state.text,
    options,
    model: result.model,
    version: result.version,
    precision: result.precision,
    isa: result.isa,
    result,
    edits: state.activeEdits,
    ...(state.usesCorrupt ? { corrupt: state.corrupt } : {}),
    sweep: {
      edits: sweep.edits,
      axes: sweep.axes,
      metric: sweep.metric,
      ...("targets" in sweep ? { targets: sweep.targets } : {}),
    },
    note,
    state: { ...state.snapshot(), shownSweep: command === "sweep" ? sweeping.saved() : null },
  };
}
