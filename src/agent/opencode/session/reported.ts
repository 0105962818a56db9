/** What an agent stated with the tools `task_needs` and `task_unchanged`. Knows no session. */

import {
  type AgentReport,
  cleanReport,
  type Need,
  type NeedKind,
} from '../../../model/agents/agent-report.js';
import type { ToolPart } from '../client.js';

/** How the tools answer when they have taken the agent's word; anything else was a mistake in the arguments. */
const TAKEN = 'Noted.';

export class StatedReport {
  private readonly needs = new Map<string, Need>();
  private unchanged: string | undefined;

  /** A call may be seen twice: as an event, and in the messages of the session. */
  tool(part: ToolPart): void {
    if (part.state.status !== 'completed' || !part.state.output.startsWith(TAKEN)) return;
    const { input } = part.state;
    if (part.tool === 'task_needs') {
      const what = typeof input.what === 'string' ? { what: input.what } : {};
      const need: Need = { kind: input.kind as NeedKind, ...what, because: String(input.because) };
      this.needs.set(JSON.stringify(need), need);
    }
    if (part.tool === 'task_unchanged') this.unchanged = String(input.because);
  }

  get report(): AgentReport | undefined {
    const { unchanged } = this;
    return cleanReport({
      needs: [...this.needs.values()],
      ...(unchanged === undefined ? {} : { unchanged }),
    });
  }
}
