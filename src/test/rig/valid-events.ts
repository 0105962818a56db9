/** Whether events are what the shipped schema says, for tests. Knows no build. */

import { validateSchema } from '../../io/document/document.js';

/** What the schema refuses, with the event that it refuses; empty when all are valid. */
export async function refusedEvents(
  events: readonly unknown[],
  schema: 'events' | 'project-events' = 'events',
): Promise<string[]> {
  const refused: string[] = [];
  for (const event of events) {
    // As readers get it: `undefined` is no value there.
    const text = JSON.stringify(event);
    const problems = await validateSchema(schema, JSON.parse(text));
    if (problems.length > 0) refused.push(`${text}: ${problems.map(({ message }) => message).join('; ')}`);
  }
  return refused;
}
