// Whether the server answers. One that fell silent is looked for until it is there again.
const PAUSE = 1000; // milliseconds between two looks

class Connection {
  lost = $state(false);
  found = $state(0); // how often it came back: what was asked in vain is asked again

  // `answers` asks the server for a sign of life.
  async lose(answers: () => Promise<boolean>): Promise<void> {
    if (this.lost) return;
    this.lost = true;
    do await new Promise((done) => setTimeout(done, PAUSE));
    while (!(await answers().catch(() => false)));
    this.lost = false;
    ++this.found;
  }
}

export const connection = new Connection();
