/** Whether an agent reported, with the tool `task_blocked`, that it cannot do its task. Knows no session. */

import type { ToolPart } from '../client.js';

/** How the tool answers when it has taken the agent's word; anything else was a mistake in the arguments. */
const TAKEN = 'Noted.';

export interface Blocked {
  readonly because: string;
  /** `file`, `decision`, `dependency`, `environment` or `contradiction`. */
  readonly needs: string;
}

/** What a call says; undefined for every other one. */
export function blockedIn(part: ToolPart): Blocked | undefined {
  if (part.tool !== 'task_blocked' || part.state.status !== 'completed') return undefined;
  const { input, output } = part.state;
  if (!output.startsWith(TAKEN)) return undefined;
  return { because: String(input.because).replace(/\s+/g, ' ').trim(), needs: String(input.needs) };
}
