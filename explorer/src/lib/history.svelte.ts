// The address holds the state; each settled change of the text or the edits is an entry that Back returns to.
import { state as shared } from "./state.svelte";

const SETTLED = 700; // milliseconds without a further change
const SOON = 250; // browsers bound how often the address may change

const held = (): string => JSON.stringify([shared.model, shared.text, shared.corrupt, shared.edits]);

// To be called while a component is made.
export function keepHistory(): void {
  let kept: string | null = null; // what the current entry holds

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

// Puts the state into the address at once.
export function settleAddress(): void {
  history.replaceState(null, "", shared.address());
}
