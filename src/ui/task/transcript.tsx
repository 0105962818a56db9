/** What the agent did: messages, tool calls and what they read, tokens by step. */

import type { TaskView } from '../../model/build-view.js';
import type { TaskDocument, TranscriptEntry, TranscriptView } from '../../model/page.js';
import { bytes, cost, count, duration, plural, tokens, words } from '../format.js';
import { Empty, Panel, TextBlock } from '../parts/common.js';

/** Lines of an entry that are shown before it is opened. */
const SHORT_TEXT = 900;

export function TranscriptTab({
  document,
  run,
}: {
  readonly document: TaskDocument;
  readonly run: TaskView | undefined;
}) {
  const observed = document.result?.observed ?? [];
  const { transcripts } = document;
  return (
    <>
      {run && run.calls.length > 0 && <Sessions run={run} />}
      {observed.length > 0 && (
        <Panel title="Read beyond the declared inputs" note={plural(observed.length, 'file')}>
          <ul class="paths">
            {observed.map((path) => (
              <li key={path}>{path}</li>
            ))}
          </ul>
        </Panel>
      )}
      {transcripts.map((one) => (
        <Transcript key={one.log} transcript={one} />
      ))}
      {transcripts.length === 0 && <Empty>No transcript is kept: logs of the last 30 builds are.</Empty>}
    </>
  );
}

function Sessions({ run }: { readonly run: TaskView }) {
  return (
    <Panel title="Sessions" note={plural(run.calls.length, 'session')}>
      <div class="table-scroll">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Attempt</th>
              <th scope="col">For</th>
              <th scope="col">Model</th>
              <th scope="col" class="right">
                Prompt
              </th>
              <th scope="col" class="right">
                Tokens
              </th>
              <th scope="col" class="right">
                Cost
              </th>
              <th scope="col" class="right">
                Time
              </th>
              <th scope="col">Ended</th>
            </tr>
          </thead>
          <tbody>
            {run.calls.map((call) => (
              <tr key={call.at}>
                <td>{call.attempt}</td>
                <td>{words(call.phase)}</td>
                <td>{call.model ?? call.agent}</td>
                <td class="right">{bytes(call.promptBytes)}</td>
                <td class="right">{tokens(call.usage)}</td>
                <td class="right">{cost(call.usage)}</td>
                <td class="right">{duration(call.ms)}</td>
                <td>{call.failure === undefined ? 'done' : words(call.failure)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {run.calls.map((call) =>
        call.said === undefined ? undefined : (
          <div key={call.at} class="pad">
            <p class="dim">
              Attempt {call.attempt}, {words(call.phase)}: the agent's last words
            </p>
            <TextBlock text={call.said} label={`last words of attempt ${call.attempt}`} />
          </div>
        ),
      )}
    </Panel>
  );
}

function Transcript({ transcript }: { readonly transcript: TranscriptView }) {
  const { entries, omitted, attempt } = transcript;
  const steps = entries.filter(({ kind }) => kind === 'step').length;
  const tools = entries.filter(({ kind }) => kind === 'tool').length;
  const note = `${plural(steps, 'step')}, ${plural(tools, 'tool call')}`;
  return (
    <Panel title={`Transcript of attempt ${attempt}`} note={note}>
      <ol class="transcript">
        {entries.map((entry, index) => (
          <Entry key={index} entry={entry} />
        ))}
      </ol>
      {omitted > 0 && (
        <p class="dim pad">
          {plural(omitted, 'entry', 'entries')} in the middle are left out: see {transcript.log}
        </p>
      )}
    </Panel>
  );
}

function Entry({ entry }: { readonly entry: TranscriptEntry }) {
  const { kind, name, status, input, text, tokens: used, costUsd } = entry;
  if (kind === 'step')
    return (
      <li class="entry step">
        step: {used ? `${count(used.in)} in, ${count(used.out)} out, ${count(used.cached)} cached` : ''}
        {costUsd === undefined ? '' : `, $${costUsd.toFixed(4)}`} {status === undefined ? '' : `(${status})`}
      </li>
    );
  const title = [WORDS[kind], name, status === 'completed' ? undefined : status].filter(Boolean).join(' ');
  const isBad = status === 'error' || status === 'cut-off' || kind === 'incident';
  return (
    <li class={`entry ${kind}${isBad ? ' bad' : ''}`}>
      <span class="entry-kind">{title}</span>
      {input !== undefined && <pre class="entry-input">{input}</pre>}
      {text !== undefined && (
        <Long text={text} label={title} isQuiet={kind === 'tool' || kind === 'prompt'} />
      )}
    </li>
  );
}

const WORDS: Readonly<Record<TranscriptEntry['kind'], string>> = {
  prompt: 'prompt',
  text: 'says',
  reasoning: 'thinks',
  tool: 'tool',
  step: 'step',
  message: 'message of',
  incident: 'incident',
  output: 'output',
};

function Long({
  text,
  label,
  isQuiet,
}: {
  readonly text: string;
  readonly label: string;
  readonly isQuiet: boolean;
}) {
  if (!isQuiet && text.length <= SHORT_TEXT) return <p class="entry-text">{text}</p>;
  return (
    <details open={!isQuiet}>
      <summary>{plural(text.split('\n').length, 'line')}</summary>
      <TextBlock text={text} label={label} />
    </details>
  );
}
