// What was computed and is worth keeping beside an experiment: the last sweep, and what it was asked.
export interface SweepResults {
  request: { edits: string[]; axes: string[]; metric: string; targets?: string[] };
  answer: any;
}

class Results {
  sweep = $state.raw<SweepResults | null>(null);
}

export const results = new Results();
