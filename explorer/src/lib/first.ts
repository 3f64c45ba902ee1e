// The next tokens are asked for and painted before any other view asks: the hand that moves a slider looks there.
const LONGEST_WAIT = 100; // ms; a slow answer holds nobody up

let running = 0;
let released = Promise.resolve();
let release = (): void => {};

const painted = (): Promise<void> => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
const passed = (time: number): Promise<void> => new Promise((done) => setTimeout(done, time));

export async function first<T>(ask: () => Promise<T>): Promise<T> {
  if (running++ === 0) released = new Promise((done) => (release = done));
  const done = (): void => {
    if (--running === 0) release();
  };
  try {
    return await ask();
  } finally {
    void Promise.race([painted(), passed(LONGEST_WAIT)]).then(done);
  }
}

// When what goes first has been painted.
export async function afterFirst(): Promise<void> {
  await Promise.resolve(); // the effects of one change have all begun
  if (running > 0) await Promise.race([released, passed(LONGEST_WAIT)]);
}
