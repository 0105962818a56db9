/**
 * The budgets of a build while its tasks run on other machines: counted here, from the events that come back, so that a
 * limit of the build or the day holds over all workers. Runs nothing.
 */

import type { Agent } from '../../agent/agent.js';
import { addUsage } from '../../agent/usage.js';
import type { Usage } from '../../model/action.js';
import type { BuildEventBody } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { TaskRun } from '../../model/task-run.js';
import type { Account, Spending } from '../spending.js';

interface Sessions {
  readonly account: Account;
  /** Of those that have ended. */
  ended: Usage;
}

/** What one task has used so far, session by session. */
export class RemoteSpending {
  private readonly spending: Spending;
  private readonly agent: Agent;
  private readonly run: TaskRun;
  private readonly emit: (event: BuildEventBody) => void;
  private readonly open = new Map<string, Sessions>();
  /** Over all attempts of the task in this build. */
  sum: Usage = {};

  constructor(
    spending: Spending,
    { agent, run }: { readonly agent: Agent; readonly run: TaskRun },
    emit: (event: BuildEventBody) => void,
  ) {
    this.spending = spending;
    this.agent = agent;
    this.run = run;
    this.emit = emit;
  }

  /** Why the task may not begin; undefined when it may. */
  refusal(model: string | undefined): Failure | undefined {
    const sessions = this.sessions('start', model);
    return 'account' in sessions ? undefined : sessions;
  }

  /** Returns the limit that is exceeded with this event. */
  on(event: BuildEventBody): Failure | undefined {
    if (event.type !== 'task.usage' && event.type !== 'agent.finished') return undefined;
    const phase = event.phase === 'implementation' ? '' : (event.phase ?? '');
    const sessions = this.sessions(`${event.attempt} ${phase}`, event.model);
    if (!('account' in sessions)) return sessions;
    const { account } = sessions;
    if (event.type === 'agent.finished') sessions.ended = addUsage(sessions.ended, event.usage);
    const total = event.type === 'task.usage' ? event.usage : sessions.ended;
    this.sum = account.sum(total);
    // Minutes are counted where the work is done.
    const exceeded = account.report(total, 0);
    for (const warning of account.warnings()) this.emit(warning);
    if (event.type === 'agent.finished') {
      const unknown = account.close(total, event.failure === undefined);
      if (unknown) this.emit(unknown);
    }
    return exceeded;
  }

  private sessions(name: string, model: string | undefined): Sessions | Failure {
    const known = this.open.get(name);
    if (known) return known;
    const { label, payer = label, budget } = this.run;
    const { name: agent, reportsCost } = this.agent;
    const payee = { name: agent, reportsCost, ...(model === undefined ? {} : { model }) };
    const account = this.spending.open(payer, budget, payee);
    if (!account.ok) return account.error;
    const sessions: Sessions = { account: account.value, ended: {} };
    if (name !== 'start') this.open.set(name, sessions);
    return sessions;
  }
}
