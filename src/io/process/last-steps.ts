/** What is ended before this process ends, by the parts that started it. Knows nothing of them. */

type Step = () => Promise<void>;

const steps = new Set<Step>();

/** Done when the command has ended. The way to take it back. */
export function beforeEnd(step: Step): () => void {
  steps.add(step);
  return () => void steps.delete(step);
}

export async function takeLastSteps(): Promise<void> {
  for (const step of steps) await step();
}
