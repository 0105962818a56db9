/** Steps that other modules want to be taken before this process ends. Knows none of these modules. */

type Step = () => Promise<void>;

const steps = new Set<Step>();

/** Registers a step that is taken when the command has ended; the returned function removes it. */
export function beforeEnd(step: Step): () => void {
  steps.add(step);
  return () => void steps.delete(step);
}

export async function takeLastSteps(): Promise<void> {
  for (const step of steps) await step();
}
