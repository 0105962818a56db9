/** What became of a task in all builds that the project remembers. */

import type { TaskDocument } from '../../model/page.js';
import { cost, dateTime, duration, tokens, words } from '../format.js';
import { Empty, Panel } from '../parts/common.js';
import { Status } from '../parts/status.js';
import { taskLink } from '../router.js';
import { isReport } from '../source.js';

export function HistoryTab({ document }: { readonly document: TaskDocument }) {
  const { history, label } = document;
  if (history.length === 0) return <Empty>The project remembers no run of this task.</Empty>;
  return (
    <Panel title="Runs">
      <div class="table-scroll">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Outcome</th>
              <th scope="col" class="right">
                Attempts
              </th>
              <th scope="col">Model</th>
              <th scope="col" class="right">
                Time
              </th>
              <th scope="col" class="right">
                Tokens
              </th>
              <th scope="col" class="right">
                Cost
              </th>
              <th scope="col">Failures</th>
            </tr>
          </thead>
          <tbody>
            {history.map((run) => (
              <tr key={`${run.build} ${run.at}`}>
                <td>
                  {isReport() ? (
                    dateTime(run.at)
                  ) : (
                    <a href={taskLink(label, run.build)}>{dateTime(run.at)}</a>
                  )}
                </td>
                <td>
                  <Status kind={run.outcome} />
                </td>
                <td class="right">{run.attempts ?? ''}</td>
                <td>{run.model ?? ''}</td>
                <td class="right">{duration(run.ms)}</td>
                <td class="right">{tokens(run.usage)}</td>
                <td class="right">{cost(run.usage)}</td>
                <td>{run.failures.map(words).join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
