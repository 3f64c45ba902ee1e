// Whether the server responds. After a failure it is polled until it does.
const PAUSE = 1000; // milliseconds between two requests

class Connection {
  lost = $state(false);
  found = $state(0); // number of reconnections, after which failed requests are sent again

  // `ping` is true when the server responds.
  async lose(ping: () => Promise<boolean>): Promise<void> {
    if (this.lost) return;
    this.lost = true;
    do await new Promise((done) => setTimeout(done, PAUSE));
    while (!(await ping().catch(() => false)));
    this.lost = false;
    ++this.found;
  }
}

export const connection = new Connection();
