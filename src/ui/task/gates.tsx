/** The gates of a task with what they printed; a failed one is open. */

import type { GateView, TaskView } from '../../model/build-view.js';
import type { LogView, TaskDocument } from '../../model/page.js';
import { duration } from '../format.js';
import { Empty, Panel, TextBlock } from '../parts/common.js';
import { Status } from '../parts/status.js';

export function GatesTab({
  document,
  run,
}: {
  readonly document: TaskDocument;
  readonly run: TaskView | undefined;
}) {
  const logs = new Map(document.logs.map((log) => [log.log, log]));
  const gates = run?.gates ?? [];
  const shown = new Set(gates.flatMap(({ log }) => log ?? []));
  const others = document.logs.filter(({ log }) => !shown.has(log));
  return (
    <>
      {gates.length > 0 && (
        <Panel title="Gates of this build">
          {gates.map((gate) => (
            <Gate
              key={`${gate.from} ${gate.gate}`}
              gate={gate}
              log={gate.log === undefined ? undefined : logs.get(gate.log)}
            />
          ))}
        </Panel>
      )}
      {gates.length === 0 && document.result && document.result.gates.length > 0 && (
        <Panel title="Gates that the result passed">
          <ul class="plain-list">
            {document.result.gates.map((gate) => (
              <li key={gate.name}>
                <Status kind={gate.exitCode === 0 ? 'passed' : 'failed'} plain /> <code>{gate.name}</code>{' '}
                <span class="dim">{duration(gate.ms)}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {gates.length === 0 && !document.result?.gates.length && (
        <Empty>No gate has been run for this task.</Empty>
      )}
      {others.length > 0 && (
        <Panel title="Other logs">
          {others.map((log) => (
            <details class="log" key={log.log}>
              <summary>{log.log.slice(log.log.lastIndexOf('/') + 1)}</summary>
              <TextBlock text={log.text} label={log.log} />
            </details>
          ))}
        </Panel>
      )}
    </>
  );
}

function Gate({ gate, log }: { readonly gate: GateView; readonly log: LogView | undefined }) {
  const state = gate.ok === undefined ? 'running' : gate.ok ? 'passed' : 'failed';
  return (
    <details class="log gate" open={gate.ok === false}>
      <summary>
        <Status kind={state} plain /> <code>{gate.gate}</code>{' '}
        <span class="dim">
          attempt {gate.attempt}
          {gate.ms === undefined ? '' : `, ${duration(gate.ms)}`}
        </span>
      </summary>
      {log ? (
        <TextBlock
          text={log.text === '' ? '(it printed nothing)' : log.text}
          label={`output of ${gate.gate}`}
        />
      ) : (
        <p class="dim pad">{gate.ok === undefined ? 'It runs.' : 'Its output is not kept.'}</p>
      )}
    </details>
  );
}
