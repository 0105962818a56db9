/** Where the result comes from: key, model, cost, who built it, when. */

import type { TaskDocument } from '../../model/page.js';
import { cost, dateTime, duration, plural, short, tokens } from '../format.js';
import { Empty, Facts, Panel } from '../parts/common.js';

export function ResultTab({ document }: { readonly document: TaskDocument }) {
  const { result } = document;
  if (!result) return <Empty>No result is recorded, or the recorded one is in no store.</Empty>;
  const at = Date.parse(result.startedAt);
  return (
    <>
      <Panel title="Result">
        <Facts
          rows={[
            [
              'key',
              <code title={result.key} key="key">
                {short(result.key)}
              </code>,
            ],
            [
              'commit',
              <code title={result.commit} key="commit">
                {short(result.commit)}
              </code>,
            ],
            ['recipe', result.recipe],
            ['agent', result.agent],
            [
              'model',
              result.model === undefined
                ? undefined
                : `${result.model}${result.variant ? ` (${result.variant})` : ''}`,
            ],
            ['attempts', result.attempts],
            ['cost', cost(result.usage)],
            ['tokens', tokens(result.usage)],
            ['built by', result.by],
            ['built', Number.isNaN(at) ? result.startedAt : dateTime(at)],
            ['time', duration(result.ms)],
            ['verified against', result.verified?.join(', ')],
            ['conductor', result.conductor],
          ]}
        />
      </Panel>
      <Panel title="Files" note={plural(result.outputs.length, 'file')}>
        <ul class="paths">
          {result.outputs.map((path) => (
            <li key={path}>{path}</li>
          ))}
        </ul>
      </Panel>
    </>
  );
}
