// Stores the state in the address; each settled change of the text or the edits is an entry of the history.
import { state as shared } from "./state.svelte";

const SETTLED = 700; // milliseconds without a further change
const SOON = 250; // browsers limit the rate of changes of the address

const held = (): string => JSON.stringify([shared.model, shared.text, shared.corrupt, shared.edits]);

// Call it while a component is created.
export function keepHistory(): void {
  let kept: string | null = null; // the state of the current entry

  $effect(() => {
    const [address, now] = [shared.address(), held()];
    const isNew = kept !== null && kept !== now;
    const timer = setTimeout(
      () => {
        if (!shared.ready || location.hash === address) return;
        if (isNew) history.pushState(null, "", address);
        else history.replaceState(null, "", address);
        kept = now;
      },
      isNew ? SETTLED : SOON,
    );
    return () => clearTimeout(timer);
  });
  $effect(() => {
    const read = (): void => {
      if (shared.readAddress()) kept = held();
    };
    addEventListener("popstate", read);
    addEventListener("hashchange", read);
    return () => {
      removeEventListener("popstate", read);
      removeEventListener("hashchange", read);
    };
  });
}

// Updates the address at once.
export function settleAddress(): void {
  history.replaceState(null, "", shared.address());
}
